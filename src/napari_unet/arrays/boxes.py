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


def merge_nearby(boxes: Sequence[Box], reach: Callable[[NDArray[np.intp]], NDArray[np.intp]]) -> list[Box]:
    """Return boxes around those that are near one another, until no two of them are.

    Two are near where the gap between them, along the axis on which they are farthest apart, is at most what one
    of them reaches, in pixels by its longest side.
    """
    if not boxes:
        return []
    starts = np.array([[side.start for side in box] for box in boxes])
    stops = np.array([[side.stop for side in box] for box in boxes])
    alone = np.zeros(len(boxes), bool)
    for number in range(len(boxes)):
        while True:
            gaps = np.maximum(starts - stops[number], starts[number] - stops).max(1)
            far = reach((stops - starts).max(1))
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


def clusters(marked: NDArray[np.bool_], gap: int) -> list[Box]:
    """Return the boxes of groups of marked pixels, at least `gap` pixels apart along some axis.

    So boxes grown by half the gap do not overlap. Pixels a little farther apart may share a box, too, for they are
    grouped on a grid of that width.
    """
    from scipy import ndimage

    coarse: NDArray[np.bool_] = marked
    for axis, length in enumerate(marked.shape):
        coarse = np.logical_or.reduceat(coarse, range(0, length, gap), axis=axis)
    groups, _ = ndimage.label(coarse, structure=np.ones((3,) * marked.ndim))
    boxes = []
    for cells in ndimage.find_objects(groups):
        part = tuple(slice(side.start * gap, side.stop * gap) for side in cells)
        boxes.append(moved(annotated_box(marked[part]), part))
    # a group may lie in the bend of another
    return merge_nearby(boxes, lambda sizes: np.full_like(sizes, gap - 1))
