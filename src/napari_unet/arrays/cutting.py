"""A line across an object, and the parts into which it divides it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

POINTS_A_PIXEL = 4
"""Points along the line per pixel, so that it has no gaps."""


def sides(
    mask: NDArray[np.bool_], line: NDArray[np.float64], axes: tuple[int, int], least: float
) -> NDArray[np.int32] | None:
    """Return the parts 1..n of an object on the sides of a line, None where it does not divide it.

    `line` is (N, 2) in pixels along two axes of the mask; the cut goes straight through the others. Its ends are
    drawn on to the edge of the mask where they alone do not divide it. Parts smaller than the share `least` of the
    object go to the nearest larger one, as do the pixels on the line.
    """
    from scipy import ndimage

    for points in (line, _drawn_on(line, mask.shape[axes[0]] + mask.shape[axes[1]])):
        cut = _barrier(points, (mask.shape[axes[0]], mask.shape[axes[1]]))
        shape = [mask.shape[axis] if axis in axes else 1 for axis in range(mask.ndim)]
        wall = (cut if axes[0] < axes[1] else cut.T).reshape(shape)
        parts, count = ndimage.label(mask & ~wall)
        large = np.flatnonzero(np.bincount(parts.ravel(), minlength=count + 1)[1:] >= least * mask.sum()) + 1
        if len(large) > 1:
            return _to_nearest(np.where(np.isin(parts, large), parts, 0), mask)
    return None


def _drawn_on(line: NDArray[np.float64], far: float) -> NDArray[np.float64]:
    """Return a line with both of its ends continued in their directions."""
    points = [line[0], *(point for before, point in pairwise(line) if (point != before).any())]
    if len(points) < 2:
        return line
    first, last = points[0] - points[1], points[-1] - points[-2]
    start, end = points[0] + far * first / np.hypot(*first), points[-1] + far * last / np.hypot(*last)
    return np.array([start, *points, end])


def _barrier(line: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the pixels on a line, and so many beside it that no path of edges leads through."""
    pieces = []
    for start, end in pairwise(line):
        count = max(2, int(np.ceil(np.abs(end - start).max() * POINTS_A_PIXEL)) + 1)
        pieces.append(start + (end - start) * np.linspace(0, 1, count)[:, None])
    points: NDArray[Any] = np.concatenate(pieces) if pieces else line
    at = np.rint(points).astype(np.intp)
    inside = ((at >= 0) & (at < np.array(shape))).all(axis=1)
    cut = np.zeros(shape, bool)
    cut[tuple(at[inside].T)] = True
    return cut


def _to_nearest(parts: NDArray[Any], mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return parts with every other pixel of the object given to the nearest of them."""
    from scipy import ndimage

    at = ndimage.distance_transform_edt(parts == 0, return_distances=False, return_indices=True)
    nearest: NDArray[np.int32] = np.where(mask, parts[tuple(at)], 0).astype(np.int32)
    return nearest
