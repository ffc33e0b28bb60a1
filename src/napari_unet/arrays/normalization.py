"""The intensity range that a model expects: found once for a whole image, applied to every tile of it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.filters import threshold_otsu

from napari_unet.errors import UnetError


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalization:
    """How a model wants its intensities: a percentile stretch to 0..1, then a logarithmic compression.

    The compression log(1 + c x) / log(1 + c) brings dim objects beside bright ones into one range, as the
    few dim nuclei in an image with bright debris need; 0 switches it off.
    """

    low: float = 1.0
    high: float = 99.8
    compression: float = 4.0
    foreground: bool = False
    """Whether 1 is twice the brightness of typical objects (`typical_brightness`), not the percentile `high`.

    Then neither one glaring object nor many dim ones decide how all others look, and an image of objects on a dark
    ground whose noise is large beside them is smoothed (`smoothing_sigma`).
    """
    bright_objects: bool = False
    """Whether an image on a bright ground (`has_bright_ground`) is inverted, so that objects always are bright."""

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 100:
            raise UnetError(f"percentiles must rise within 0..100, got {self.low} and {self.high}")
        if not 0 <= self.compression < math.inf:
            raise UnetError(f"compression must be a number from 0, got {self.compression}")


@dataclass(frozen=True, slots=True, kw_only=True)
class IntensityRange:
    """The intensities that become 0 and 1 in one image, and how many sampled pixels were not finite.

    `low` lies above `high` where an image is to be inverted.
    """

    low: float
    high: float
    compression: float = 0.0
    invalid: int = 0
    smoothing: float = 0.0
    """Standard deviation, in pixels of the last two axes, of the Gaussian that takes the noise away; 0: none."""

    @property
    def margin(self) -> int:
        """Return how many pixels beside a window its values hang on."""
        return round(REACH * self.smoothing)

    @property
    def is_constant(self) -> bool:
        """Whether the image holds nothing to see."""
        return self.high == self.low

    @property
    def is_inverted(self) -> bool:
        """Whether bright becomes dark."""
        return self.low > self.high

    def apply(self, block: NDArray[Any]) -> NDArray[np.float32]:
        """Return the block as float32 with `low` at 0 and `high` at 1; NaN and inf count as `low`.

        Within `margin` of its edges a smoothed block is that of an image that ends there.
        """
        if self.is_constant:
            return np.zeros(block.shape, np.float32)
        wide = block.dtype.itemsize >= 4  # float32 would lose what uint32 and float64 tell apart
        values: NDArray[np.floating[Any]] = block.astype(np.float64 if wide else np.float32)
        if block.dtype.kind == "f":
            values[~np.isfinite(values)] = self.low
        scaled: NDArray[np.float32] = ((values - self.low) / (self.high - self.low)).astype(np.float32)
        if self.smoothing:
            across = tuple(range(-min(2, scaled.ndim), 0))
            scaled = gaussian_filter(scaled, self.smoothing, mode="mirror", radius=self.margin, axes=across)
        np.maximum(scaled, 0, out=scaled)
        if self.compression:
            scaled *= np.float32(self.compression)
            np.log1p(scaled, out=scaled)
            scaled *= np.float32(1 / math.log1p(self.compression))
        return scaled


def intensity_range(blocks: Iterable[NDArray[Any]], normalization: Normalization) -> IntensityRange:
    """Return the range of an image that comes in blocks (any shapes, one dtype)."""
    whole = [np.atleast_1d(np.asarray(block)) for block in blocks]
    light = _finite(whole)
    invalid = sum(block.size for block in whole) - light.size
    if light.size == 0:
        return IntensityRange(low=0.0, high=0.0, compression=normalization.compression, invalid=invalid)
    inverted = normalization.bright_objects and has_bright_ground(light)
    sign = -1 if inverted else 1
    low, high = np.percentile(sign * light, [normalization.low, normalization.high])
    smoothing = 0.0
    if high <= low:  # a few bright pixels on an empty ground: fall back to the full range
        low, high = (sign * light).min(), (sign * light).max()
    elif normalization.foreground:
        calm = _finite(row_means(block) for block in whole)
        high = low + 2 * typical_brightness(sign * calm - low)
        ground = np.median(sign * light - low) / (high - low)
        smoothing = smoothing_sigma(noise_sigma(whole) / (high - low)) if ground < DARK else 0.0
    return IntensityRange(
        low=float(sign * low),
        high=float(sign * high),
        compression=normalization.compression,
        invalid=invalid,
        smoothing=float(smoothing),
    )


def _finite(blocks: Iterable[NDArray[Any]]) -> NDArray[np.float64]:
    """Return all finite values; as float64, for differences would overflow narrow integers and bool has none."""
    values = [block.ravel().astype(np.float64) for block in blocks]
    return np.concatenate([np.zeros(0), *(some[np.isfinite(some)] for some in values)])


def row_means(block: NDArray[Any]) -> NDArray[np.float64]:
    """Return the means of every few neighbours in a row, the last axis: noise halves, objects stay.

    The noise of few photons is else taken for dim objects, and true ones for glare: in the confocal stacks of
    BBBC050 nuclei seemed 2 to 7 times as bright as typical ones, and with means 1.2 to 2 times.
    """
    count = max(1, min(NEIGHBOURS, block.shape[-1]))
    rows = block[..., : block.shape[-1] // count * count]
    means: NDArray[np.float64] = rows.reshape(*rows.shape[:-1], -1, count).mean(-1, dtype=np.float64)
    return means


def noise_sigma(blocks: Iterable[NDArray[Any]]) -> float:
    """Return the standard deviation of the noise in blocks (..., row), from neighbours in each row.

    From the median of second differences, (1, -2, 1), which what is smooth or rare does not move (Immerkaer,
    Computer Vision and Image Understanding 64:300, 1996, takes their mean in two dimensions).
    """
    rows = [block for block in blocks if block.ndim > 1 and block.shape[-1] > 2]
    bends = _finite(np.diff(block.astype(np.float64), n=2) for block in rows)
    return float(np.median(np.abs(bends))) / (GAUSSIAN_MEDIAN * math.sqrt(6)) if bends.size else 0.0


def smoothing_sigma(noise: float) -> float:
    """Return by how much to smooth an image, in pixels, whose noise is this share of its range.

    White noise falls to a 1 / (2 sqrt(pi) sigma) of itself under a Gaussian, here to `BEARABLE`.
    """
    if noise <= NOISY:
        return 0.0
    return min(MAX_SMOOTHING, noise / (TARGET_NOISE * 2 * math.sqrt(math.pi)))


REACH = 3.0
"""Standard deviations of a Gaussian after which it is cut off."""
GAUSSIAN_MEDIAN = 0.6745
"""Median of the absolute value of a standard normal number."""
DARK = 0.2
"""Share of the range below which a ground is dark, as that of fluorescence is: at most 0.19 in BBBC038v1, 0.08 in
confocal stacks; 0.28 to 0.41 in electron microscopy."""
NOISY, TARGET_NOISE, MAX_SMOOTHING = 0.02, 0.012, 2.0
"""Noise, as a share of the range, from which an image is smoothed, what is left, and the strongest smoothing.

