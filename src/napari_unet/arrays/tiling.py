"""How an image is cut: tiles that partition it, the window each needs to read, and its mirrored border."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.boxes import Box


class Walk(Protocol):
    """What a network's geometry answers for one axis, in pixels of the whole image (ends exclusive)."""

    @property
    def stride(self) -> int:
        """Return the step by which windows may shift without moving the pooling grid."""
        ...

    def input_range(self, start: int, stop: int) -> tuple[int, int]:
        """Return the window that must be read so that the output covers start..stop."""
        ...

    def output_range(self, start: int, stop: int) -> tuple[int, int]:
        """Return what comes out of the network for the window start..stop."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One network call: the window it reads (may leave the image), the region it writes, and the cut between."""

    read: Box
    write: Box
    crop: Box
    """Where the written region lies within the network's output."""


def tiles(shape: Sequence[int], size: Sequence[int], walks: Sequence[Walk]) -> Iterator[Tile]:
    """Yield tiles whose `write` regions cover an image of `shape` exactly once, row by row.

    `size` is the largest region to write per axis, `walks` is the network's geometry along each. The regions of an
    axis are as even as the stride allows and all windows have one shape, so that no tile is a sliver and compiled
    kernels are reused. Window origins come from walking the network backwards in coordinates of the whole image:
    the pooling grid of every tile falls on that of every other one.
    """
    axes = [_spans(length, limit, walk) for length, limit, walk in zip(shape, size, walks, strict=True)]
    for spans in itertools.product(*axes):
        yield Tile(
            read=tuple(span[0] for span in spans),
            write=tuple(span[1] for span in spans),
            crop=tuple(span[2] for span in spans),
        )


def tile_sides(shape: Sequence[int], walks: Sequence[Walk], *, pixels: float, longest: int) -> tuple[int, ...]:
    """Return the sides of the largest sensible tile of an image: its window has at most so many pixels.

    The tile grows by a stride at a time, along the axis that then reads least per pixel written; never beyond
    `longest` or the image, and it has a stride at least.
    """
    sides = [walk.stride for walk in walks]
    most = [
        min(longest, -(-length // walk.stride) * walk.stride) for length, walk in zip(shape, walks, strict=True)
    ]
    while grown := _grown(sides, most, walks, pixels):
        sides = grown
    return tuple(sides)


def _grown(sides: Sequence[int], most: Sequence[int], walks: Sequence[Walk], pixels: float) -> list[int] | None:
    """Return the sides of the next larger tile; None where all are as large as they may be."""
    larger = [
        [side + walk.stride * (axis == grown) for axis, (side, walk) in enumerate(zip(sides, walks, strict=True))]
        for grown, (side, walk) in enumerate(zip(sides, walks, strict=True))
        if side + walk.stride <= most[grown]
    ]
    read = {tuple(one): window_pixels(one, walks) for one in larger}
    fitting = [one for one in larger if read[tuple(one)] <= pixels]
    return min(fitting, key=lambda one: read[tuple(one)] / math.prod(one), default=None)


def window_pixels(sides: Sequence[int], walks: Sequence[Walk]) -> int:
    """Return how many pixels are read for a tile."""
    ranges = [walk.input_range(0, side) for side, walk in zip(sides, walks, strict=True)]
    return math.prod(stop - start for start, stop in ranges)


def even_step(length: int, limit: int, stride: int) -> int:
    """Return the multiple of `stride`, at most `limit` where possible, that divides `length` most evenly."""
    most = max(stride, limit // stride * stride)
    count = max(1, math.ceil(length / most))
    return max(stride, math.ceil(length / count / stride) * stride)


def _spans(length: int, limit: int, walk: Walk) -> list[tuple[slice, slice, slice]]:
    """Return (read, write, crop) of every tile along one axis."""
    step = even_step(length, limit, walk.stride)
    spans = []
    for start in range(0, length, step):
        read = walk.input_range(start, start + step)
        first, _ = walk.output_range(*read)
        stop = min(start + step, length)
        spans.append((slice(*read), slice(start, stop), slice(start - first, stop - first)))
    return spans


def mirror_indices(start: int, stop: int, length: int) -> NDArray[np.intp]:
    """Return which pixels of an axis fill start..stop when it is mirrored for ever without repeating its edges.

    Works for any distance beyond the image, and for an axis of one pixel.
    """
    if length == 1:
        return np.zeros(stop - start, np.intp)
    period = 2 * (length - 1)
    position = np.arange(start, stop) % period
    return np.where(position < length, position, period - position)


def read_mirrored(image: Any, window: Box) -> NDArray[Any]:
    """Return a window of the mirror-extended image: anything that slices over its last len(window) axes."""
    spatial = image.shape[len(image.shape) - len(window) :]
    gathers, inside = [], []
    for side, length in zip(window, spatial, strict=True):
        indices = mirror_indices(side.start, side.stop, length)
        low = int(indices.min())
        inside.append(slice(low, int(indices.max()) + 1))
        gathers.append(indices - low)
    block = np.asarray(image[(..., *inside)])
    for axis, (side, length, indices) in enumerate(zip(window, spatial, gathers, strict=True)):
        if side.start < 0 or side.stop > length:
            block = np.take(block, indices, axis=axis - len(window))
    return block
