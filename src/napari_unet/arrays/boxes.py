"""Boxes of pixels: where they lie, and which belong together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.tiling import Box
from napari_unet.errors import UnetError


def moved(box: Box, by: Box) -> Box:
    """Return a box of a part of an array as a box of the array; the part begins where `by` does."""
    return tuple(
        slice(side.start + origin.start, side.stop + origin.start) for side, origin in zip(box, by, strict=True)
    )


def merge_nearby(
    boxes: Sequence[Box], reach: Callable[[NDArray[np.intp]], NDArray[np.intp]], unit: Sequence[int] = (1,)
) -> list[Box]:
    """Return boxes around those that are near one another, until no two of them are.

    Two are near where the gap between them, along the axis on which they are farthest apart, is at most what one
    of them reaches by its longest side. All is counted in whole units of so many pixels, per axis.
    """
    if not boxes:
        return []
    starts = np.array([[side.start for side in box] for box in boxes])
    stops = np.array([[side.stop for side in box] for box in boxes])
    alone = np.zeros(len(boxes), bool)
    for number in range(len(boxes)):
        while True:
            gaps = (np.maximum(starts - stops[number], starts[number] - stops) // unit).max(1)
            far = reach(((stops - starts) // unit).max(1))
            near = np.flatnonzero(alone & (gaps <= np.maximum(far, far[number])))
            if not len(near):
                break
            alone[near] = False
            starts[number] = np.minimum(starts[number], starts[near].min(0))
            stops[number] = np.maximum(stops[number], stops[near].max(0))
        alone[number] = True
    return [
        tuple(slice(int(start), int(stop)) for start, stop in zip(starts[n], stops[n], strict=True))
        for n in np.flatnonzero(alone)
    ]


def annotated_box(annotated: NDArray[np.bool_]) -> tuple[slice, ...]:
    """Return the smallest box that holds what is annotated; UnetError where nothing is."""
    box = []
    for axis in range(annotated.ndim):
        inside = np.flatnonzero(
            annotated.any(axis=tuple(other for other in range(annotated.ndim) if other != axis))
        )
        if len(inside) == 0:
            raise UnetError("the annotation is empty: paint something first")
        box.append(slice(int(inside[0]), int(inside[-1]) + 1))
    return tuple(box)


def clusters(marked: NDArray[np.bool_], gap: Sequence[int]) -> list[Box]:
    """Return the boxes of groups of marked pixels, at least `gap` pixels (per axis) apart along some axis.

    So boxes grown by half the gap do not overlap. Pixels a little farther apart may share a box, too, for they are
    grouped on a grid of that width.
    """
    from scipy import ndimage

    coarse: NDArray[np.bool_] = marked
    for axis, (length, step) in enumerate(zip(marked.shape, gap, strict=True)):
        coarse = np.logical_or.reduceat(coarse, range(0, length, step), axis=axis)
    groups, _ = ndimage.label(coarse, structure=np.ones((3,) * marked.ndim))
    boxes = []
    for cells in ndimage.find_objects(groups):
        part = tuple(slice(side.start * step, side.stop * step) for side, step in zip(cells, gap, strict=True))
        boxes.append(moved(annotated_box(marked[part]), part))
    # a group may lie in the bend of another
    return merge_nearby(boxes, np.zeros_like, gap)
