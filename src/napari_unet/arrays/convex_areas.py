"""How many pixels the convex hull of each object has, of all objects of a plane at once.

The hull is that of `skimage.morphology.convex_hull_image`: of the middles of all pixel edges; pixels whose middle
is on it count. It is followed in whole numbers, twice the coordinates, so that nothing is rounded. A hundred
thousand objects take seconds where one by one they take minutes.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
FAR = np.iinfo(np.int64).max // 4
"""Stands for no pixel in a row; twice of it is still a number."""


class RowEnds:
    """The first and the last column of every object in every one of its rows."""

    def __init__(self, top: Whole, bottom: Whole) -> None:
        """Take the first and last row of each object."""
        self._top, self._height = top, bottom - top + 1
        self._start = np.concatenate([[0], np.cumsum(self._height)])
        self._left = np.full(self._start[-1], FAR)
        self._right = np.full(self._start[-1], FAR)
        """Negative columns, so that both ends are the least of something."""

    def add(self, place: NDArray[np.intp], row: NDArray[np.intp], column: NDArray[np.intp]) -> None:
        """Add pixels: the place of the object of each, and its coordinates."""
        at = self._start[place] + row - self._top[place]
        np.minimum.at(self._left, at, column)
        np.minimum.at(self._right, at, -column)

    def areas(self, objects: slice) -> Whole:
        """Return the pixels of the convex hulls of some objects."""
        height = self._height[objects]
        rows = slice(self._start[objects.start], self._start[objects.start + len(height)])
        middle = np.repeat(np.arange(len(height)), height)
        return _count(_ends(self._left[rows], middle, height), _ends(self._right[rows], middle, height), height)


def _ends(column: Whole, owner: Whole, height: Whole) -> Whole:
    """Return for each pixel row the least column within the hull, of all objects one after the other."""
    owners, doubled, x = _edge_middles(column, owner, height)
    while True:
        inner = np.zeros(len(x), bool)
        inner[1:-1] = (owners[1:-1] == owners[:-2]) & (owners[1:-1] == owners[2:])
        at = np.flatnonzero(inner)
        across = (x[at] - x[at - 1]) * (doubled[at + 1] - doubled[at - 1])
        drop = at[across >= (x[at + 1] - x[at - 1]) * (doubled[at] - doubled[at - 1])]
        if not len(drop):
            break
        kept = np.ones(len(x), bool)
        kept[drop] = False  # a point beyond the line between its neighbours is no corner, whatever else goes
        owners, doubled, x = owners[kept], doubled[kept], x[kept]
    return _least_columns(owners, doubled, x, owner, height)


def _edge_middles(column: Whole, owner: Whole, height: Whole) -> tuple[Whole, Whole, Whole]:
    """Return (object, row, least column) of the middles of pixel edges, in twice the coordinates, row by row.

    An object of h rows has 2 h + 1 rows of them: above, within and below its rows.
    """
    first = np.concatenate([[0], np.cumsum(2 * height + 1)])
    owners = np.repeat(np.arange(len(height)), 2 * height + 1)
    doubled = np.arange(first[-1]) - first[owners] - 1
    x = np.full(first[-1], 2 * FAR)
    start = np.concatenate([[0], np.cumsum(height)])
    within = first[owner] + 1 + 2 * (np.arange(len(column)) - start[owner])
    x[within] = np.where(column < FAR, 2 * column - 1, 2 * FAR)
    np.minimum.at(x, within - 1, 2 * column)
    np.minimum.at(x, within + 1, 2 * column)
    real = x < 2 * FAR
    return owners[real], doubled[real], x[real]


def _least_columns(owners: Whole, doubled: Whole, x: Whole, owner: Whole, height: Whole) -> Whole:
    """Return for each pixel row the least whole column that is not left of the hull's edge."""
    start = np.concatenate([[0], np.cumsum(height)])
    row = 2 * (np.arange(len(owner)) - start[owner])
    span = 2 * int(height.max(initial=0)) + 4
    after = np.searchsorted(owners * span + doubled + 1, owner * span + row + 1, side="left")
    after = np.maximum(after, np.searchsorted(owners, owner, side="left") + 1)  # an edge has two ends
    before = after - 1
    long = doubled[after] - doubled[before]
    scaled = x[before] * long + (x[after] - x[before]) * (row - doubled[before])
    least: Whole = -(-scaled // (2 * long))
    return least


def _count(left: Whole, right: Whole, height: Whole) -> Whole:
    """Return the pixels between the least columns and, as negative numbers, the greatest."""
    pixels: Whole = np.add.reduceat(-right - left + 1, np.concatenate([[0], np.cumsum(height)[:-1]]))
    return pixels


def hull_voxels(mask: NDArray[Any]) -> float:
    """Return how many voxels the convex hull of an object has; NaN of one that is flat, which has no hull."""
    from skimage.morphology import convex_hull_image

    if min(_extent(mask)) < 2:
        return float("nan")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(np.count_nonzero(convex_hull_image(mask))) or float("nan")


def _extent(mask: NDArray[Any]) -> Sequence[int]:
    return mask.shape