Fine texture would be smoothed, too: membranes in electron microscopy, say. They lie on no dark ground.
Nineteen in twenty of the fluorescence images of BBBC038v1 have less than 0.018, confocal stacks 0.016 to 0.11.
"""


def has_bright_ground(light: NDArray[np.floating[Any]]) -> bool:
    """Whether most intensities (any shape) lie nearer to the brightest than to the darkest ones.

    Darkest and brightest are the first and last hundredth. Right for 426 of the 427 fluorescence images of
    BBBC038v1 and for its grey tissue; wrong where objects cover more than half of the image.
    """
    darkest, middle, brightest = np.percentile(light, [1, 50, 99])
    return bool(brightest - middle < middle - darkest)


NEIGHBOURS = 4
BACKGROUND_LEVELS, DYNAMIC_RANGE = 3, 200
MOST = 15
"""Times typical brightness that the percentile below may be; where it seems more, noise was taken for objects."""
HIGHEST = 99.8


def typical_brightness(values: NDArray[np.floating[Any]]) -> float:
    """Return the median of what is bright among intensities (any shape) above a dark level of 0.

    Always above 0; 1 where nothing is bright.

    Bright is what lies above Otsu's threshold (Otsu 1979) of log(1 + x / s). With s at thrice the median, which
    mostly is background, noise does not spread over the logarithms, and objects of all brightnesses come close
    together: debris of ten times their brightness does not become a class of its own. On the 427 fluorescence
    images of BBBC038v1 the result is within a factor of 1.8 of the median inside nuclei (but for 3 % of them); and
    it stays so where 1 % of the area is covered by such debris (but for 4 %).
    """
    light = np.maximum(values, 0)
    brightest = float(np.percentile(light, HIGHEST)) or float(light.max())
    if brightest <= 0:
        return 1.0
    least = np.finfo(np.float64).tiny  # a range beyond what numbers can hold must not end in a division by 0
    spread = max(BACKGROUND_LEVELS * float(np.median(light)), brightest / DYNAMIC_RANGE, least)
    logarithms = np.log1p(light / spread)
    bright = light[logarithms > threshold_otsu(logarithms)]
    typical = float(np.median(bright)) if bright.size else brightest
    return max(typical, brightest / MOST)
