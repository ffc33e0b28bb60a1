"""How large the typical object of labels is along each axis, in pixels.

Within planes it is as wide as a disc of its area is, in volumes as an ellipsoid of its volume and height. Its
height along each other axis is measured by itself, so that planes may lie further apart than pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

IN_PLANE = 2
"""The last axes, Y and X, whose pixels are square."""


def object_extents(labels: NDArray[np.int32]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return how many pixels each object of labels (*spatial) has, and its extents (objects, axes) in pixels."""
    from scipy import ndimage

    counts = np.bincount(labels.ravel())[1:]
    boxes = [box for box in ndimage.find_objects(labels) if box is not None]
    above = labels.ndim - IN_PLANE
    heights = np.array([[side.stop - side.start for side in box[:above]] for box in boxes], float)
    return counts[counts > 0], extents_of(counts[counts > 0], heights.reshape(len(boxes), above))


def extents_of(counts: NDArray[np.intp], heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the extents (objects, axes) of ellipsoids of so many pixels and so high (objects, axes above Y)."""
    dims = heights.shape[1] + IN_PLANE
    unit = math.pi ** (dims / 2) / math.gamma(dims / 2 + 1) / 2**dims  # of a ball one pixel wide
    wide = np.sqrt(counts / unit / heights.prod(1))
    return np.column_stack([heights, *[wide] * IN_PLANE])


def typical_extents(counts: NDArray[np.intp], extents: NDArray[np.float64]) -> tuple[float, ...]:
    """Return along each axis the extent of the object in which the middle of all object pixels lies; 0 for none.

    Weighing by pixels keeps specks, of which there may be many, from deciding.
    """
    return tuple(_weighted_median(along, counts) for along in extents.T)


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.intp]) -> float:
    if not len(values):
        return 0.0
    rising = np.argsort(values, kind="stable")
    so_far = np.cumsum(weights[rising])
    return float(values[rising][np.searchsorted(so_far, so_far[-1] / 2)])


def is_alike(extents: Sequence[float], others: Sequence[float], ratio: float) -> bool:
    """Whether two sizes differ along no axis by more than a ratio."""
    return all(1 / ratio <= one / other <= ratio for one, other in zip(extents, others, strict=True) if other)
