"""The intensity range that a model expects: found once for a whole image, applied to every tile of it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
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

    Then neither one glaring object nor many dim ones decide how all others look.
    """
    bright_objects: bool = False
    """Whether an image on a bright ground (`has_bright_ground`) is inverted, so that objects always are bright."""

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 100:
            raise UnetError(f"percentiles must rise within 0..100, got {self.low} and {self.high}")
        if self.compression < 0:
            raise UnetError(f"compression must not be negative, got {self.compression}")


@dataclass(frozen=True, slots=True, kw_only=True)
class IntensityRange:
    """The intensities that become 0 and 1 in one image, and how many sampled pixels were not finite.

    `low` lies above `high` where an image is to be inverted.
    """

    low: float
    high: float
    compression: float = 0.0
    invalid: int = 0

    @property
    def is_constant(self) -> bool:
        """Whether the image holds nothing to see."""
        return self.high == self.low

    @property
    def is_inverted(self) -> bool:
        """Whether bright becomes dark."""
        return self.low > self.high

    def apply(self, block: NDArray[Any]) -> NDArray[np.float32]:
        """Return the block as float32 with `low` at 0 and `high` at 1; NaN and inf count as `low`."""
        if self.is_constant:
            return np.zeros(block.shape, np.float32)
        wide = block.dtype.itemsize >= 4  # float32 would lose what uint32 and float64 tell apart
        values: NDArray[np.floating[Any]] = block.astype(np.float64 if wide else np.float32)
        if block.dtype.kind == "f":
            values[~np.isfinite(values)] = self.low
        scaled: NDArray[np.float32] = ((values - self.low) / (self.high - self.low)).astype(np.float32)
        np.maximum(scaled, 0, out=scaled)
        if self.compression:
            scaled *= np.float32(self.compression)
            np.log1p(scaled, out=scaled)
            scaled *= np.float32(1 / math.log1p(self.compression))
        return scaled


def intensity_range(blocks: Iterable[NDArray[Any]], normalization: Normalization) -> IntensityRange:
    """Return the range of an image that comes in blocks (any shapes, one dtype)."""
    finite, invalid = [], 0
    for block in blocks:
        values = np.asarray(block).ravel()
        if values.dtype.kind == "f":
            kept = values[np.isfinite(values)]
            invalid += values.size - kept.size
            values = kept
        finite.append(values)
    everything = np.concatenate(finite) if finite else np.zeros(0, np.float32)
    if everything.size == 0:
        return IntensityRange(low=0.0, high=0.0, compression=normalization.compression, invalid=invalid)
    light = everything.astype(np.float64)  # differences would overflow narrow integers, and bool has none
    inverted = normalization.bright_objects and has_bright_ground(light)
    low, high = _range(-light if inverted else light, normalization)
    if inverted:
        low, high = -low, -high
    return IntensityRange(low=low, high=high, compression=normalization.compression, invalid=invalid)


def _range(light: NDArray[np.float64], normalization: Normalization) -> tuple[float, float]:
    """Return which intensities become 0 and 1."""
    low, high = (float(value) for value in np.percentile(light, [normalization.low, normalization.high]))
    if high <= low:  # a few bright pixels on an empty ground: fall back to the full range
        return float(light.min()), float(light.max())
    return low, low + 2 * typical_brightness(light - low) if normalization.foreground else high


def has_bright_ground(light: NDArray[np.floating[Any]]) -> bool:
    """Whether most intensities (any shape) lie nearer to the brightest than to the darkest ones.

    Darkest and brightest are the first and last hundredth. Right for 426 of the 427 fluorescence images of
    BBBC038v1 and for its grey tissue; wrong where objects cover more than half of the image.
    """
    darkest, middle, brightest = np.percentile(light, [1, 50, 99])
    return bool(brightest - middle < middle - darkest)


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
