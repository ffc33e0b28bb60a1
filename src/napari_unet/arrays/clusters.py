"""Marked pixels in boxes: those near one another in one, those far apart in several."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_unet.arrays.annotations import annotated_box
from napari_unet.arrays.tiling import Box


def clusters(marked: NDArray[np.bool_], gap: int) -> list[Box]:
    """Return the boxes of groups of marked pixels, at least `gap` pixels apart along some axis.

    So boxes grown by half the gap do not overlap. Pixels a little farther apart may share a box, too, for they are
    grouped on a grid of that width.
    """
    coarse: NDArray[np.bool_] = marked
    for axis, length in enumerate(marked.shape):
        coarse = np.logical_or.reduceat(coarse, range(0, length, gap), axis=axis)
    groups, _ = ndimage.label(coarse, structure=np.ones((3,) * marked.ndim))
    boxes = []
    for cells in ndimage.find_objects(groups):
        part = tuple(slice(side.start * gap, side.stop * gap) for side in cells)
        inside = annotated_box(marked[part])
        boxes.append(tuple(slice(p.start + i.start, p.start + i.stop) for p, i in zip(part, inside, strict=True)))
    return _merged(boxes, gap)


def _merged(boxes: list[Box], gap: int) -> list[Box]:
    """Return boxes of which those too near to one another became one; a group may lie in the bend of another."""
    apart: list[Box] = []
    for box in boxes:
        grown = box
        while near := [other for other in apart if _are_near(grown, other, gap)]:
            apart = [other for other in apart if other not in near]
            grown = tuple(
                slice(min(side.start for side in sides), max(side.stop for side in sides))
                for sides in zip(grown, *near, strict=True)
            )
        apart.append(grown)
    return apart


def _are_near(one: Box, other: Box, gap: int) -> bool:
    """Whether less than a gap lies between two boxes along every axis."""
    return all(a.start - b.stop < gap and b.start - a.stop < gap for a, b in zip(one, other, strict=True))
