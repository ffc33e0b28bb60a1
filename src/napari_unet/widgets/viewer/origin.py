"""Where a part lies in its image, in pixels: what a file keeps of it, and where a file that is opened belongs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.widgets.viewer.layers import full_resolution
from napari_unet.widgets.viewer.notes import notes_of
from napari_unet.widgets.viewer.paint import image_of, images_of, labels_shape

if TYPE_CHECKING:
    import napari
    from napari.layers import Image, Labels

ROUNDING = 1e-3
"""Pixels that transforms may leave of a whole number."""


def origin_of(viewer: napari.viewer.Viewer | None, layer: Labels, axes: str) -> dict[str, float]:
    """Return where the first pixel of a layer lies, in pixels per axis of its image, else of the world.

    It is where the layer lies now over its image, or over one of the same scale that holds it. Where that image is
    not open the notes say it.
    """
    notes = notes_of(layer)
    corner = None if viewer is None else _corner_in_image(viewer, layer)
    if corner is None and len(notes.origin) == layer.ndim:
        corner = np.asarray(notes.origin, float)
    elif corner is None and notes.image is not None:
        corner = np.zeros(layer.ndim)
    elif corner is None:
        corner = -np.asarray(layer.world_to_data((0,) * layer.ndim), float)
    whole = np.rint(corner)
    corner = np.where(np.abs(corner - whole) < ROUNDING, whole, corner) + 0.0  # no -0
    return dict(zip(axes, corner.tolist(), strict=True)) if np.isfinite(corner).all() else {}


def _corner_in_image(viewer: napari.viewer.Viewer, layer: Labels) -> NDArray[np.float64] | None:
    """Return where a layer's first pixel lies in the image that it belongs to, or in the topmost that holds it."""
    own = image_of(viewer, layer)
    others = [] if notes_of(layer).image is not None else reversed(images_of(viewer))
    images = [*([own] if own is not None else []), *others]
    return next((corner for image in images if (corner := _corner_in(image, layer)) is not None), None)


def _corner_in(image: Image, layer: Labels) -> NDArray[np.float64] | None:
    """Return the corner in pixels of an image's labels; None where the layer reaches out or has another scale."""
    whole, part = np.asarray(labels_shape(image)), np.asarray(full_resolution(layer).shape)
    if len(whole) != len(part):
        return None
    first, second = (_in_image(image, layer, (at,) * layer.ndim) for at in (0, 1))
    inside = (first > -0.5).all() and (first + part < whole + 0.5).all()
    return first if inside and np.allclose(second - first, 1, atol=ROUNDING) else None


def _in_image(image: Image, layer: Labels, point: tuple[int, ...]) -> NDArray[np.float64]:
    """Return a point of a layer in data coordinates of an image, of the axes that both have."""
    beyond = image.ndim - layer.ndim
    start = np.asarray(image.data_to_world((0,) * image.ndim), float)[:beyond]
    world = (*start, *layer.data_to_world(point))
    return np.asarray(image.world_to_data(world), float)[beyond:]


def kept_origin(provenance: Mapping[str, Any] | None) -> dict[str, float]:
    """Return the origin that the provenance of a file keeps, empty where there is none."""
    origin = (provenance or {}).get("origin")
    if not isinstance(origin, Mapping):
        return {}
    return {
        str(axis): float(start)
        for axis, start in origin.items()
        if axis in tuple("TZYX") and isinstance(start, int | float) and math.isfinite(start)
    }


def with_its_axes(array: Any, axes: str, origin: Mapping[str, float]) -> tuple[Any, str]:
    """Return an array with the axes of length 1 back that its file did not keep: a plane of a stack."""
    for axis in (letter for letter in "XYZT" if letter in origin and letter not in axes):
        array, axes = array[None], axis + axes
    order = sorted(axes, key="TCZYX".index)
    return array.transpose([axes.index(axis) for axis in order]), "".join(order)
