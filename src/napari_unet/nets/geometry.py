"""What size goes in and comes out: the arithmetic of any U-Net here, run through unpadded convolutions.

Positions are pixels of the whole image along one axis, ends exclusive; every axis obeys the same rule.
"""

from __future__ import annotations

from dataclasses import dataclass

from napari_unet.errors import UnetError


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """The walk through a U-Net of 3-wide convolutions: how many before each pooling, how many on the way up."""

    down: tuple[int, ...]
    """Convolutions per level of the contracting path, full resolution first, the bottom last."""
    up: tuple[int, ...]
    """Convolutions per level of the expanding path, full resolution first."""
    upsampling_margin: int = 0
    """Pixels per side that upsampling cannot know: 0 for 2x2 transposed convolution, 1 for bilinear."""

    @property
    def levels(self) -> int:
        """Return how often the resolution is halved."""
        return len(self.up)

    @property
    def stride(self) -> int:
        """Return the step of the coarsest pooling grid: windows may only shift by multiples of it."""
        return int(2**self.levels)

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
        for convolutions in reversed(self.down[:-1]):
            size = 2 * size + 2 * convolutions
        return size, self._output_of(bottom)

    def _output_of(self, bottom: int) -> int:
        size = bottom
        for convolutions in reversed(self.up):
            size = 2 * size - 2 * self.upsampling_margin - 2 * convolutions
        return size

    def _bottom_for(self, output_size: int) -> int:
        bottom = 1
        while self._output_of(bottom) < max(output_size, 1):
            bottom += 1
        return bottom

    def _backwards(self, start: int, stop: int) -> tuple[int, int]:
        for convolutions in self.up:
            margin = convolutions + self.upsampling_margin
            start, stop = (start - margin) // 2, -((-stop - margin) // 2)
        start, stop = start - self.down[-1], stop + self.down[-1]
        for convolutions in reversed(self.down[:-1]):
            start, stop = 2 * start - convolutions, 2 * stop + convolutions
        return start, stop

    def _forwards(self, start: int, stop: int) -> list[tuple[int, int]]:
        ranges = [(start, stop)]
        for level, convolutions in enumerate(self.down):
            start, stop = start + convolutions, stop - convolutions
            if level < self.levels:
                if start % 2 or stop % 2 or stop <= start:
                    raise UnetError(f"a window {ranges[0][0]}..{ranges[0][1]} does not fit the pooling grid")
                start, stop = start // 2, stop // 2
            ranges.append((start, stop))
        for convolutions in reversed(self.up):
            margin = convolutions + self.upsampling_margin
            start, stop = 2 * start + margin, 2 * stop - margin
            ranges.append((start, stop))
        if stop <= start:
            raise UnetError(f"a window {ranges[0][0]}..{ranges[0][1]} is too small: nothing comes out")
        return ranges
