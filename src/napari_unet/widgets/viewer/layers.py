"""Layers and arrays: what an image layer holds, and where its labels belong.

The only place that knows napari's scale, units, axis labels and transforms. Pixel sizes leave it in um.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QTimer

from napari_unet.arrays.axes import check_axes
from napari_unet.errors import UnetError
from napari_unet.widgets.parts.job import MOMENT
from napari_unet.widgets.viewer.file_header import KEY, header_axes, header_sizes

if TYPE_CHECKING:
    import napari

LETTERS = {
    "time": "T", "t": "T", "frame": "T",
    "channel": "C", "channels": "C", "c": "C", "ch": "C",
    "z": "Z", "depth": "Z", "plane": "Z",
    "y": "Y", "row": "Y", "x": "X", "column": "X",
}  # fmt: skip
SAMPLED = 128
"""Pixels per axis that are enough to guess what an image is."""
GUESSED = {2: "YX", 3: "ZYX", 4: "TZYX", 5: "TCZYX"}


class ChannelsBetweenError(UnetError):
    """An image whose labels would lie in other planes: its channels must become layers of their own."""

    def __init__(self, axes: str, sentence: str) -> None:
        super().__init__(sentence)
        self.axes = axes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerImage:
    """What an image layer holds: its array at full resolution, and the letter of each axis."""

    array: Any
    axes: str
    named: bool
    """Whether the axes come from the layer's labels, or are a guess from their number."""

    @property
    def channels(self) -> int:
        """Return how many channels the C axis has, 1 without one."""
        return int(self.array.shape[self.axes.index("C")]) if "C" in self.axes else 1


def unwrapped(viewer: Any) -> Any:
    """Return the viewer itself: each panel gets a proxy of its own."""
    return getattr(viewer, "__wrapped__", viewer)


def read_layer(layer: napari.layers.Image, axes: str | None = None) -> LayerImage:
    """Return the image of a layer; `axes`, or what `say_axes` keeps, overrules what the layer says."""
    array = full_resolution(layer)
    axes = axes_override(layer) if axes is None else axes
    if axes:
        named = check_axes(axes, array.shape)
        if ("S" in named) != layer.rgb or (layer.rgb and not named.endswith("S")):
            say = "ends its axes with S" if layer.rgb else "has no S axis: call it C, or open it as RGB"
            raise UnetError(f"axes {named!r} do not fit: this layer {say}")
        return LayerImage(array=array, axes=_aligned(named), named=True)
    samples = "S" if layer.rgb else ""
    letters = [LETTERS.get(str(label).lower().strip(), "") for label in layer.axis_labels]
    named = "".join(letters)
    if all(letters) and len(set(letters)) == len(letters) and {"Y", "X"} <= set(letters):
        return LayerImage(array=array, axes=_aligned(named + samples), named=True)
    if (stored := header_axes(layer)) is not None:
        return LayerImage(array=array, axes=_aligned(check_axes(stored, array.shape)), named=True)
    guess = _guess(layer)
    if not guess:
        raise UnetError(
            f"The image {layer.name} has {layer.ndim} dimensions, an image has at most T, C, Z, Y and X: "
            "open one index of an axis alone"
        )
    return LayerImage(array=array, axes=_aligned(check_axes(guess + samples, array.shape)), named=layer.ndim == 2)


def _aligned(axes: str) -> str:
    """Return axes whose labels lie in their own planes in napari, which aligns layers from the last axis on."""
    if "C" in axes[1:]:
        raise ChannelsBetweenError(
            axes,
            f"in {axes} channels lie between other axes, where labels cannot follow them: press Split channels "
            "in the Segment panel, or type Z for C under Advanced to segment all",
        )
    return axes


def _guess(layer: napari.layers.Image) -> str:
    """Return what the axes mean by their number, and time by its unit; empty where there are too many."""
    in_time = layer.ndim > 2 and layer.units[0].is_compatible_with("s")
    rest = GUESSED.get(layer.ndim - in_time, "")
    if not in_time:
        return rest
    return f"T{rest}" if rest and "T" not in rest else ""


def set_axes_override(layer: napari.layers.Image, axes: str) -> None:
    """Keep with an image what its axes mean, for all panels; an empty text forgets it."""
    if axes != axes_override(layer):
        layer.metadata = {**layer.metadata, KEY: {**layer.metadata.get(KEY, {}), "image_axes": axes}}


def axes_override(layer: napari.layers.Image) -> str:
    """Return what somebody said of the axes of an image, empty where nobody did."""
    return str(layer.metadata.get(KEY, {}).get("image_axes", ""))


def full_resolution(layer: napari.layers.Layer) -> Any:
    """Return the data of a layer at full resolution."""
    return layer.data[0] if layer.multiscale else layer.data


