"""Rare objects: some in a large field, too few for any percentile or threshold of all pixels to see.

Where all but a hundredth of the pixels is noise around one level, or around a background that changes slowly
along rows, objects are what stands out of this noise. Noise has two forms: as much above its level as below it,
or cut off at the lowest value, as after a background was subtracted or where single photons are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.normalization.background import evened, is_wide
from napari_unet.arrays.normalization.noise import finite, grey_step, mean_noise, noise_sigma

Blocks = Sequence[NDArray[np.float64]]

MAX_SKEW = 2.0
"""How many times as far from the median as percentile 5, or 95, percentiles 1 and 99 may lie: 1.41 in noise of a
normal distribution."""
MAX_WIDTH = 4.0
"""Times the noise of neighbouring pixels that percentile 1 may lie from the median: 1.2 in white noise. In fields
full of objects it is their brightness."""
LAGS = (1, 2, 4, 8)
"""Distances of neighbours in px: noise that was smoothed, by a Gaussian of up to 3 px, shows at the wider ones."""
MAX_PIXELS = 1_000_000
"""So many pixels tell the noise."""
MIN_CUT_OFF = 0.1
"""Share of the pixels that hold the lowest value where noise was cut off."""
STANDING_OUT = 4.0
"""Times the same distance from which a pixel stands out: 9 standard deviations of the medians that are
compared."""
NEIGHBOURS = 5
"""Pixels in a row of which a median is taken, so that hot pixels are nothing."""
MIN_PIXELS = 12
"""So many pixels that stand out are an object; 4 x 4 px are the smallest that a model finds."""


@dataclass(frozen=True, slots=True)
class Noise:
    """The level around which nearly all pixels lie, and the distance of percentile 1 or 99 from it."""

    level: float
    width: float
    is_even: bool = True
    """Whether the level is the same everywhere; else it is measured beside each pixel, in its row."""

    def shows(self, rows: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which rows (n, X) may hold pixels that stand out, bright or dark."""
        reach = STANDING_OUT * self.width
        rows = self._levelled(rows)
        outside = (rows > self.level + reach) | (rows < self.level - reach)
        found: NDArray[np.bool_] = outside.sum(-1) > NEIGHBOURS // 2
        return found

    def above(self, blocks: Blocks) -> NDArray[np.float64]:
        """Return the values (n,) of pixels that stand out by being bright; none where they are too few."""
        threshold = self.level + STANDING_OUT * self.width
        return _enough([_standing_out(self._levelled(block), threshold) for block in blocks])

    def below(self, blocks: Blocks) -> NDArray[np.float64]:
        """Return the negative values (n,) of pixels that stand out by being dark; none where they are too few."""
        threshold = STANDING_OUT * self.width - self.level
        return _enough([_standing_out(-self._levelled(block), threshold) for block in blocks])

    def has_objects(self, blocks: Blocks) -> bool:
        """Whether anything stands out."""
        return bool(self.above(blocks).size or self.below(blocks).size)

    def _levelled(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Return rows (..., X) around the level."""
        return rows if self.is_even or not is_wide(rows) else evened(rows) + self.level


def noise_alone(blocks: Blocks) -> Noise | None:
    """Return the noise of an image in blocks (..., X), None where it holds more than a few objects."""
    some = max(1, sum(block.size for block in blocks) // MAX_PIXELS)
    blocks = [block[..., ::some, :] if block.ndim > 1 else block for block in blocks]
    even = _noise(blocks)
    wide = [block for block in blocks if is_wide(block)]
    if even or not wide:
        return even
    uneven = _noise([evened(block) for block in wide])
    level = float(np.median(finite(wide)))
    return replace(uneven, level=level, is_even=False) if uneven else None


def _noise(blocks: Blocks) -> Noise | None:
    """Return the noise around one level."""
    calm = finite(row_medians(block) for block in blocks)
    if not calm.size:
        return None
    ranks = np.percentile(calm, [1, 5, 50, 95, 99])
    step = grey_step(blocks)
    width = _cut_off_width(blocks, ranks, step) if _is_cut_off(blocks) else _width(blocks, ranks, step)
    return Noise(float(ranks[2]), width) if width > 0 else None


def _width(blocks: Blocks, ranks: NDArray[np.float64], step: float) -> float:
    """Return how far percentiles 1 and 99 lie from the median; 0 where there are more than noise."""
    lowest, low, level, high, highest = ranks
    width = max(highest - level, level - lowest)
    if width > MAX_SKEW * max(min(high - level, level - low), step):
        return 0.0
    is_noise = any(width <= MAX_WIDTH * max(noise_sigma(blocks, lag), step) for lag in LAGS)
    return float(max(width, step)) if is_noise else 0.0


def _cut_off_width(blocks: Blocks, ranks: NDArray[np.float64], step: float) -> float:
    """Return how far percentile 99, and half of the pixels above the median, lie from it; 0 as above."""
    level, most = ranks[2], MAX_WIDTH * max(mean_noise(blocks), step)
    values = finite(blocks)
    higher = values[values > level] - level
    typical = min(float(np.median(higher)), most) if higher.size else 0.0
    width = max(float(ranks[-1] - level), typical, step)
    return width if width <= most else 0.0


def _is_cut_off(blocks: Blocks) -> bool:
    """Whether many pixels hold the lowest value of all."""
    values = finite(blocks)
    return bool((values == values.min()).mean() >= MIN_CUT_OFF)


def row_medians(block: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the medians of every few neighbours in a row, the last axis."""
    count = max(1, min(NEIGHBOURS, block.shape[-1]))
    rows = block[..., : block.shape[-1] // count * count]
    medians: NDArray[np.float64] = np.median(rows.reshape(*rows.shape[:-1], -1, count), -1)
    return medians


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
