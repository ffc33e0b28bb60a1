"""How a model wants its intensities: a list of named steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.normalization.compress import Compress
from napari_unet.arrays.normalization.denoise import Denoise
from napari_unet.arrays.normalization.fitted import FittedNormalization
from napari_unet.arrays.normalization.former import is_former, translated
from napari_unet.arrays.normalization.given_range import GivenRange
from napari_unet.arrays.normalization.invert_bright_background import Invert, InvertBrightBackground
from napari_unet.arrays.normalization.never_imaged import NeverImaged
from napari_unet.arrays.normalization.noise import MAX_PERCENTILE
from napari_unet.arrays.normalization.percentile import Percentile
from napari_unet.arrays.normalization.sample import Sample
from napari_unet.arrays.normalization.step import FittedStep, Step, step_from_dict, step_to_dict
from napari_unet.arrays.normalization.typical_object import TypicalObject
from napari_unet.errors import UnetError

Pairs = Sequence[tuple[float, float]]
STEPS = (Percentile, TypicalObject, InvertBrightBackground, Denoise, Compress)


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalization:
    """Steps that are fitted one after another, each on what the former ones leave, then applied in this order."""

    steps: tuple[Step, ...] = (Percentile(), Compress())
    joint: bool = True
    """Whether all channels are fitted as one, as the colours of a picture must be; else each by itself, so that
    a dim channel counts as much as a bright one."""
    others: tuple[tuple[Step, ...], ...] = ()
    """The steps of the second and later channels, where a user chose other ones for them; in no model file."""

    def __post_init__(self) -> None:
        if not isinstance(self.joint, bool):
            raise UnetError(f"channels are normalised jointly or not, true or false, got {self.joint!r}")

    def fit(self, blocks: Iterable[NDArray[Any]]) -> FittedNormalization:
        """Return the steps for an image in blocks of one dtype, (C, ...) where channels are fitted apart."""
        kept = [np.asarray(block) for block in blocks]
        return FittedNormalization.side_by_side(
            fit_steps(self.steps, Sample(group)) for group in self.groups(kept)
        )

    def groups(self, blocks: Sequence[NDArray[Any]]) -> list[list[NDArray[Any]]]:
        """Return the blocks that are fitted together: all of them, or those of each channel."""
        if self.joint or not blocks:
            return [list(blocks)]
        return [[block[number : number + 1] for block in blocks] for number in range(len(blocks[0]))]

    def steps_of(self, channel: int) -> tuple[Step, ...]:
        """Return the steps of a channel."""
        return (self.steps, *self.others)[channel] if self.others else self.steps

    def by_hand(self, ranges: Pairs | None = None, percentiles: Pairs | None = None) -> Normalization:
        """Return the steps with a range or percentiles that a user chose, one (low, high) or one a channel."""
        pairs = ranges or percentiles
        if not pairs:
            return self
        kind = GivenRange if ranges else Percentile
        first, *others = [self._scaled_by(kind(low=low, high=high)) for low, high in pairs]
        return replace(self, steps=first, others=tuple(others), joint=self.joint and not others)

    def _scaled_by(self, scale: Step) -> tuple[Step, ...]:
        """Return the steps with another one in the place of that which scales."""
        return tuple(scale if isinstance(step, Percentile | TypicalObject) else step for step in self.steps)

    @property
    def compression(self) -> float:
        """Return the factor of the logarithmic compression; 0 for none."""
        return next((step.factor for step in self.steps if isinstance(step, Compress)), 0.0)

    @property
    def scales_to_objects(self) -> bool:
        """Whether 1 is twice the brightness of typical objects."""
        return any(isinstance(step, TypicalObject) for step in self.steps)

    @property
    def inverts(self) -> bool:
        """Whether an image on a bright background is inverted."""
        return any(isinstance(step, InvertBrightBackground) for step in self.steps)

    @property
    def percentiles(self) -> tuple[float, float]:
        """Return the percentiles that come nearest to 0 and 1."""
        for step in self.steps:
            if isinstance(step, Percentile):
                return step.low, step.high
            if isinstance(step, TypicalObject):
                return step.low, MAX_PERCENTILE
        return 0.0, 100.0

    def without(self, kind: type[Step]) -> Normalization:
        """Return the list without steps of a kind."""
        return replace(self, steps=tuple(step for step in self.steps if not isinstance(step, kind)))

    def after_percentiles(self) -> Normalization:
        """Return what remains to be done for an image whose `percentiles` have been brought to 0 and 1 already."""
        starts_with_them = self.steps[:1] and isinstance(self.steps[0], Percentile)
        return replace(self, steps=self.steps[1:]) if starts_with_them else self

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"steps": [step_to_dict(step) for step in self.steps], "joint": self.joint}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Normalization:
        """Return what `to_dict` wrote, or a version before the steps; UnetError where it is neither."""
        options = translated(values) if is_former(values) else dict(values)
        steps = tuple(step_from_dict(step, STEPS) for step in options.pop("steps"))
        return cls(steps=steps, **options)


def fit_steps(steps: Iterable[Step], sample: Sample) -> FittedNormalization:
    """Return steps fitted one after another to a sample of one channel, or of several as one."""
    invalid, fitted = sample.invalid, list[FittedStep]()
    for step in steps:
        found = step.fit(sample)
        if found is not None:
            fitted.append(found)
            change = found.forget if isinstance(found, NeverImaged) else found.apply
            sample = sample.after(change, sign=-1 if isinstance(found, Invert) else 1)
    return FittedNormalization(channels=(tuple(fitted),), invalid=invalid)
