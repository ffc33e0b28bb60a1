"""The perimeter of each object of a plane, as `skimage.measure.perimeter` has it (Benkrid and Crookes 2000)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.object_ids import ObjectIds, slabs

WEIGHTS = np.zeros(50)
"""Length that a border pixel adds, by 1 + 2 (border pixels beside it) + 10 (border pixels at its corners)."""
WEIGHTS[[5, 7, 15, 17, 25, 27]] = 1
WEIGHTS[[21, 33]] = 2**0.5
WEIGHTS[[13, 23]] = (1 + 2**0.5) / 2
HALO = 2
"""Rows around a part that decide about its border pixels and their neighbours."""


def perimeters(labels: NDArray[Any], known: ObjectIds) -> Iterator[NDArray[np.float64]]:
    """Yield the lengths in pixels that parts of a plane (Y, X) add to each object's perimeter."""
    for part in slabs(labels.shape):
        start, stop = max(0, part.start - HALO), min(len(labels), part.stop + HALO)
        place = np.pad(known.places(labels[start:stop]), HALO, constant_values=-1)
        rows = slice(part.start - start + HALO, part.stop - start + HALO)
        yield _lengths(place, rows, len(known))


def _lengths(place: NDArray[Any], rows: slice, n: int) -> NDArray[np.float64]:
    """Return the length that some rows of a padded plane add to each of n objects."""
    width = place.shape[1]
    flat = np.ascontiguousarray(place).ravel()
    beside, corners = (-width, -1, 1, width), (-width - 1, -width + 1, width - 1, width + 1)
    border = np.zeros(flat.size, bool)
    inside = slice(width, flat.size - width)
    for step in beside:
        border[inside] |= flat[inside.start + step : inside.stop + step] != flat[inside]
    border &= flat >= 0
    here = np.flatnonzero(border[rows.start * width : rows.stop * width]) + rows.start * width
    own, code = flat[here], np.ones(len(here), np.intp)
    for steps, weight in ((beside, 2), (corners, 10)):
        for step in steps:
            near = here + step
            code += weight * (border[near] & (flat[near] == own))
    return np.bincount(own, WEIGHTS[code], minlength=n).astype(np.float64, copy=False)
