"""The layer that shows how much each pixel of the paint counts in the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import result_axes
from napari_unet.widgets.viewer.notes import WEIGHTS, LayerNotes, as_metadata
from napari_unet.widgets.viewer.paint import Paint, image_named
from napari_unet.widgets.viewer.placing import placement

if TYPE_CHECKING:
    import napari
    from napari.layers import Image

    from napari_unet.widgets.teach.work import WeightedPart


def show_weights(viewer: napari.viewer.Viewer, maps: list[WeightedPart]) -> None:
    """Show the weights of painted parts over their images, of those that are still there."""
    for paint, place, weights in maps:
        if (image := image_named(viewer, paint.of)) is not None:
            _show(viewer, image, paint, place, weights)


def _show(
    viewer: napari.viewer.Viewer,
    image: Image,
    paint: Paint,
    place: tuple[int | slice, ...],
    weights: NDArray[np.float32],
) -> None:
    """Show the weights of what was painted on a part of an image over that part, instead of those before."""
    kept = result_axes(paint.image.axes)
    origin = tuple(at if isinstance(at, int) else at.start for at in place)
    shape = tuple(1 if isinstance(at, int) else at.stop - at.start for at in place)
    planes = ", ".join(str(at) for at in place if isinstance(at, int))
    name = f"{paint.name} (weights{', plane ' + planes if planes else ''})"
    if name in viewer.layers:
        viewer.layers.remove(name)
    viewer.add_image(
        weights.reshape(shape),
        name=name,
        colormap="inferno",
        blending="additive",
        opacity=0.7,
        metadata=as_metadata(LayerNotes(role=WEIGHTS)),
        **placement(image, paint.image.axes, kept, origin),
    )
