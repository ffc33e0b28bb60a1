"""What size goes in and comes out: the arithmetic of any U-Net here, run through unpadded convolutions.

Positions are pixels of the whole image along one axis, ends exclusive; each axis has a `Geometry` of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from napari_unet.errors import UnetError


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """The walk through a U-Net along one axis: what convolutions take before each pooling, and on the way up."""

    down: tuple[int, ...]
    """Pixels per side that each level of the contracting path takes, full resolution first, the bottom last: one a
    3-wide convolution."""
    up: tuple[int, ...]
    """The same for the expanding path, full resolution first."""
    upsampling_margin: int = 0
    """Pixels per side that doubling cannot know: 0 for transposed convolution, 1 for bilinear."""
    pooling: tuple[int, ...] = ()
    """How many pixels each pooling makes one, 2 or 1, full resolution first; empty: always 2."""

    @property
    def levels(self) -> int:
        """Return how many poolings there are."""
        return len(self.up)

    @property
    def factors(self) -> tuple[int, ...]:
        """Return how many pixels each pooling makes one, full resolution first."""
        return self.pooling or (2,) * self.levels

    @property
    def stride(self) -> int:
        """Return the step of the coarsest pooling grid: windows may only shift by multiples of it."""
        return math.prod(self.factors)

    @property
    def halo(self) -> int:
        """Return the most context that is read on a side of a tile aligned to the stride."""
        start, stop = self.input_range(0, self.stride)
        return max(-start, stop - self.stride)

    @property
    def receptive_field(self) -> int:
        """Return how many pixels wide the input is that one output pixel can see, whatever its phase."""
        widths = []
        for position in range(self.stride):
            start, stop = self._backwards(position, position + 1)
            widths.append(stop - start)
        return max(widths)

    def input_range(self, start: int, stop: int) -> tuple[int, int]:
        """Return the window to read so that its output covers start..stop: the network walked backwards.

        Each level's range is rounded outwards to whole pixels of the next one in coordinates of the whole
        image, so windows of different tiles pool the same pixels together.
        """
        if stop <= start:
            raise UnetError(f"an output range must not be empty, got {start}..{stop}")
        return self._backwards(start, stop)

    def output_range(self, start: int, stop: int) -> tuple[int, int]:
        """Return what the window start..stop yields; UnetError where it does not fit the pooling grid."""
        return self._forwards(start, stop)[-1]

    def valid_input_size(self, output_size: int) -> int:
        """Return the smallest input size from which at least `output_size` pixels come out."""
        return self.sizes(self._bottom_for(output_size))[0]

    def valid_output_size(self, output_size: int) -> int:
        """Return what comes out of `valid_input_size(output_size)`: at least as many pixels."""
        return self.sizes(self._bottom_for(output_size))[1]

    def sizes(self, bottom: int) -> tuple[int, int]:
        """Return (input, output) size for `bottom` pixels after the deepest convolutions."""
        size = bottom + 2 * self.down[-1]
        for lost, factor in reversed(list(zip(self.down[:-1], self.factors, strict=True))):
            size = factor * size + 2 * lost
        return size, self._output_of(bottom)

    def _output_of(self, bottom: int) -> int:
        size = bottom
        for lost, factor in reversed(list(zip(self.up, self.factors, strict=True))):
            size = factor * size - 2 * (lost + self._unknown(factor))
        return size

    def _bottom_for(self, output_size: int) -> int:
        bottom = 1
        while self._output_of(bottom) < max(output_size, 1):
            bottom += 1
        return bottom

    def _unknown(self, factor: int) -> int:
        """Return how many pixels per side upsampling by a factor leaves unknown."""
        return self.upsampling_margin if factor > 1 else 0

    def _backwards(self, start: int, stop: int) -> tuple[int, int]:
        for lost, factor in zip(self.up, self.factors, strict=True):
            margin = lost + self._unknown(factor)
            start, stop = (start - margin) // factor, -((-stop - margin) // factor)
        start, stop = start - self.down[-1], stop + self.down[-1]
        for lost, factor in reversed(list(zip(self.down[:-1], self.factors, strict=True))):
            start, stop = factor * start - lost, factor * stop + lost
        return start, stop

    def _forwards(self, start: int, stop: int) -> list[tuple[int, int]]:
        ranges = [(start, stop)]
        for level, lost in enumerate(self.down):
            start, stop = start + lost, stop - lost
            if level < self.levels:
                factor = self.factors[level]
                if start % factor or stop % factor or stop <= start:
                    raise UnetError(f"a window {ranges[0][0]}..{ranges[0][1]} does not fit the pooling grid")
                start, stop = start // factor, stop // factor
            ranges.append((start, stop))
        for lost, factor in reversed(list(zip(self.up, self.factors, strict=True))):
            margin = lost + self._unknown(factor)
            start, stop = factor * start + margin, factor * stop - margin
            ranges.append((start, stop))
        if stop <= start:
            raise UnetError(f"a window {ranges[0][0]}..{ranges[0][1]} is too small: nothing comes out")
        return ranges


class Geometries(tuple[Geometry, ...]):
    """The geometry along every axis, in the order of the axes."""

    __slots__ = ()

    @property
    def levels(self) -> int:
        """Return how many poolings there are."""
        return self[0].levels

    @property
    def stride(self) -> tuple[int, ...]:
        """Return the step of the coarsest pooling grid per axis."""
        return tuple(axis.stride for axis in self)

    @property
    def halo(self) -> tuple[int, ...]:
        """Return the most context that is read on a side of an aligned tile, per axis."""
        return tuple(axis.halo for axis in self)

    def valid_input_size(self, output_size: Sequence[int]) -> tuple[int, ...]:
        """Return the smallest input size per axis from which at least `output_size` pixels come out."""
        return tuple(axis.valid_input_size(side) for axis, side in zip(self, output_size, strict=True))

    def valid_output_size(self, output_size: Sequence[int]) -> tuple[int, ...]:
        """Return what comes out of `valid_input_size(output_size)`, per axis."""
        return tuple(axis.valid_output_size(side) for axis, side in zip(self, output_size, strict=True))
