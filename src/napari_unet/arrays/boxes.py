"""Boxes of pixels: where they lie, and which belong together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.tiling import Box


def moved(box: Box, by: Box) -> Box:
    """Return a box of a part of an array as a box of the array; the part begins where `by` does."""
    return tuple(
        slice(side.start + origin.start, side.stop + origin.start) for side, origin in zip(box, by, strict=True)
    )


def joined(boxes: Sequence[Box], reach: Callable[[NDArray[np.intp]], NDArray[np.intp]]) -> list[Box]:
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
