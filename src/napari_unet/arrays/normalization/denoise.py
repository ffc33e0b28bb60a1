"""Step `denoise`: an image of objects on a dark background is smoothed where its noise is large beside them.

Comes after a step that scales to a range: noise is a share of the range.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from napari_unet.arrays.normalization.sample import Sample, Values, finite
from napari_unet.arrays.normalization.step import require_number
from napari_unet.errors import UnetError

REACH = 3.0
"""Standard deviations of a Gaussian after which it is cut off."""
GAUSSIAN_MEDIAN = 0.6745
"""Median of the absolute value of a standard normal number."""
DARK = 0.2
"""Share of the range below which a background is dark, as that of fluorescence is: at most 0.19 in BBBC038v1,
0.08 in confocal stacks; 0.28 to 0.41 in electron microscopy, whose fine texture must not be smoothed."""
NOISY, TARGET_NOISE, MAX_SMOOTHING = 0.02, 0.012, 2.0
"""Noise, as a share of the range, from which an image is smoothed, what is left, and the strongest smoothing (px).

Nineteen in twenty of the fluorescence images of BBBC038v1 have less than 0.018, confocal stacks 0.016 to 0.11.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Smooth:
    """Fitted: a Gaussian over the last two axes; `sigma` is its standard deviation in pixels."""

    name: ClassVar[str] = "smooth"
    sigma: float

    def __post_init__(self) -> None:
        require_number("sigma", self.sigma)
        if self.sigma <= 0:
            raise UnetError(f"sigma must be above 0 px, got {self.sigma}")

    @property
    def margin(self) -> int:
        """Return how many pixels around a window its values depend on."""
        return round(REACH * self.sigma)

    def apply(self, values: Values) -> Values:
        """Return smooth values; within `margin` of the edges those of an image that ends there."""
        missing = np.isnan(values)
        if missing.any():
            values[missing] = 0
        across = tuple(range(-min(2, values.ndim), 0))
        smooth: Values = gaussian_filter(values, self.sigma, mode="mirror", radius=self.margin, axes=across)
        return smooth


@dataclass(frozen=True, slots=True, kw_only=True)
class Denoise:
    """Smooths by `smoothing_sigma` of the noise, on a dark background."""

    name: ClassVar[str] = "denoise"

    def fit(self, sample: Sample) -> Smooth | None:
        """Return the smoothing where the background is dark and the noise is large."""
        if not sample.values.size or np.median(sample.values) >= DARK:
            return None
        sigma = smoothing_sigma(noise_sigma(sample.blocks))
        return Smooth(sigma=sigma) if sigma else None


def noise_sigma(blocks: Iterable[NDArray[Any]]) -> float:
    """Return the standard deviation of the noise in blocks (..., row), from neighbours in each row.

    From the median of second differences, (1, -2, 1), which what is smooth or rare does not move (Immerkaer,
    Computer Vision and Image Understanding 64:300, 1996, takes their mean in two dimensions).
    """
    rows = [block for block in blocks if block.ndim > 1 and block.shape[-1] > 2]
    bends = finite(np.diff(block.astype(np.float64, copy=False), n=2) for block in rows)
    return float(np.median(np.abs(bends))) / (GAUSSIAN_MEDIAN * math.sqrt(6)) if bends.size else 0.0


def smoothing_sigma(noise: float) -> float:
    """Return by how much to smooth an image, in pixels, whose noise is this share of its range.

    White noise falls to a 1 / (2 sqrt(pi) sigma) of itself under a Gaussian, here to `TARGET_NOISE`.
    """
    if noise <= NOISY:
        return 0.0
    return min(MAX_SMOOTHING, noise / (TARGET_NOISE * 2 * math.sqrt(math.pi)))
