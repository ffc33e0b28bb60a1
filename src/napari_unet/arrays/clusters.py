"""Marked pixels in boxes: those near one another in one, those far apart in several."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_unet.arrays.annotations import annotated_box
from napari_unet.arrays.boxes import joined, moved
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
        boxes.append(moved(annotated_box(marked[part]), part))
    # a group may lie in the bend of another
    return joined(boxes, lambda sizes: np.full_like(sizes, gap - 1))
