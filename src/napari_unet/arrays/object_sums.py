"""Sums over the pixels of each object, added up part by part: sizes, boxes, first and second moments, intensities.

Moments are sums of coordinates counted from a pixel of the object, so that no digit is lost far from the corner of
a large image: they equal those of `skimage.measure.regionprops` to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

Figures = NDArray[np.float64]


class ShapeSums:
    """Sizes, bounding boxes and moments of n objects of d dimensions."""

    def __init__(self, n: int, dims: int) -> None:
        self.count = np.zeros(n, np.int64)
        self.low = np.full((dims, n), np.iinfo(np.int64).max)
        self.high = np.full((dims, n), -1)
        self._from = np.zeros((dims, n), np.int64)
        """A pixel of each object, from which its coordinates count."""
        self._first = np.zeros((dims, n))
        self._second = np.zeros((dims, dims, n))

    def add(self, place: NDArray[np.intp], coordinates: Sequence[NDArray[np.intp]]) -> None:
        """Add pixels: the place of the object of each, and its coordinates."""
        n, new = len(self.count), self.count[place] == 0
        for axis, where in enumerate(coordinates):
            self._from[axis][place[new]] = where[new]
            np.minimum.at(self.low[axis], place, where)
            np.maximum.at(self.high[axis], place, where)
        near = [where - self._from[axis][place] for axis, where in enumerate(coordinates)]
        for axis, other in combinations_with_replacement(range(len(near)), 2):
            self._second[axis, other] += np.bincount(place, near[axis] * near[other], minlength=n)
        for axis, distance in enumerate(near):
            self._first[axis] += np.bincount(place, distance, minlength=n)
        self.count += np.bincount(place, minlength=n)

    def centroids(self) -> Figures:
        """Return the mean coordinates (d, n) in pixels."""
        centroids: Figures = self._from + self._first / self.count
        return centroids

    def inertia(self, spacing: Sequence[float]) -> Figures:
        """Return the eigenvalues (n, d) of the inertia tensors, the largest first; `spacing` is per axis."""
        dims = len(spacing)
        moments = np.empty((dims, dims, len(self.count)))
        for i, j in combinations_with_replacement(range(dims), 2):
            central = self._second[i, j] / self.count - self._first[i] * self._first[j] / self.count**2
            moments[i, j] = moments[j, i] = central * spacing[i] * spacing[j]
        tensor = -moments
        trace = np.trace(moments)
        for axis in range(dims):
            tensor[axis, axis] = trace - moments[axis, axis]
        values = np.linalg.eigvalsh(np.moveaxis(tensor, -1, 0))[:, ::-1]
        positive: Figures = np.maximum(values, 0)
        return positive


class IntensitySums:
    """Mean, standard deviation, lowest and highest of the pixels of n objects."""

    def __init__(self, n: int) -> None:
        self._count = np.zeros(n, np.int64)
        self._from = np.zeros(n)
        self._first, self._second = np.zeros(n), np.zeros(n)
        self.low, self.high = np.full(n, np.inf), np.full(n, -np.inf)

    def add(self, place: NDArray[np.intp], values: Figures) -> None:
        """Add pixels: the place of the object of each, and its value."""
        n, new = len(self._count), self._count[place] == 0
        self._from[place[new]] = values[new]
        near = values - self._from[place]
        self._first += np.bincount(place, near, minlength=n)
        self._second += np.bincount(place, near * near, minlength=n)
        self._count += np.bincount(place, minlength=n)
        with np.errstate(invalid="ignore"):  # NaN among the values is NaN in the result, and no warning
            np.minimum.at(self.low, place, values)
            np.maximum.at(self.high, place, values)

    def mean(self) -> Figures:
        """Return the mean of each object."""
        mean: Figures = self._from + self._first / self._count
        return mean

    def deviation(self) -> Figures:
        """Return the standard deviation of each object, over its pixels (not n - 1)."""
        variance = self._second / self._count - (self._first / self._count) ** 2
        deviation: Figures = np.sqrt(np.maximum(variance, 0))
        return deviation
