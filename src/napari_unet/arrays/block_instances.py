"""Instances of a map that is read block by block: the same partition as of the whole map, whatever the blocks.

Three passes. `regions_of_block` and `join_regions` find the connected regions of the mask. `separate_block` reads
every region that reaches into a block in the region's own box, as `label_instances` does, and keeps the block's
part: no block waits for another one or writes into it. `finished_block` gives back the ridge between instances,
which needs a few pixels of the neighbours, and the final numbers.

A region whose box holds more than `MAX_REGION_PIXELS` pixels, as in confluent tissue, is divided by a rule of its
own: in each block and `HALO` pixels around it; the first pixel of an instance's core is its name, by which the
blocks that see it know that it is the same. An instance then differs from that in the whole region only where what
floods a pixel comes from beyond the halo.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.block_regions import Regions, label_block
from napari_unet.arrays.blocks import Blocks
from napari_unet.arrays.boxes import Box, moved, overlap, union, volume, within
from napari_unet.arrays.instances import (
    BAND_MARGIN,
    fill_holes,
    kept_instances,
    mask_of,
    parts_of_region,
    separate_regions,
    with_ridge,
)
from napari_unet.progress import finish
from napari_unet.settings.instances import InstanceSettings

MAX_REGION_PIXELS = 16_000_000
"""Pixels of the box of a region that is worked on at once: at 40 bytes a pixel 640 MB."""
HALO = {1: 128, 2: 128, 3: 32}
"""Pixels around a block, per number of axes: at 64 no object of 742 changed (`benchmarks.confluent`)."""

Read = Callable[[Box], NDArray[np.uint8]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegionsAround:
    """A block, and what it needs to know of the regions of the whole mask."""

    blocks: Blocks
    number: int
    numbers: NDArray[np.int64]
    """(n,) of the regions whose box reaches into the block, ascending."""
    boxes: tuple[Box, ...]
    first: NDArray[np.int64]
    of_block: Mapping[int, NDArray[np.int64]]
    """The regions that the block's own regions are parts of; of its neighbours, too, where a region is large."""

    @property
    def box(self) -> Box:
        """Return the block."""
        return self.blocks.box(self.number)

    @property
    def with_halo(self) -> Box:
        """Return the block and its halo."""
        return _with_halo(self.blocks, self.number)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Separated:
    """The instances of one block, before the ridge is given back."""

    parts: NDArray[np.int32]
    """The block's pixels: 0, or the number of a row of `names`, from 1."""
    names: NDArray[np.int64]
    """(n, 2) region, and which of the region's instances; the same in every block that sees it."""


def regions_around(
    blocks: Blocks, number: int, regions: Regions, wanted: NDArray[np.int64], *, most: int = MAX_REGION_PIXELS
) -> RegionsAround:
    """Return what a block needs to know of regions that reach into it, `wanted` by number."""
    boxes = tuple(regions.box(one) for one in wanted.tolist())
    near = {number}
    if any(volume(box) > most for box in boxes):
        near |= set(blocks.touched_by(_with_halo(blocks, number)))
    of_block = {one: regions.of_block[one] for one in near}
    return RegionsAround(
        blocks=blocks,
        number=number,
        numbers=wanted,
        boxes=boxes,
        first=regions.first[wanted],
        of_block=of_block,
    )


def separate_block(
    read: Read, around: RegionsAround, settings: InstanceSettings, *, most: int = MAX_REGION_PIXELS
) -> Separated:
    """Return the instances of a block: those of every region that reaches into it.

    Regions whose boxes can be read at once with the block are separated as in a whole map, the others one by one;
    what the former enclose is filled first, because none of the latter lies within them.
    """
    window = _window_of(around, most)
    near = read(window)
    regions, wanted, others = _wanted(near, window, around, settings)
    labels, owner = finish(separate_regions(near, regions, settings))
    fill_holes(labels)
    order = np.arange(len(owner)) - np.searchsorted(owner, owner)
    names = np.stack([wanted[owner], order], axis=1).astype(np.int64)
    canvas = _Canvas(box=around.box, parts=labels[within(around.box, window)], names=names.tolist())
    for region, box, first in others:
        if volume(box) > most:
            mask = _mask_with_halo(read, around, region, settings)
            canvas.add(region, around.with_halo, read(around.with_halo), mask, settings, whole=around.blocks.shape)
        else:
            seen = read(box)
            labels = label_block(mask_of(seen, settings))
            mask = labels == labels[_pixel_in(first, around.blocks.shape, box)]
            canvas.add(region, box, seen, mask, settings)
    return canvas.separated()


def _window_of(around: RegionsAround, most: int) -> Box:
    """Return a box around the block and as many of its regions as may be read at once."""
    window = around.box
    for box in around.boxes:
        wider = union([window, box])
        if volume(wider) <= max(most, volume(around.box)):
            window = wider
    return window


def _wanted(
    near: NDArray[np.uint8], window: Box, around: RegionsAround, settings: InstanceSettings
) -> tuple[NDArray[np.int32], NDArray[np.int64], list[tuple[int, Box, int]]]:
    """Return the regions 1..n that are wanted and whole in a window, their numbers, and the wanted others."""
    regions = label_block(mask_of(near, settings))
    numbers = np.full(int(regions.max(initial=0)) + 1, -1, np.int64)
    others = []
    for region, box, first in zip(around.numbers.tolist(), around.boxes, around.first.tolist(), strict=True):
        if overlap(box, window) == box:
            numbers[regions[_pixel_in(first, around.blocks.shape, window)]] = region
        else:
            others.append((region, box, first))
    numbers[0] = -1
    return np.where(numbers[regions] >= 0, regions, 0).astype(np.int32), numbers, others


