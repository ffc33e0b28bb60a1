"""Step `percentile`: two percentiles of the image become 0 and 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from napari_unet.arrays.normalization.noise import MAX_PERCENTILE
from napari_unet.arrays.normalization.range import Range
from napari_unet.arrays.normalization.sample import Sample
from napari_unet.arrays.normalization.step import require_number
from napari_unet.errors import UnetError


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentile:
    """The percentiles `low` and `high` become 0 and 1."""

    name: ClassVar[str] = "percentile"
    low: float = 1.0
    high: float = MAX_PERCENTILE

    def __post_init__(self) -> None:
        require_number("a percentile", self.low)
        require_number("a percentile", self.high)
        if not 0 <= self.low < self.high <= 100:
            raise UnetError(f"percentiles must rise within 0..100, got {self.low} and {self.high}")

    def fit(self, sample: Sample) -> Range:
        """Return the range; of all values where the percentiles are equal: a few pixels on an empty background."""
        if not sample.values.size:
            return Range(low=0.0, high=0.0)
        low, high = np.percentile(sample.values, [self.low, self.high])
        if high <= low:
            low, high = sample.values.min(), sample.values.max()
        return Range(low=float(low), high=float(high))
