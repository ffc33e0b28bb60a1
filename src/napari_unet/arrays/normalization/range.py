"""Fitted: the intensities that become 0 and 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from napari_unet.arrays.normalization.sample import Values
from napari_unet.arrays.normalization.step import require_number


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """x -> (x - low) / (high - low); 0 everywhere where `high` is `low`, for then there is nothing to see."""

    name: ClassVar[str] = "range"
    low: float
    high: float

    def __post_init__(self) -> None:
        require_number("the end of an intensity range", self.low)
        require_number("the end of an intensity range", self.high)

    @property
    def margin(self) -> int:
        """Return 0: every pixel is scaled by itself."""
        return 0

    @property
    def is_constant(self) -> bool:
        """Whether the image holds nothing to see."""
        return self.high == self.low

    def apply(self, values: Values) -> Values:
        """Return values scaled to the range, in place."""
        if self.is_constant:
            values[...] = 0
            return values
        values -= self.low
        values /= self.high - self.low
        return values