def finished_block(
    read: Callable[[Box], NDArray[np.int32]], blocks: Blocks, number: int, ids: Mapping[int, NDArray[np.int32]]
) -> NDArray[np.int32]:
    """Return the labels of a block; `ids` are the final numbers of its parts and of its neighbours' parts."""
    window = blocks.grown(number, [BAND_MARGIN] * len(blocks.shape))
    labels = np.zeros([side.stop - side.start for side in window], np.int32)
    for other in blocks.touched_by(window):
        shared = overlap(window, blocks.box(other))
        assert shared is not None
        labels[within(shared, window)] = ids[other][read(shared)]
    return with_ridge(labels)[within(blocks.box(number), window)]


def neighbours(blocks: Blocks, number: int) -> list[int]:
    """Return the blocks of which `finished_block` needs the numbers."""
    return list(blocks.touched_by(blocks.grown(number, [BAND_MARGIN] * len(blocks.shape))))


def final_ids(names: Sequence[NDArray[np.int64]]) -> tuple[list[NDArray[np.int32]], int]:
    """Return for the names of each block the final numbers, 0 before them, and how many instances there are.

    Numbers are dense and in the order of the names: region by region, and in each as it was divided.
    """
    every = np.concatenate(names) if names else np.zeros((0, 2), np.int64)
    order = np.lexsort((every[:, 1], every[:, 0]))
    fresh = np.ones(len(every), bool)
    fresh[1:] = (every[order][1:] != every[order][:-1]).any(axis=1)
    numbers = np.empty(len(every), np.int32)
    numbers[order] = np.cumsum(fresh)
    ends = np.cumsum([len(one) for one in names])[:-1]
    tables = [np.concatenate([[0], own]).astype(np.int32) for own in np.split(numbers, ends)]
    return tables, int(fresh.sum()) if len(every) else 0


@dataclass(slots=True, kw_only=True, eq=False)
class _Canvas:
    """The block that is filled with instances, region by region."""

    box: Box
    parts: NDArray[np.int32]
    names: list[list[int]]
    holes: list[tuple[int, int, Box, NDArray[np.bool_]]] = field(default_factory=list)

    def add(
        self,
        region: int,
        box: Box,
        probability: NDArray[np.uint8],
        mask: NDArray[np.bool_],
        settings: InstanceSettings,
        *,
        whole: tuple[int, ...] | None = None,
    ) -> None:
        """Add the instances of a region that was seen in `box`; only a part of it where `whole` is given."""
        parts, cores = parts_of_region(probability, mask, settings)
        for order, (number, inner, instance) in enumerate(kept_instances(parts, probability, settings)):
            place = moved(inner, box)
            name = order if whole is None else _core_name(cores[inner] == number, place, whole)
            self.names.append([region, name])
            self._write(place, instance)

    def _write(self, place: Box, instance: NDArray[np.bool_]) -> None:
        """Write an instance, and keep what it encloses for later."""
        from scipy import ndimage

        shared = overlap(place, self.box)
        if shared is None:
            return
        here, there = within(shared, self.box), within(shared, place)
        self.parts[here][instance[there]] = len(self.names)
        enclosed = (ndimage.binary_fill_holes(instance) & ~instance)[there]
        if enclosed.any():
            self.holes.append((volume(place), len(self.names), here, enclosed))

    def separated(self) -> Separated:
        """Fill holes, of small boxes first, so that nested objects stay; drop names that have no pixel here."""
        for _, number, here, enclosed in sorted(self.holes, key=lambda hole: hole[:2]):
            part = self.parts[here]
            part[enclosed & (part == 0)] = number
        present = np.bincount(self.parts.ravel(), minlength=len(self.names) + 1)[1:] > 0
        table = np.concatenate([[0], np.cumsum(present)]).astype(np.int32)
        names = np.array(self.names, np.int64).reshape(-1, 2)
        return Separated(parts=table[self.parts], names=names[present])


def _with_halo(blocks: Blocks, number: int) -> Box:
    return blocks.grown(number, [HALO[min(len(blocks.shape), 3)]] * len(blocks.shape))


def _pixel_in(first: int, shape: Sequence[int], box: Box) -> tuple[int, ...]:
    """Return where a pixel, given by its number in the whole array, lies in a box."""
    at = np.unravel_index(first, tuple(shape))
    return tuple(int(position) - side.start for position, side in zip(at, box, strict=True))


def _core_name(core: NDArray[np.bool_], place: Box, whole: Sequence[int]) -> int:
    """Return the number in the whole array of a core's first pixel."""
    at = np.unravel_index(int(np.argmax(core)), core.shape)
    inside = [int(position) + side.start for position, side in zip(at, place, strict=True)]
    return int(np.ravel_multi_index(inside, tuple(whole)))


def _mask_with_halo(
    read: Read, around: RegionsAround, region: int, settings: InstanceSettings
) -> NDArray[np.bool_]:
    """Return the pixels of a region in the window of a block, from the blocks that the window touches."""
    window = around.with_halo
    mask = np.zeros([side.stop - side.start for side in window], bool)
    for other in around.blocks.touched_by(window):
        box = around.blocks.box(other)
        members = np.concatenate([[False], around.of_block[other] == region])
        shared = overlap(window, box)
        assert shared is not None
        if members.any():
            labels = label_block(mask_of(read(box), settings))
            mask[within(shared, window)] = members[labels[within(shared, box)]]
    return mask
