"""Pixels spread over an image, from which the steps of a normalisation are fitted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.normalization.noise import finite, row_means
from napari_unet.arrays.normalization.rare_objects import Noise, noise_alone

Values = NDArray[np.floating[Any]]
Change = Callable[[Values], Values]


class Sample:
    """Blocks (any shapes, rows along the last axis) of an image, as the steps fitted so far leave them."""

    def __init__(self, blocks: Iterable[NDArray[Any]], changes: tuple[Change, ...] = (), sign: int = 1) -> None:
        self._raw = tuple(np.atleast_1d(np.asarray(block)) for block in blocks)
        self._changes = changes
        self.sign = sign
        """-1 where the image has been inverted."""

    @cached_property
    def blocks(self) -> tuple[NDArray[np.float64], ...]:
        """Return the blocks as float64: differences would overflow narrow integers, and bool has none."""
        blocks = [_not_finite_as_nan(block.astype(np.float64), block.dtype) for block in self._raw]
        for change in self._changes:
            blocks = [np.asarray(change(block), np.float64) for block in blocks]
        return tuple(blocks)

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """Return all finite values (n,)."""
        return finite(self.blocks)

    @cached_property
    def calm(self) -> NDArray[np.float64]:
        """Return the finite means (n,) of every few neighbours in a row, which have half the noise.

        Where not imaged pixels are among all of them, the values themselves.
        """
        means = finite(row_means(block) for block in self.blocks)
        return means if means.size else self.values

    @cached_property
    def noise(self) -> Noise | None:
        """Return the noise of an image that holds hardly anything else; None where it shows more."""
        return noise_alone(self.blocks)

    @cached_property
    def invalid(self) -> int:
        """Return how many pixels are NaN or infinite."""
        return sum(block.size - int(np.isfinite(block).sum()) for block in self._raw if block.dtype.kind == "f")

    def after(self, change: Change, sign: int = 1) -> Sample:
        """Return the sample as one more step leaves it, computed when it is first asked for."""
        return Sample(self._raw, (*self._changes, change), sign * self.sign)


def as_float(block: NDArray[Any]) -> Values:
    """Return a copy of a block as float32, as float64 where float32 would lose what its dtype tells apart.

    Values that are not finite are NaN, which stands for "not imaged" in every step.
    """
    wide = block.dtype.itemsize >= 4
    return _not_finite_as_nan(block.astype(np.float64 if wide else np.float32), block.dtype)


def _not_finite_as_nan(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind == "f":
        values[~np.isfinite(values)] = np.nan
    return values
