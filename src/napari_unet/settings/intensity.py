"""Which intensities a network sees as 0 and 1, where a user does not leave that to measurement."""

from __future__ import annotations

from functools import partial
from typing import Any, Self

from pydantic import field_validator, model_validator

from napari_unet.errors import UnetError
from napari_unet.settings.base import Settings, Where, option

SHOWN: tuple[Where, ...] = ("segment", "Segment panel")
Pairs = tuple[tuple[float, float], ...]
"""One (low, high) for all channels, or one for each."""
_pairs = partial(option, None, unset="measured", offered=SHOWN)


class IntensitySettings(Settings):
    """The intensity range by hand, in values or in percentiles; measured where neither is given.

    A pair is enough, `IntensitySettings(range=(100, 4000))`; as text "100,4000", and "100,4000;0,255" for two
    channels.
    """

    range: Pairs | None = _pairs(
        "intensities LOW,HIGH that the network sees as 0 and 1; LOW,HIGH;LOW,HIGH for each channel its own",
        must_be="two rising numbers such as 100,4000, or such a pair for each channel",
        label="Intensity range",
    )
    percentiles: Pairs | None = _pairs(
        "percentiles LOW,HIGH that the network sees as 0 and 1; LOW,HIGH;LOW,HIGH for each channel its own",
        must_be="two rising numbers within 0..100 such as 1,99.8, or such a pair for each channel",
        label="Percentiles",
    )

    @field_validator("range", "percentiles", mode="before")
    @classmethod
    def _as_pairs(cls, value: Any) -> Any:
        """Return text and a single pair as pairs."""
        if isinstance(value, str):
            try:
                return tuple(tuple(map(float, pair.split(","))) for pair in value.split(";"))
            except ValueError:
                raise ValueError from None  # the sentence is that of the declaration
        single = isinstance(value, list | tuple) and value and not isinstance(value[0], list | tuple)
        return (tuple(value),) if single else value

    @field_validator("range", "percentiles", mode="after")
    @classmethod
    def _rising(cls, pairs: Pairs | None) -> Pairs | None:
        if pairs is not None and (not pairs or any(low >= high for low, high in pairs)):
            raise ValueError
        return pairs

    @field_validator("percentiles", mode="after")
    @classmethod
    def _within_limits(cls, pairs: Pairs | None) -> Pairs | None:
        if pairs is not None and any(low < 0 or high > 100 for low, high in pairs):
            raise ValueError
        return pairs

    @model_validator(mode="after")
    def _check_single_choice(self) -> Self:
        if self.range is not None and self.percentiles is not None:
            raise UnetError("range and percentiles both say what 0 and 1 are: leave one of them out")
        return self
