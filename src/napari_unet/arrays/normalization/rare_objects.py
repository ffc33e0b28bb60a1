"""Rare objects: one or two in a large field, too few for any percentile or threshold of all pixels to see.

Where all but two pixels in a thousand are noise around one level, objects are what stands out of this noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.normalization.noise import MAX_PERCENTILE, noise_sigma

Blocks = Sequence[NDArray[np.float64]]

MAX_SKEW = 2.0
"""How many times as far from the median as percentile 1, or 99, the brightest and darkest may lie: 1.24 in noise
of a normal distribution."""
MAX_WIDTH = 4.0
"""Times the noise of neighbouring pixels that percentile 1 of row means may lie from the median: 1.2 in white
noise, more where noise is smooth or the light is uneven. In fields full of objects it is their brightness."""
STANDING_OUT = 4.0
"""Times the same distance from which a pixel stands out: 9 standard deviations of the medians that are
compared."""
NEIGHBOURS = 5
"""Pixels in a row of which a median is taken, so that hot pixels are nothing."""
MIN_PIXELS = 12
"""So many pixels that stand out are an object; 4 x 4 px are the smallest that a model finds."""


@dataclass(frozen=True, slots=True)
class Noise:
    """The level around which nearly all pixels lie, and the distance of percentile 1 from it."""

    level: float
    width: float

    def shows(self, rows: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which rows (n, X) may hold pixels that stand out, bright or dark."""
        reach = STANDING_OUT * self.width
        outside = (rows > self.level + reach) | (rows < self.level - reach)
        found: NDArray[np.bool_] = outside.sum(-1) > NEIGHBOURS // 2
        return found

    def above(self, blocks: Blocks) -> NDArray[np.float64]:
        """Return the values (n,) of pixels that stand out by being bright; none where they are too few."""
        threshold = self.level + STANDING_OUT * self.width
        return _enough([_standing_out(block, threshold) for block in blocks])

    def below(self, blocks: Blocks) -> NDArray[np.float64]:
        """Return the negative values (n,) of pixels that stand out by being dark; none where they are too few."""
        threshold = STANDING_OUT * self.width - self.level
        return _enough([_standing_out(-block, threshold) for block in blocks])

    def has_objects(self, blocks: Blocks) -> bool:
        """Whether anything stands out."""
        return bool(self.above(blocks).size or self.below(blocks).size)


def noise_alone(calm: NDArray[np.float64], blocks: Blocks) -> Noise | None:
    """Return the noise of an image that holds hardly anything else; None where it shows more.

    `calm` are the means (n,) of neighbours in its blocks (..., X).
    """
    if not calm.size:
        return None
    lowest, low, level, high, highest = np.percentile(calm, [100 - MAX_PERCENTILE, 1, 50, 99, MAX_PERCENTILE])
    width = max(level - low, high - level)
    if width <= 0 or max(highest - level, level - lowest) > MAX_SKEW * min(level - low, high - level):
        return None
    return Noise(float(level), float(width)) if width <= MAX_WIDTH * noise_sigma(blocks) else None


def _enough(found: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    values = np.concatenate([np.zeros(0), *found])
    return values if values.size >= MIN_PIXELS else values[:0]


def _standing_out(block: NDArray[Any], threshold: float) -> NDArray[np.float64]:
    """Return the values above a threshold among medians of neighbours in rows."""
    from scipy.ndimage import median_filter

    if block.ndim < 2 or block.shape[-1] < NEIGHBOURS:
        return np.zeros(0)
    candidates = (block > threshold).sum(-1) > NEIGHBOURS // 2
    rows = block[candidates].astype(np.float64)
    medians = median_filter(rows, (1, NEIGHBOURS), mode="mirror") if len(rows) else rows
    found: NDArray[np.float64] = medians[medians > threshold]
    return found
