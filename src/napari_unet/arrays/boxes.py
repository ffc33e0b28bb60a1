"""Boxes of pixels: where they lie, and which belong together."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Box = tuple[slice, ...]
"""Where a block of pixels lies, per axis."""


def moved(box: Box, by: Box) -> Box:
    """Return a box of a part of an array as a box of the array; the part begins where `by` does."""
    return tuple(
        slice(side.start + origin.start, side.stop + origin.start) for side, origin in zip(box, by, strict=True)
    )


def overlap(box: Box, other: Box) -> Box | None:
    """Return what two boxes share; None where that is nothing."""
    shared = tuple(
        slice(max(one.start, two.start), min(one.stop, two.stop)) for one, two in zip(box, other, strict=True)
    )
    return shared if all(side.start < side.stop for side in shared) else None


def within(box: Box, outer: Box) -> Box:
    """Return where a box lies in another one that holds it."""
    return tuple(slice(one.start - two.start, one.stop - two.start) for one, two in zip(box, outer, strict=True))


def volume(box: Box) -> int:
    """Return how many pixels a box holds."""
    return math.prod(side.stop - side.start for side in box)


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


def union(boxes: Sequence[Box]) -> Box:
    """Return the smallest box that holds others."""
    return tuple(
        slice(min(side.start for side in sides), max(side.stop for side in sides))
        for sides in zip(*boxes, strict=True)
    )


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
        inner = bounding_box(marked[part])
        assert inner is not None  # a group holds a pixel
        boxes.append(moved(inner, part))
    # a group may lie in the bend of another
    return merge_nearby(boxes, np.zeros_like, gap)
