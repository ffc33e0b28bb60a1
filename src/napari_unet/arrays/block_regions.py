"""The connected regions of a mask that is read block by block: labelled in each, joined over the faces between.

What comes out does not depend on the blocks: a region's number is its place in the order of first pixels, row by
row, as `scipy.ndimage.label` numbers the regions of the whole mask (He et al., Pattern Recognition 70:25, 2017,
on the joining of provisional labels).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.blocks import Blocks
from napari_unet.arrays.boxes import Box

Faces = tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockRegions:
    """The regions 1..n that a mask has within one block."""

    starts: NDArray[np.int64]
    """(n, axes), of the boxes around them, in pixels of the whole array."""
    stops: NDArray[np.int64]
    first: NDArray[np.int64]
    """(n,) first pixel of each, row by row, as its number in the whole array."""
    faces: tuple[Faces, ...]
    """Per axis the regions that the first and the last layer of pixels show."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Regions:
    """The regions 0..n-1 of the whole mask."""

    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    first: NDArray[np.int64]
    of_block: tuple[NDArray[np.int64], ...]
    """For each block the whole regions that its regions 1..n are parts of."""

    def __len__(self) -> int:
        """Return how many regions there are."""
        return len(self.first)

    def box(self, number: int) -> Box:
        """Return the box around a region."""
        return tuple(slice(int(a), int(b)) for a, b in zip(self.starts[number], self.stops[number], strict=True))


def label_block(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return the regions 1..n of a mask, connected through faces of pixels, in the order of their first pixels."""
    from scipy import ndimage

    regions, _ = ndimage.label(mask)
    return regions.astype(np.int32, copy=False)


def regions_of_block(mask: NDArray[np.bool_], box: Box, shape: Sequence[int]) -> BlockRegions:
    """Return what joining needs to know of the regions of one block of a mask of `shape`."""
    from scipy import ndimage

    regions = label_block(mask)
    found = ndimage.find_objects(regions)
    origin = np.array([side.start for side in box], np.int64)
    ends = [[[side.start, side.stop] for side in one] for one in found]
    around = np.array(ends, np.int64).reshape(len(found), mask.ndim, 2) + origin[None, :, None]
    at = np.unravel_index(_first_pixels(regions), mask.shape)
    whole = [positions + start for positions, start in zip(at, origin, strict=True)]
    return BlockRegions(
        starts=around[..., 0],
        stops=around[..., 1],
        first=np.ravel_multi_index(whole, tuple(shape)).astype(np.int64),
        faces=tuple(_faces(regions, axis) for axis in range(mask.ndim)),
    )


def _faces(regions: NDArray[np.int32], axis: int) -> Faces:
    return np.asarray(regions.take(0, axis)), np.asarray(regions.take(-1, axis))


def _first_pixels(regions: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the number of the first pixel of each region: where the highest one so far grows."""
    highest = np.maximum.accumulate(regions.ravel())
    return np.flatnonzero(np.diff(highest, prepend=0)).astype(np.int64)


def join_regions(blocks: Blocks, parts: Sequence[BlockRegions]) -> Regions:
    """Join the regions of all blocks where they meet at a face."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    counts = [len(part.first) for part in parts]
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    pairs = np.concatenate([np.zeros((0, 2), np.int64), *_meetings(blocks, parts, offsets)])
    total = int(offsets[-1])
    links = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(total, total))
    count, member = connected_components(links, directed=False) if total else (0, np.zeros(0, np.int32))
    first = _gathered(np.minimum, member, count, [part.first for part in parts])
    order = np.argsort(first)
    rank = np.empty(count, np.int64)
    rank[order] = np.arange(count)
    numbers = rank[member]
    return Regions(
        starts=_gathered(np.minimum, member, count, [part.starts for part in parts])[order],
        stops=_gathered(np.maximum, member, count, [part.stops for part in parts])[order],
        first=first[order],
        of_block=tuple(numbers[a:b] for a, b in itertools.pairwise(offsets)),
    )


def _meetings(
    blocks: Blocks, parts: Sequence[BlockRegions], offsets: NDArray[np.int64]
) -> list[NDArray[np.int64]]:
    """Return pairs of regions (n, 2), counted over all blocks, that meet at a face of two blocks."""
    met = []
    for number, part in enumerate(parts):
        for axis in range(len(blocks.shape)):
            following = blocks.after(number, axis)
            if following is None:
                continue
            low, high = part.faces[axis][1], parts[following].faces[axis][0]
            both = (low > 0) & (high > 0)
            pairs = np.stack([low[both] - 1 + offsets[number], high[both] - 1 + offsets[following]], axis=1)
            met.append(np.unique(pairs, axis=0))
    return met


def _gathered(
    least: np.ufunc, member: NDArray[np.int32], count: int, values: Sequence[NDArray[np.int64]]
) -> NDArray[np.int64]:
    """Return the least (or the greatest) value of the members of each region."""
    every = np.concatenate(values) if values else np.zeros(0, np.int64)
    worst = np.iinfo(np.int64).max if least is np.minimum else np.iinfo(np.int64).min
    gathered = np.full((count, *every.shape[1:]), worst, np.int64)
    least.at(gathered, member, every)
    return gathered


def regions_by_block(blocks: Blocks, regions: Regions) -> list[NDArray[np.int64]]:
    """Return for each block the regions whose boxes share a pixel with it: what they enclose is theirs, too."""
    sides = np.array(blocks.sides, np.int64)
    low, high = regions.starts // sides, (regions.stops - 1) // sides
    crossing = np.flatnonzero((low != high).any(axis=1))
    more: list[list[int]] = [[] for _ in range(len(blocks))]
    for number in crossing.tolist():
        for block in blocks.touched_by(regions.box(number)):
            more[block].append(number)
    both = zip(regions.of_block, more, strict=True)
    return [np.union1d(own, np.array(beside, np.int64)) for own, beside in both]