def sample_of(layer: napari.layers.Image) -> NDArray[Any] | None:
    """Return some pixels of a layer's smallest level; None where reading them could take long."""
    data = layer.data[-1] if layer.multiscale else layer.data
    if not isinstance(data, np.ndarray):
        return None
    return data[tuple(slice(None, None, max(1, length // SAMPLED)) for length in data.shape)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelSize:
    """um per spatial axis of a layer; `stated` is False where the layer has a scale but names no unit."""

    um: tuple[float, ...]
    stated: bool


def pixel_size(layer: napari.layers.Layer, axes: str) -> PixelSize | None:
    """Return the pixel size of the Z, Y, X axes of a layer or of its file, None where neither says one."""
    sizes, stated = [], True
    for axis, scale, unit in zip(axes.replace("S", ""), layer.scale, layer.units, strict=False):
        if axis not in "ZYX":
            continue
        if unit.is_compatible_with("um"):
            sizes.append(float((scale * unit).to("um").magnitude))
        else:
            stated = False
            sizes.append(float(scale))
    if not stated and all(size == 1 for size in sizes):
        stored = header_sizes(layer)
        if not stored:
            return None
        sizes, stated = [stored.get(axis, stored["Y"]) for axis in axes if axis in "ZYX"], True
    return PixelSize(um=tuple(abs(size) for size in sizes), stated=stated)


def placement(
    layer: napari.layers.Image, axes: str, kept: str, origin: Sequence[int] | None = None
) -> dict[str, Any]:
    """Return the arguments that place labels with axes `kept` exactly over the image they come from.

    `axes` are those of the image; channels and samples fall away. `origin` is where the labels' first pixel
    lies in the image, per kept axis.
    """
    spatial = axes.replace("S", "")  # napari's transforms do not count RGB samples
    keep = [spatial.index(axis) for axis in kept]
    square = np.ix_(keep, keep)
    affine = np.asarray(layer.affine.affine_matrix)
    homogeneous = np.ix_([*keep, len(spatial)], [*keep, len(spatial)])
    return {
        "scale": np.asarray(layer.scale)[keep],
        "translate": np.asarray(_corner(layer, spatial, kept, origin))[keep],
        "rotate": np.asarray(layer.rotate)[square],
        "shear": _shear_matrix(layer.shear, len(spatial))[square],
        "affine": affine[homogeneous],
        "units": tuple(layer.units[i] for i in keep),
        "axis_labels": tuple(layer.axis_labels[i] for i in keep),
    }


@contextmanager
def selection_kept(viewer: napari.viewer.Viewer) -> Iterator[None]:
    """Let layers come without being selected: who paints goes on painting, and less is drawn anew at once."""
    selected = list(viewer.layers.selection)
    with viewer.layers.selection.events.blocker_all():
        yield
        viewer.layers.selection = selected


def add_labels(
    viewer: napari.viewer.Viewer,
    labels: NDArray[np.int32],
    *,
    name: str,
    metadata: Mapping[str, Any],
    place: Mapping[str, Any],
) -> napari.layers.Labels:
    """Add and return a Labels layer; it is drawn and selected a moment later, as all at once takes too long."""
    with selection_kept(viewer):
        layer = viewer.add_labels(
            as_displayed(labels), name=name, metadata={KEY: dict(metadata)}, visible=False, **place
        )
    layer.metadata[KEY]["layer"] = str(layer.unique_id)  # napari copies metadata with a layer
    show_soon(viewer, layer)
    return layer


def show_soon(viewer: napari.viewer.Viewer, layer: napari.layers.Layer) -> None:
    """Make a layer visible and the active one, a moment later."""

    def show() -> None:
        if layer in viewer.layers:
            layer.visible = True
            viewer.layers.selection.active = layer

    QTimer.singleShot(MOMENT, show)


def update_labels(
    layer: napari.layers.Labels, labels: NDArray[np.int32], metadata: Mapping[str, Any], place: Mapping[str, Any]
) -> bool:
    """Put new labels into a layer of the same shape; return whether one undo brings the former ones back.

    The caller makes sure that the ids fit the layer's dtype: undo cannot cross a change of it.
    """
    layer.metadata = {**layer.metadata, KEY: {**metadata, "layer": str(layer.unique_id)}}
    move(layer, place)
    changed = np.nonzero(layer.data != labels)
    if len(changed[0]) == 0:
        return False
    layer.data_setitem(changed, labels[changed].astype(layer.data.dtype))
    return True


def move(layer: napari.layers.Layer, place: Mapping[str, Any]) -> None:
    """Put a layer where the image lies now; what is right already is left alone, as each change redraws."""
    for name in ("scale", "translate", "rotate", "affine"):
        present = np.asarray(layer.affine.affine_matrix if name == "affine" else getattr(layer, name))
        if not np.allclose(present, place[name]):
            setattr(layer, name, place[name])
    if not np.allclose(_shear_matrix(layer.shear, layer.ndim), place["shear"]):
        layer.shear = place["shear"][np.triu_indices(layer.ndim, k=1)]
    for name in ("units", "axis_labels"):
        if tuple(getattr(layer, name)) != place[name]:
            setattr(layer, name, place[name])


def as_displayed(labels: NDArray[np.int32]) -> NDArray[Any]:
    """Return labels as uint16 where the ids fit: napari draws them six times as fast as int32."""
    return labels.astype(np.uint16) if labels.max(initial=0) < 2**16 else labels


def _corner(
    layer: napari.layers.Image, spatial: str, kept: str, origin: Sequence[int] | None
) -> NDArray[np.float64]:
    """Return the translation that moves a part's first pixel to where it lies in the image."""
    if origin is None or not any(origin):
        return np.asarray(layer.translate, float)
    start = [dict(zip(kept, origin, strict=True)).get(axis, 0) for axis in spatial]
    linear = np.asarray(layer.rotate) @ _shear_matrix(layer.shear, len(spatial)) @ np.diag(layer.scale)
    moved: NDArray[np.float64] = np.asarray(layer.translate, float) + linear @ np.asarray(start, float)
    return moved


def _shear_matrix(shear: Any, ndim: int) -> NDArray[np.float64]:
    """Return napari's shear, a vector of upper triangular values, as a matrix."""
    values = np.asarray(shear, float)
    if values.ndim == 2:
        return values
    matrix = np.eye(ndim)
    matrix[np.triu_indices(ndim, k=1)] = values
    return matrix
