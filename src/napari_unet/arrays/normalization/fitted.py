"""What the normalisation of one image came to: applied to every window of it, kept in plans and provenance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.normalization.compress import Compress
from napari_unet.arrays.normalization.denoise import Smooth
from napari_unet.arrays.normalization.invert_bright_background import Invert
from napari_unet.arrays.normalization.never_imaged import NeverImaged
from napari_unet.arrays.normalization.range import Range
from napari_unet.arrays.normalization.sample import Values, as_float
from napari_unet.arrays.normalization.step import FittedStep, step_from_dict, step_to_dict

FITTED = (NeverImaged, Invert, Range, Smooth, Compress)


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedNormalization:
    """Steps with all their numbers, fitted once for a whole image."""

    channels: tuple[tuple[FittedStep, ...], ...] = ((),)
    """The steps of all channels together, or of one channel after another."""
    invalid: int = 0
    """How many sampled pixels were NaN or infinite."""

    @classmethod
    def of(cls, *steps: FittedStep) -> FittedNormalization:
        """Return these steps for all channels."""
        return cls(channels=(steps,))

    @classmethod
    def side_by_side(cls, channels: Iterable[FittedNormalization]) -> FittedNormalization:
        """Return the steps of several channels, each fitted by itself."""
        parts = list(channels)
        return cls(
            channels=tuple(steps for part in parts for steps in part.channels),
            invalid=sum(part.invalid for part in parts),
        )

    @property
    def margin(self) -> int:
        """Return how many pixels around a window, along the last two axes, its values depend on."""
        return max(sum(step.margin for step in steps) for steps in self.channels)

    @property
    def ranges(self) -> tuple[Range, ...]:
        """Return the ranges that become 0..1, of inverted intensities where `is_inverted`."""
        return tuple(step for step in self._steps() if isinstance(step, Range))

    @property
    def is_constant(self) -> bool:
        """Whether the image holds nothing to see."""
        return bool(self.ranges) and all(span.is_constant for span in self.ranges)

    @property
    def is_inverted(self) -> bool:
        """Whether bright becomes dark, in any channel."""
        return any(isinstance(step, Invert) for step in self._steps())

    @property
    def smoothing(self) -> float:
        """Return the standard deviation, in pixels, of the Gaussian that takes the noise away; 0: none."""
        return max((step.sigma for step in self._steps() if isinstance(step, Smooth)), default=0.0)

    def apply(self, block: NDArray[Any]) -> NDArray[np.float32]:
        """Return a block as float32 >= 0; NaN and inf become 0.

        The first axis are channels where they were fitted one by one. Within `margin` of its edges a smoothed
        block is that of an image that ends there.
        """
        if len(self.channels) == 1:
            return _applied(self.channels[0], block)
        return np.stack([_applied(steps, part) for steps, part in zip(self.channels, block, strict=True)])

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "channels": [[step_to_dict(step) for step in steps] for steps in self.channels],
            "invalid": self.invalid,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FittedNormalization:
        """Return what `to_dict` wrote."""
        channels = tuple(tuple(step_from_dict(step, FITTED) for step in steps) for steps in values["channels"])
        return cls(channels=channels, invalid=values["invalid"])

    def _steps(self) -> Iterator[FittedStep]:
        for steps in self.channels:
            yield from steps


UNCHANGED = FittedNormalization()
"""Of an image that is normalised already."""


def _applied(steps: tuple[FittedStep, ...], block: NDArray[Any]) -> NDArray[np.float32]:
    """Return a block after all steps."""
    values: Values = as_float(block)
    for step in steps:
        values = step.apply(values)
        if isinstance(step, Range):  # float32 tells enough apart from here on
            values = values.astype(np.float32, copy=False)
    result: NDArray[np.float32] = values.astype(np.float32, copy=False)
    return np.fmax(result, 0, out=result)
