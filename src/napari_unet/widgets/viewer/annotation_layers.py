"""Layers to paint on: new ones, the ring of background, ids of their own, and what the loss will count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from napari.utils.colormaps import DirectLabelColormap, label_colormap
from numpy.typing import NDArray

from napari_unet.arrays.annotations import BACKGROUND, FIRST_INSTANCE, painted, with_background_ring
from napari_unet.arrays.axes import result_axes
from napari_unet.arrays.boxes import bounding_box
from napari_unet.arrays.duplicate_ids import ids_in_several_places, split_scattered
from napari_unet.errors import UnetError
from napari_unet.widgets.viewer.file_header import known_size
from napari_unet.widgets.viewer.layers import LayerImage
from napari_unet.widgets.viewer.notes import ANNOTATION, LayerNotes, as_metadata, notes_of, sign
from napari_unet.widgets.viewer.paint import (
    CORRECTIONS,
    STROKES,
    Paint,
    image_reference,
    labels_shape,
    name_values,
)
from napari_unet.widgets.viewer.placing import placement

if TYPE_CHECKING:
    import napari

BACKGROUND_COLOUR = (0.25, 0.45, 1.0, 1.0)
COLOURS = 256
BRUSH = 5
OBJECTS = {BACKGROUND: "background", FIRST_INSTANCE: "object"}
RING = 2
"""Width of the background ring in pixels, as wide as the strokes that people draw around cells."""


def new_annotation_layer(
    viewer: napari.viewer.Viewer, image: Image, read: LayerImage, meanings: Mapping[int, str] = OBJECTS
) -> Labels:
    """Add an empty layer to paint on, selected, with the brush in hand; `meanings` names the values."""
    shape = labels_shape(image)
    if not shape:
        raise UnetError(f"the axes of {image.name} are unclear: say them under Advanced in the Segment panel")
    kept = result_axes(read.axes)
    notes = LayerNotes(role=ANNOTATION, image=image_reference(image), axes=kept, pixel_size=known_size(image))
    layer = viewer.add_labels(
        np.zeros(shape, np.uint16),
        name=f"{image.name} (annotation)",
        metadata=as_metadata(notes),
        **placement(image, read.axes, kept),
    )
    sign(layer)
    name_values(layer, meanings)
    name_colours(layer)
    layer.brush_size = BRUSH
    layer.selected_label = FIRST_INSTANCE
    layer.mode = "paint"
    return layer


def name_colours(layer: Labels) -> None:
    """Give background its own colour, and every object one of many others."""
    many = label_colormap(COLOURS)
    colours: dict[int | None, Any] = {n: _bright(many.map(n)) for n in range(FIRST_INSTANCE, COLOURS)}
    layer.colormap = DirectLabelColormap(
        color_dict={None: (1.0, 0.8, 0.2, 1.0), 0: (0, 0, 0, 0), BACKGROUND: BACKGROUND_COLOUR, **colours}
    )


def _bright(colour: NDArray[Any]) -> NDArray[Any]:
    """Return an RGBA colour of the same hue that can be told from a dark image."""
    return np.array([*(colour[:3] / max(colour[:3].max(), 1e-3)), 1.0])


def add_ring(layer: Labels, sure: NDArray[np.bool_] | None) -> int:
    """Paint a thin rim of background around the objects of an annotation layer, one undo step; return its pixels.

    Each plane gets its own: in the next one the object may well go on. `sure` marks where the model sees an
    object: those are unpainted, yet they are none of the background.
    """
    values = np.asarray(layer.data)
    axes = notes_of(layer).axes
    across = (axes.index("Y"), axes.index("X"))
    planes = np.argwhere((values != 0).any(axis=across, keepdims=True))
    rims = [_rim(values, sure, _plane(index, across)) for index in planes]
    if not sum(len(rim[0]) for rim in rims):
        return 0
    place = tuple(np.concatenate(indices) for indices in zip(*rims, strict=True))
    layer.data_setitem(place, np.full(len(place[0]), BACKGROUND, values.dtype))
    return len(place[0])


def _plane(index: NDArray[np.intp], across: tuple[int, int]) -> tuple[slice, ...]:
    """Return one plane of a layer as a part that keeps all its axes."""
    return tuple(slice(None) if axis in across else slice(int(at), int(at) + 1) for axis, at in enumerate(index))


def _rim(
    values: NDArray[Any], sure: NDArray[np.bool_] | None, plane: tuple[slice, ...]
) -> tuple[NDArray[np.intp], ...]:
    """Return the pixels of the layer, as indices by axis, that ring the objects of a plane."""
    thin = [axis for axis, side in enumerate(plane) if side != slice(None)]
    painted_box = bounding_box(values[plane] != 0)
    assert painted_box is not None  # planes without paint are left out
    box = [
        side if axis in thin else slice(max(0, inside.start - RING), inside.stop + RING)
        for axis, (side, inside) in enumerate(zip(plane, painted_box, strict=True))
    ]
    place = tuple(box)
    said = painted(values[place].squeeze(tuple(thin)))
    seen = None if sure is None else sure[place].squeeze(tuple(thin))
    ringed = with_background_ring(said, width=RING, sure=seen)
    new = np.nonzero(np.expand_dims(ringed.annotated & ~said.annotated, tuple(thin)))
    return tuple(indices + side.start for indices, side in zip(new, place, strict=True))


def has_scattered_ids(paint: Paint) -> bool:
    """Whether an object was painted in places far apart."""
    return bool(ids_in_several_places(_objects(paint)))


def _objects(paint: Paint) -> NDArray[Any]:
    """Return the painted ids: on a result those that differ from the prediction somewhere."""
    if paint.meaning == STROKES:
        return np.where(paint.values >= FIRST_INSTANCE, paint.values, 0)
    if paint.meaning != CORRECTIONS or paint.prediction is None:
        return np.zeros_like(paint.values)
    drawn = np.unique(paint.values[paint.values != paint.prediction])
    return np.where(np.isin(paint.values, drawn[drawn > 0]), paint.values, 0)


def split_ids(layer: Labels, paint: Paint) -> int:
    """Give far places of one id ids of their own, one undo step; return how many were new."""
    objects = _objects(paint).astype(np.int64)  # new ids may not fit the layer's dtype
    highest = int(paint.values.max())
    split = split_scattered(objects)
    changed = np.nonzero(split != objects)
    if len(changed[0]) == 0:
        return 0
    fresh = split[changed].astype(np.int64) + highest - int(objects.max())  # beyond all ids of the layer
    if fresh.max() > np.iinfo(layer.data.dtype).max:
        raise UnetError(
            f"The layer {layer.name} has no ids left beyond {highest}: give the far places ids by hand"
        )
    layer.data_setitem(changed, fresh.astype(layer.data.dtype))
    return len(np.unique(fresh))
