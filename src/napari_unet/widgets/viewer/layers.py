"""Layers and arrays: what an image layer holds, its axes and its pixel size.

The only place that knows napari's units and axis labels. Pixel sizes leave it in um and seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import SINGLE, check_axes
from napari_unet.arrays.pixel_size import LENGTHS, PixelSize
from napari_unet.errors import UnetError
from napari_unet.widgets.viewer.file_header import file_header, header_axes, known_size
from napari_unet.widgets.viewer.notes import notes_of, write_notes

if TYPE_CHECKING:
    import napari

LETTERS = {
    "time": "T", "t": "T", "frame": "T",
    "channel": "C", "channels": "C", "c": "C", "ch": "C",
    "z": "Z", "depth": "Z", "plane": "Z",
    "y": "Y", "row": "Y", "x": "X", "column": "X",
}  # fmt: skip
GUESSED = {2: "YX", 3: "ZYX", 4: "TZYX", 5: "TCZYX"}
MAX_NDIM = max(GUESSED)


class ChannelsBetweenError(UnetError):
    """An image whose labels would lie in other planes: its channels must become layers of their own."""

    def __init__(self, axes: str, sentence: str) -> None:
        super().__init__(sentence)
        self.axes = axes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerImage:
    """What an image layer holds: its array at full resolution, and the letter of each axis.

    Leading axes of length 1 may be left out: napari aligns layers from the last axis on, so labels of the rest lie
    where they belong. A channel axis of length 1 between others is called Q: labels keep it, for the same reason.
    """

    array: Any
    axes: str
    named: bool
    """Whether the axes come from the layer's labels, or are a guess from their number."""
    scale: tuple[float, ...] = ()
    """How far apart napari shows neighbouring pixels along each of the last axes, samples apart."""

    channel_names: tuple[str, ...] = ()
    """Names along C, empty where the layer's file has none."""

    def spacing(self, axes: str) -> tuple[float, ...]:
        """Return how far apart neighbouring pixels are along some axes, in the layer's unit."""
        known = dict(zip(reversed(self.axes.replace("S", "")), reversed(self.scale), strict=False))
        return tuple(abs(known.get(axis, 1.0)) for axis in axes)

    @property
    def channels(self) -> int:
        """Return how many channels the C axis has, 1 without one."""
        return int(self.array.shape[self.axes.index("C")]) if "C" in self.axes else 1


class _WithoutLeadingAxes:
    """An array that is read where it is sliced, without its first axes, which have length 1."""

    def __init__(self, array: Any, count: int) -> None:
        self._array, self._index = array, (0,) * count
        self.shape, self.dtype = tuple(array.shape[count:]), array.dtype
        self.ndim = len(self.shape)

    def __getitem__(self, key: Any) -> Any:
        return self._array[(*self._index, *(key if isinstance(key, tuple) else (key,)))]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self[...], dtype=dtype, copy=None if copy is None else copy)


def unwrapped(viewer: Any) -> Any:
    """Return the viewer itself: each panel gets a proxy of its own."""
    return getattr(viewer, "__wrapped__", viewer)


def read_layer(layer: napari.layers.Image, axes: str | None = None) -> LayerImage:
    """Return the image of a layer; `axes`, or what `set_axes_override` keeps, overrules what the layer says."""
    array = full_resolution(layer)
    axes = axes_override(layer) if axes is None else axes
    letters, named = (_typed(layer, axes, array.shape), True) if axes else _found(layer, array.shape)
    count = len(array.shape) - len(letters)
    image = _aligned(_without_leading(array, count), letters, named)
    return replace(_named_channels(layer, image), scale=steps(layer))


def _named_channels(layer: napari.layers.Image, image: LayerImage) -> LayerImage:
    """Return an image with the names that its file has for as many channels."""
    header = file_header(layer) if image.channels > 1 else None
    names = header.channel_names if header is not None else ()
    return replace(image, channel_names=names) if len(names) == image.channels else image


