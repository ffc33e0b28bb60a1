"""Step `denoise`: an image of objects on a dark background is smoothed where its noise is large beside them.

Comes after a step that scales to a range: noise is a share of the range.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from napari_unet.arrays.normalization.noise import noise_sigma
from napari_unet.arrays.normalization.sample import Sample, Values
from napari_unet.arrays.normalization.step import require_number
from napari_unet.errors import UnetError

TRUNCATE = 3.0
"""Standard deviations of a Gaussian after which it is cut off."""
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
        return round(TRUNCATE * self.sigma)

    def apply(self, values: Values) -> Values:
        """Return smooth values; within `margin` of the edges those of an image that ends there."""
        from scipy.ndimage import gaussian_filter

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


def smoothing_sigma(noise: float) -> float:
    """Return by how much to smooth an image, in pixels, whose noise is this share of its range.

    White noise falls to a 1 / (2 sqrt(pi) sigma) of itself under a Gaussian, here to `TARGET_NOISE`.
    """
    if noise <= NOISY:
        return 0.0
    return min(MAX_SMOOTHING, noise / (TARGET_NOISE * 2 * math.sqrt(math.pi)))
