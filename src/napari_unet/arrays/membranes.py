"""Objects that are known by the membranes between them, as neurites in electron microscopy.

Sections are cut one by one, so that what lies above each other in two of them need not be one object: stacks are
taken plane by plane.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_GAP_PIXELS = 64
"""Pixels up to which a gap between membranes is no object."""


def between_membranes(membranes: NDArray[Any], *, dims: int = 2) -> NDArray[np.int32]:
    """Return the objects that membranes (not 0) part, tiny gaps left out, 0 on membranes.

    The last `dims` axes are those of one plane, or of one volume; ids go on from each to the next.
    """
    from skimage.measure import label

    objects = np.zeros(membranes.shape, np.int32)
    found = 0
    for plane in np.ndindex(membranes.shape[:-dims]):
        parted = label(membranes[plane] == 0, connectivity=1)
        kept = np.bincount(parted.ravel()) > MAX_GAP_PIXELS
        objects[plane] = np.where((parted > 0) & kept[parted], parted + found, 0)
        found += int(parted.max(initial=0))
    return objects


def thinned(labels: NDArray[Any], *, dims: int = 2) -> NDArray[Any]:
    """Return labels grown into all of the background between them, each pixel to the nearest object.

    The last `dims` axes are those of one plane, or of one volume; nothing grows from one into the next.
    """
    from scipy import ndimage

    grown = labels.copy()
    for place in np.ndindex(labels.shape[:-dims]):
        plane = labels[place]
        if plane.any():
            nearest = ndimage.distance_transform_edt(plane == 0, return_distances=False, return_indices=True)
            grown[place] = plane[tuple(nearest)]
    return grown


def move_spatial_last(array: NDArray[Any], axes: str, spatial: str = "YX") -> NDArray[Any]:
    """Return the array with the spatial axes, in their order, as the last ones; no values are copied."""
    return np.moveaxis(array, [axes.index(axis) for axis in spatial], range(-len(spatial), 0))


def restore_axes(array: NDArray[Any], axes: str, spatial: str = "YX") -> NDArray[Any]:
    """Return what `spatial_last` gave with its axes in their former places."""
    return np.moveaxis(array, range(-len(spatial), 0), [axes.index(axis) for axis in spatial])