def _typed(layer: napari.layers.Image, axes: str, shape: tuple[int, ...]) -> str:
    """Return the axes that the user typed; leading axes of length 1 may be left out."""
    beyond = max(0, len(shape) - len(axes))
    named = check_axes(axes, shape[beyond:] if _all_single(shape[:beyond]) else shape)
    if ("S" in named) != layer.rgb or (layer.rgb and not named.endswith("S")):
        say = "ends its axes with S" if layer.rgb else "has no S axis: call it C, or open it as RGB"
        raise UnetError(f"axes {named!r} do not fit: this layer {say}")
    return named


def _found(layer: napari.layers.Image, shape: tuple[int, ...]) -> tuple[str, bool]:
    """Return the axes by the layer's labels, by its file, or by their number; and whether that is no guess."""
    samples = "S" if layer.rgb else ""
    if letters := _labelled(layer, shape):
        return letters + samples, True
    if (stored := header_axes(layer)) is not None:
        return check_axes(stored, shape), True
    beyond = max(0, layer.ndim - MAX_NDIM)
    guess = _guess(layer, shape[beyond : layer.ndim], beyond) if _all_single(shape[:beyond]) else ""
    if not guess:
        raise UnetError(
            f"The image {layer.name} has {layer.ndim} dimensions, an image has at most T, C, Z, Y and X: "
            "open one index of an axis alone"
        )
    return check_axes(guess + samples, shape[beyond:]), layer.ndim == 2


def _labelled(layer: napari.layers.Layer, shape: tuple[int, ...]) -> str:
    """Return the axes by the layer's labels, less unknown leading ones of length 1; empty if they are none."""
    letters = [LETTERS.get(str(label).lower().strip(), "") for label in layer.axis_labels]
    while letters and not letters[0] and shape[len(shape) - len(letters)] == 1 and layer.ndim == len(shape):
        letters = letters[1:]
    good = all(letters) and len(set(letters)) == len(letters) and {"Y", "X"} <= set(letters)
    return "".join(letters) if good else ""


def _all_single(lengths: tuple[int, ...]) -> bool:
    return all(length == 1 for length in lengths)


def _without_leading(array: Any, count: int) -> Any:
    """Return an array without its first axes; nothing is read."""
    if not count:
        return array
    lazy = hasattr(array, "__array_function__")  # NumPy and dask slice without reading
    return array[(0,) * count] if lazy else _WithoutLeadingAxes(array, count)


def _aligned(array: Any, axes: str, named: bool) -> LayerImage:
    """Return an image whose labels lie in its own planes in napari, which aligns layers from the last axis on."""
    place = max(0, axes.find("C"))
    if place and _all_single(array.shape[:place]):
        array, axes = _without_leading(array, place), axes[place:]
    elif place and array.shape[place] == 1:
        axes = axes.replace("C", SINGLE)
    elif place:
        raise ChannelsBetweenError(
            axes,
            f"in {axes} channels lie between other axes, where labels cannot follow them: press Split channels "
            "in the Segment panel, or type Z for C under Advanced to segment all",
        )
    return LayerImage(array=array, axes=axes, named=named)


def _guess(layer: napari.layers.Layer, shape: tuple[int, ...], first: int = 0) -> str:
    """Return what axes mean by their number, from the layer's `first` on; empty where there are too many.

    Time is known by its unit. A last axis of length 1 behind a plane is a channel: no volume is one pixel wide.
    """
    ndim = len(shape)
    if ndim > 2 and shape[-1] == 1 and min(shape[-3:-1]) > 1:
        return _guess(layer, shape[:-1], first) + "C"
    in_time = ndim > 2 and layer.units[first].is_compatible_with("s")
    rest = GUESSED.get(ndim - in_time, "")
    if not in_time:
        return rest
    return f"T{rest}" if rest and "T" not in rest else ""


