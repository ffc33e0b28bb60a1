"""Step `given_range`: two intensities that a user chose become 0 and 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from napari_unet.arrays.normalization.range import Range
from napari_unet.arrays.normalization.sample import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenRange:
    """`low` becomes 0 and `high` 1; the other way round where the image was inverted."""

    name: ClassVar[str] = "given_range"
    low: float
    high: float

    def fit(self, sample: Sample) -> Range:
        """Return the range."""
        if sample.sign < 0:
            return Range(low=-self.high, high=-self.low)
        return Range(low=self.low, high=self.high)
