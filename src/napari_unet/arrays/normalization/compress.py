"""Step `compress`: log(1 + c x) / log(1 + c), which brings dim objects and bright ones into one range.

The few dim nuclei in an image with bright debris need it. It has nothing to fit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from napari_unet.arrays.normalization.sample import Sample, Values
from napari_unet.errors import UnetError


@dataclass(frozen=True, slots=True, kw_only=True)
class Compress:
    """Compresses by `factor`, the c of the formula; values below 0 become 0."""

    name: ClassVar[str] = "compress"
    factor: float = 4.0

    def __post_init__(self) -> None:
        if (
            isinstance(self.factor, bool)
            or not isinstance(self.factor, int | float)
            or not 0 < self.factor < math.inf
        ):
            raise UnetError(f"compression must be a number above 0, got {self.factor!r}")

    @property
    def margin(self) -> int:
        """Return 0: every pixel is compressed by itself."""
        return 0

    def fit(self, _sample: Sample) -> Compress:
        """Return itself: it is the same for every image."""
        return self

    def apply(self, values: Values) -> Values:
        """Return compressed values, in place; NaN becomes 0."""
        np.fmax(values, 0, out=values)
        values *= np.float32(self.factor)
        np.log1p(values, out=values)
        values *= np.float32(1 / math.log1p(self.factor))
        return values