def labels_axes(layer: napari.layers.Labels) -> str:
    """Return the axes of a labels layer: by our notes, its axis labels, its file, or their number."""
    known = notes_of(layer).axes
    if len(known) == layer.ndim:
        return known
    shape = full_resolution(layer).shape
    if len(letters := _labelled(layer, shape)) == layer.ndim:
        return letters
    if stored := header_axes(layer):
        return stored
    if not (guess := _guess(layer, shape)):
        raise UnetError(f"labels of {layer.ndim} dimensions cannot be written: export a part of them")
    return guess


def set_axes_override(layer: napari.layers.Image, axes: str) -> None:
    """Keep with an image what its axes mean, for all panels; an empty text forgets it."""
    notes = notes_of(layer)
    if notes.image_axes != axes:
        write_notes(layer, replace(notes, image_axes=axes))


def axes_override(layer: napari.layers.Image) -> str:
    """Return what the user said of the axes of an image, empty where nothing was said."""
    return notes_of(layer).image_axes


def full_resolution(layer: napari.layers.Layer) -> Any:
    """Return the data of a layer at full resolution."""
    return layer.data[0] if layer.multiscale else layer.data


def pixel_size(layer: napari.layers.Layer, axes: str) -> PixelSize | None:
    """Return the pixel size of the axes T, Z, Y, X of a layer, None where nothing says it.

    A unit states it, of the scale and the affine. Without one it is that which the layer's file has, or which the
    layer had that napari derived it from, where its scale is still that one or 1; any other scale is taken for um,
    not stated.
    """
    kept = known_size(layer)
    spatial = axes.replace("S", "")
    sizes: dict[str, float | None] = {}
    stated = True
    known = zip(spatial[::-1], steps(layer)[::-1], layer.scale[::-1], layer.units[::-1], strict=False)
    for axis, step, scale, unit in known:
        sizes[axis] = _stated(axis, abs(step), unit)
        if sizes[axis] is None:
            sizes[axis], sure = _unstated(axis, abs(float(scale)), kept)
            stated = stated and sure
    return PixelSize.known(sizes, stated=stated)


def steps(layer: napari.layers.Layer) -> tuple[float, ...]:
    """Return how far apart napari shows neighbouring pixels along each axis: the scale, and that of its affine."""
    if np.array_equal(layer.affine.linear_matrix, np.eye(layer.ndim)):
        return tuple(map(float, layer.scale))
    corner = np.asarray(layer.data_to_world((0,) * layer.ndim))
    reached = [np.asarray(layer.data_to_world(one)) - corner for one in np.eye(layer.ndim)]
    return tuple(float(f"{np.linalg.norm(step):.9g}") for step in reached)  # coordinates are rounded, far away


def remember_size(layer: napari.layers.Layer) -> None:
    """Keep in the notes what a layer's units state, for layers that napari derives from it lose them."""
    try:
        axes = labels_axes(layer) if not hasattr(layer, "rgb") else read_layer(layer).axes
    except ChannelsBetweenError as error:
        axes = error.axes
    except UnetError:
        return
    size, notes = pixel_size(layer, axes), notes_of(layer)
    if size is None or not size.stated:
        return
    known = notes.pixel_size.by_axis if notes.pixel_size is not None else {}
    if (merged := PixelSize({**known, **size.by_axis})) != notes.pixel_size:
        write_notes(layer, replace(notes, pixel_size=merged))


def _stated(axis: str, scale: float, unit: Any) -> float | None:
    """Return um, or seconds along T, where an axis has a unit of that kind."""
    wanted = "s" if axis == "T" else "um"
    return float((scale * unit).to(wanted).magnitude) if unit.is_compatible_with(wanted) else None


def _unstated(axis: str, scale: float, kept: PixelSize | None) -> tuple[float | None, bool]:
    """Return the size of an axis without a unit, and whether that is more than a scale."""
    known = kept.get(axis) if kept is not None else None
    if known is not None and (scale == 1 or np.isclose(scale, known)):
        return known, True
    if scale == 1 or axis not in LENGTHS:
        return None, True
    return scale, False
