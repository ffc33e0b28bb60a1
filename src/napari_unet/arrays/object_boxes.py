"""Bounding boxes of objects, and of masks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_unet.arrays.object_ids import ObjectIds
from napari_unet.arrays.tiling import Box


def boxes_of(labels: NDArray[Any], ids: Sequence[int] | NDArray[Any]) -> Iterator[tuple[Box, int]]:
    """Yield the bounding box of each of some objects, and its id."""
    known = ObjectIds.of(labels, ids)
    for number, box in zip(known.ids.tolist(), ndimage.find_objects(known.places(labels) + 1), strict=True):
        yield box, number


def bounding_box(mask: NDArray[np.bool_]) -> Box | None:
    """Return the bounding box of what is true, None where nothing is."""
    sides = []
    for axis in range(mask.ndim):
        others = tuple(other for other in range(mask.ndim) if other != axis)
        at = np.flatnonzero(mask.any(axis=others))
        if not len(at):
            return None
        sides.append(slice(int(at[0]), int(at[-1]) + 1))
    return tuple(sides)
