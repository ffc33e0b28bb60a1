"""Blocks: how an array that is larger than memory is cut into parts that are worked on one by one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from napari_unet.arrays.boxes import Box


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """Boxes of equal sides that cover an array exactly once, numbered row by row; the last ones may be shorter."""

    shape: tuple[int, ...]
    sides: tuple[int, ...]

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """Return how many blocks there are along each axis."""
        return tuple(math.ceil(length / side) for length, side in zip(self.shape, self.sides, strict=True))

    def __len__(self) -> int:
        """Return how many blocks there are."""
        return math.prod(self.counts)

    def box(self, number: int) -> Box:
        """Return the part of the array that a block is."""
        return tuple(
            slice(at * side, min(length, (at + 1) * side))
            for at, side, length in zip(self.place(number), self.sides, self.shape, strict=True)
        )

    def place(self, number: int) -> tuple[int, ...]:
        """Return the position of a block among the blocks, per axis."""
        rest, place = number, []
        for count in reversed(self.counts):
            rest, at = divmod(rest, count)
            place.append(at)
        return tuple(reversed(place))

    def grown(self, number: int, margins: Sequence[int]) -> Box:
        """Return a block and so many pixels around it per axis, as far as the array reaches."""
        sides = zip(self.box(number), margins, self.shape, strict=True)
        return tuple(slice(max(0, side.start - more), min(end, side.stop + more)) for side, more, end in sides)

    def touched_by(self, box: Box) -> Iterator[int]:
        """Yield the blocks of which a box holds a pixel."""
        ways = [
            range(part.start // side, (part.stop - 1) // side + 1)
            for part, side in zip(box, self.sides, strict=True)
        ]
        for place in itertools.product(*ways):
            yield self.number(place)

    def number(self, place: Sequence[int]) -> int:
        """Return the number of the block at a position among the blocks."""
        number = 0
        for at, count in zip(place, self.counts, strict=True):
            number = number * count + at
        return number

    def after(self, number: int, axis: int) -> int | None:
        """Return the next block along an axis; None for the last one."""
        place = list(self.place(number))
        place[axis] += 1
        return self.number(place) if place[axis] < self.counts[axis] else None
