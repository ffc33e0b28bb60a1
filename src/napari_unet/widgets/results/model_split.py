"""Ask the model that found an object where a higher threshold divides it; PyTorch is imported in the worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray

from napari_unet.arrays.boxes import Box
from napari_unet.arrays.object_boxes import boxes_of
from napari_unet.errors import UnetError
from napari_unet.progress import Progress, Steps
from napari_unet.proofreading import Edit, split_by_level
from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.settings.zooms import stored_zoom
from napari_unet.widgets.viewer.layers import LayerImage, read_layer
from napari_unet.widgets.viewer.notes import LayerNotes, notes_of
from napari_unet.widgets.viewer.paint import image_of

if TYPE_CHECKING:
    import napari


def begin_model_split(
    viewer: napari.viewer.Viewer, layer: Labels, number: int, now: Box
) -> Callable[[], Steps[Edit]]:
    """Return what finds the edit; UnetError where model or image are not known."""
    notes, image = notes_of(layer), image_of(viewer, layer)
    if not notes.model_path or not Path(notes.model_path).exists() or image is None:
        raise UnetError("The model or the image of this result is not open: Split divides by shape, Cut by a line")
    found = next(boxes_of(layer.data[now], [number]), None)
    if found is None:
        raise UnetError(f"there is no object {number}: click on one that is there")
    box = tuple(slice(a.start + b.start, a.start + b.stop) for a, b in zip(now, found[0], strict=True))
    return lambda: _find(read_layer(image), notes, layer.data.copy(), number, box)


def _find(image: LayerImage, notes: LayerNotes, labels: NDArray[Any], number: int, box: Box) -> Steps[Edit]:
    yield Progress(done=0, total=0, doing="Asking the model")
    from napari_unet.nets.torch_preload import preload_torch

    preload_torch()
    from napari_unet.models.library import load_model
    from napari_unet.segmentation import segment_steps

    axes = [axis for axis in image.axes if axis not in "CS"]
    start = notes.origin or (0,) * labels.ndim
    region = {
        axis: (side.start + first, side.stop + first) for axis, side, first in zip(axes, box, start, strict=True)
    }
    made = yield from segment_steps(
        image.array,
        load_model(notes.model_path),
        axes=image.axes,
        settings=_settings(notes),
        region=region,
        keep_probabilities=True,
    )
    height = _placed(made.probabilities, np.subtract(made.origin, start).tolist(), labels.shape)
    return split_by_level(labels, number, height, within=box)


def _settings(notes: LayerNotes) -> SegmentationSettings:
    """Return the channels and the zoom with which the object was found."""
    channels, zoom = notes.settings.get("channels"), notes.settings.get("zoom")
    return SegmentationSettings(channels=tuple(channels) if channels else None, zoom=stored_zoom(zoom))


def _placed(values: NDArray[Any], origin: Sequence[int], shape: Sequence[int]) -> NDArray[Any]:
    """Return values at their place in an array of a shape; only what is written takes memory."""
    whole = np.zeros(shape, values.dtype)
    inside = [slice(max(0, -at), length - at) for at, length in zip(origin, shape, strict=True)]
    part = values[tuple(inside)]
    whole[tuple(slice(max(0, at), max(0, at) + side) for at, side in zip(origin, part.shape, strict=True))] = part
    return whole
