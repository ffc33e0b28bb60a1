"""Where layers lie: labels exactly over their image, parts of it at their place; how they come into a viewer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QTimer

from napari_unet.errors import UnetError
from napari_unet.widgets.parts.garbage_collection import GcPause
from napari_unet.widgets.parts.job import MOMENT
from napari_unet.widgets.viewer.notes import LayerNotes, as_metadata, sign, write_notes

if TYPE_CHECKING:
    import napari


def placement(
    layer: napari.layers.Image, axes: str, kept: str, origin: Sequence[int] | None = None
) -> dict[str, Any]:
    """Return the arguments that place labels with axes `kept` exactly over the image they come from.

    `axes` are those of the image; channels and samples fall away. `origin` is where the labels' first pixel
    lies in the image, per kept axis.
    """
    spatial = axes.replace("S", "")  # napari's transforms do not count RGB samples
    beyond = layer.ndim - len(spatial)  # leading axes of length 1 that were left out
    if beyond < 0 or not set(kept) <= set(spatial):
        raise UnetError(f"The layer {layer.name} holds an image of other axes than {axes} now: start again.")
    keep = [spatial.index(axis) + beyond for axis in kept]
    square = np.ix_(keep, keep)
    affine = np.asarray(layer.affine.affine_matrix)
    homogeneous = np.ix_([*keep, layer.ndim], [*keep, layer.ndim])
    return {
        "scale": np.asarray(layer.scale)[keep],
        "translate": np.asarray(_corner(layer, spatial, kept, origin))[keep],
        "rotate": np.asarray(layer.rotate)[square],
        "shear": _shear_matrix(layer.shear, layer.ndim)[square],
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


@contextmanager
def temporary_layer(viewer: napari.viewer.Viewer) -> Iterator[None]:
    """Let a layer come that will soon be removed: napari then collects garbage, which freezes the window."""
    GcPause.set_aside()
    with selection_kept(viewer):
        yield


def add_labels(
    viewer: napari.viewer.Viewer,
    labels: NDArray[np.int32],
    *,
    name: str,
    notes: LayerNotes,
    place: Mapping[str, Any],
) -> napari.layers.Labels:
    """Add and return a Labels layer; it is drawn and selected a moment later, as all at once takes too long."""
    with selection_kept(viewer):
        layer = viewer.add_labels(
            as_displayed(labels), name=name, metadata=as_metadata(notes), visible=False, **place
        )
    sign(layer)
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
    layer: napari.layers.Labels, labels: NDArray[np.int32], notes: LayerNotes, place: Mapping[str, Any]
) -> bool:
    """Put new labels into a layer of the same shape; return whether one undo brings the former ones back.

    The caller makes sure that the ids fit the layer's dtype: undo cannot cross a change of it.
    """
    write_notes(layer, replace(notes, layer=str(layer.unique_id)))
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
    starts = dict(zip(kept, origin, strict=True))
    start = [0] * (layer.ndim - len(spatial)) + [starts.get(axis, 0) for axis in spatial]
    linear = np.asarray(layer.rotate) @ _shear_matrix(layer.shear, layer.ndim) @ np.diag(layer.scale)
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
