"""What can be measured over labels: images of the same size, and regions drawn in a Shapes layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels, Shapes
from numpy.typing import NDArray

from napari_unet.arrays.source import Source
from napari_unet.errors import UnetError
from napari_unet.widgets.viewer.layers import LayerImage, full_resolution, read_layer
from napari_unet.widgets.viewer.notes import notes_of
from napari_unet.widgets.viewer.paint import covers, images_of, labels_shape

if TYPE_CHECKING:
    import napari

AREAS = ("rectangle", "ellipse", "polygon")
"""Kinds of shapes that hold anything."""


def fitting_images(viewer: napari.viewer.Viewer, layer: Labels) -> list[Image]:
    """Return the open images over which labels lie."""
    shape, origin = tuple(full_resolution(layer).shape), notes_of(layer).origin
    return [image for image in images_of(viewer) if covers(labels_shape(image), shape, origin)]


def source_of(image: Image, layer: Labels) -> Source:
    """Return an image as far as labels cover it."""
    read, shape = read_layer(image), tuple(full_resolution(layer).shape)
    array = _part(read, shape, notes_of(layer).origin) if labels_shape(image) != shape else read.array
    return Source(array=array, axes=read.axes, name=image.name)


def _part(image: LayerImage, shape: tuple[int, ...], origin: tuple[int, ...]) -> Any:
    """Return the part of an image that begins at an origin and has the shape of labels."""
    sides = iter(zip(origin, shape, strict=True))
    key = []
    for axis in image.axes:
        if axis in "CS":
            key.append(slice(None))
        else:
            start, length = next(sides)
            key.append(slice(start, start + length))
    return image.array[tuple(key)]


def region_layers(viewer: napari.viewer.Viewer) -> list[Shapes]:
    """Return the Shapes layers of a viewer."""
    return [layer for layer in viewer.layers if isinstance(layer, Shapes)]


def region_labels(shapes: Shapes, layer: Labels) -> NDArray[Any]:
    """Return labels (Y, X) of drawn areas, numbered from 1 on, for the last two axes of a Labels layer.

    What is drawn in one plane of a stack goes through all of them.
    """
    drawn, kinds = [], []
    for vertices, kind in zip(shapes.data, shapes.shape_type, strict=True):
        if kind in AREAS:
            drawn.append(np.array([_in_plane(shapes, layer, vertex) for vertex in vertices]))
            kinds.append(kind)
    if not drawn:
        raise UnetError(f"The layer {shapes.name} holds no area: draw a rectangle, an ellipse or a polygon in it")
    plane = Shapes(drawn, shape_type=kinds)
    labels: NDArray[Any] = plane.to_labels(labels_shape=full_resolution(layer).shape[-2:])
    return labels


def _in_plane(shapes: Shapes, layer: Labels, vertex: NDArray[Any]) -> NDArray[Any]:
    """Return a point of a Shapes layer in the pixels of the last two axes of a Labels layer."""
    world = np.asarray(shapes.data_to_world(vertex), float)
    missing = max(0, layer.ndim - len(world))
    point = np.concatenate([np.zeros(missing), world[-layer.ndim :]])
    return np.asarray(layer.world_to_data(point), float)[-2:]
