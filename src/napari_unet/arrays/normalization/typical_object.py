"""Step `typical_object`: a low percentile becomes 0, and 1 is twice the brightness of typical objects.

Then neither one glaring object nor many dim ones decide how all others look. Objects too rare for a
threshold of all pixels are those that stand out of the noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.normalization.background import PIECE, evened, is_wide
from napari_unet.arrays.normalization.noise import MAX_PERCENTILE, NEIGHBOURS, finite, row_means
from napari_unet.arrays.normalization.percentile import Percentile
from napari_unet.arrays.normalization.range import Range
from napari_unet.arrays.normalization.sample import Sample

BACKGROUND_LEVELS, DYNAMIC_RANGE = 3, 200
"""Times the median, and part of the brightest, below which logarithms are nearly linear (`typical_brightness`)."""
MEANS = PIECE // NEIGHBOURS
"""Means of neighbours in a piece of a row whose median is its background."""
LEVEL_DYNAMIC_RANGE, MIN_LEVEL_STEP = 10, 2
"""The same part for what stands out of its surroundings, and times what is bright at all from which on the latter
is taken for a second level of the background: in 160 fields of fluorescence it was 0.5 to 1.9 times as bright."""
MAX_GLARE = 15
"""Times typical brightness that the percentile `MAX_PERCENTILE` may be; where it seems more, noise was taken for
objects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypicalObject:
    """The percentile `low` becomes 0, typical objects above it 1/2."""

    name: ClassVar[str] = "typical_object"
    low: float = 1.0

    def __post_init__(self) -> None:
        Percentile(low=self.low)

    def fit(self, sample: Sample) -> Range:
        """Return the range; that of percentiles where nearly all pixels have one value."""
        low, high = np.percentile(sample.values, [self.low, MAX_PERCENTILE]) if sample.values.size else (0.0, 0.0)
        if high <= low:
            return Percentile(low=self.low).fit(sample)
        rare = sample.noise.above(sample.blocks) if sample.noise else ()
        typical = float(np.median(rare) - low) if len(rare) else self._typical(sample, float(low))
        return Range(low=float(low), high=float(low + 2 * typical))

    def _typical(self, sample: Sample, low: float) -> float:
        """Return the brightness of typical objects above a dark level, or above a second, brighter one.

        Beside a part that was darker throughout, the background of the rest is what seems bright.
        """
        typical = typical_brightness(sample.calm - low)
        rows = [row_means(block) for block in sample.blocks]
        wide = [evened(block, MEANS) for block in rows if is_wide(block, MEANS)]
        standing_out = finite(wide)
        if not standing_out.size:
            return typical
        local = typical_brightness(standing_out, LEVEL_DYNAMIC_RANGE)
        return local if local > MIN_LEVEL_STEP * typical else typical


def typical_brightness(values: NDArray[np.floating[Any]], dynamic_range: float = DYNAMIC_RANGE) -> float:
    """Return the median of what is bright among intensities (any shape) above a dark level of 0.

    Always above 0; 1 where nothing is bright.

    Bright is what lies above Otsu's threshold (Otsu 1979) of log(1 + x / s). With s at thrice the median, which
    mostly is background, noise does not spread over the logarithms, and objects of all brightnesses come close
    together: debris of ten times their brightness does not become a class of its own. On the 427 fluorescence
    images of BBBC038v1 the result is within a factor of 1.8 of the median inside nuclei (but for 3 % of them); and
    it stays so where 1 % of the area is covered by such debris (but for 4 %).
    """
    from skimage.filters import threshold_otsu

    light = np.maximum(values, 0)
    brightest = float(np.percentile(light, MAX_PERCENTILE)) or float(light.max())
    if brightest <= 0:
        return 1.0
    least = np.finfo(np.float64).tiny  # a range beyond what numbers can hold must not end in a division by 0
    spread = max(BACKGROUND_LEVELS * float(np.median(light)), brightest / dynamic_range, least)
    logarithms = np.log1p(light / spread)
    bright = light[logarithms > threshold_otsu(logarithms)]
    typical = float(np.median(bright)) if bright.size else brightest
    return max(typical, brightest / MAX_GLARE)
