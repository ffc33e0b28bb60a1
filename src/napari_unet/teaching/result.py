"""The result of fine-tuning: a model, whether it is better by more than chance, and the sentence that says so."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from napari_unet.arrays.strokes import MIN_STROKES
from napari_unet.models.model import Model
from napari_unet.settings.zooms import zoom_text
from napari_unet.teaching.object_score import ObjectScore
from napari_unet.teaching.scores import mean_iou
from napari_unet.words import counted

SEED_SPREAD = 0.15
"""How much the IoU on one held-out stroke changes by chance; of n strokes by 1 / sqrt(n) of it."""
Z = 1.64
"""Standard errors that a gain must exceed: one-sided 95 %."""
RESAMPLES = 500
"""Of the bootstrap: its standard error is then known to 3 %."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reached:
    """Where learning ended, better or not: another one can go on from there."""

    start: str
    """What tells the model with which it began from others, see `identity_of`."""
    weights: dict[str, Tensor]
    """The running average of the network's, unlike those that are kept because they did best."""
    taught: NDArray[np.float64]
    """How the painted pixels of the last steps were answered, see `TaughtPixels`."""
    iterations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuneResult:
    """The new model, its score and that of the old one, and how far chance alone moves the difference."""

    model: Model
    before: float
    after: float
    """Mean IoU of the classes on the scored pixels, of the old and of the new model."""
    spread: float = 0.0
    """Standard error of `after - before` over the scored strokes, see `paired_spread`."""
    held_out: bool
    """Whether those pixels were kept from training; False where there were too few strokes to keep any."""
    pixels: int
    strokes: int
    """How much was scored."""
    iterations: int
    seconds: float
    objects: ObjectScore | None = None
    """Of the scored objects, how many are found; None for classes, and where no whole object is scored."""
    history: tuple[dict[str, float], ...] = ()
    remark: str = ""
    reached: Reached | None = field(default=None, repr=False)
    """Where learning ended; None where its numbers were none any more."""

    @property
    def verdict(self) -> Literal["better", "worse", "too close to tell"]:
        """Return how the new model compares with the old one: the one rule of panel, command line and Python.

        With n scored strokes the gain `after - before` has the standard error sqrt(spread^2 + SEED_SPREAD^2 / n):
        other strokes might have been held out, another seed would have given other weights. A gain or loss
        counts from 1.64 standard errors on.
        """
        error = math.hypot(self.spread, SEED_SPREAD / math.sqrt(max(self.strokes, 1)))
        gain = self.after - self.before
        if abs(gain) <= Z * error:
            return "too close to tell"
        return "better" if gain > 0 else "worse"

    @property
    def improved(self) -> bool:
        """Whether the new model is better by more than chance."""
        return self.verdict == "better"

    def sentence(self) -> str:
        """Return the outcome in words: in objects where whole ones are scored, else in pixels."""
        word = {"better": "better", "worse": "not better: the old model stays"}.get(
            self.verdict, "too close to tell: the old model stays"
        )
        text = f"{self._scores()}; {word}."
        if not self.held_out:
            text += f" Too few to trust: paint at least {MIN_STROKES} strokes."
        elif self.verdict == "too close to tell":
            text += f" Only {counted(self.strokes, 'stroke')} scored: paint more."
        if self.model.spec.zoom != 1:
            text += f" The new model sees every image at {zoom_text(self.model.spec.zoom)}."
        return f"{text} {self.remark}".strip()

    def details(self) -> str:
        """Return the score in pixels, by which the verdict is found, where the sentence does not hold it."""
        return "" if self.objects is None else f"{self._pixels()}."

    def _scores(self) -> str:
        if self.objects is None:
            return self._pixels()
        counts = self.objects.counts(self._which("objects"))
        return f"{counts}, {self.objects.share()}" if self.held_out else counts

    def _pixels(self) -> str:
        digits = 2 if round(self.before, 2) != round(self.after, 2) else 3
        scores = f"{self.before:.{digits}f} before, {self.after:.{digits}f} after"
        return f"Pixel IoU on {self._which('strokes')}: {scores}"

    def _which(self, things: str) -> str:
        return f"held-out {things}" if self.held_out else f"painted {things} (none could be held out)"


def paired_spread(before: NDArray[np.int64], after: NDArray[np.int64]) -> float:
    """Return the standard error of the gain in mean IoU over strokes, by a paired bootstrap.

    Both are tables of the same strokes (n, K, K), as `stroke_tables` returns them. Each resample draws strokes of
    every class with replacement, the same ones for both models.
    """
    classes = before.sum(axis=2).argmax(axis=1)
    groups = [np.flatnonzero(classes == value) for value in np.unique(classes)]
    rng = np.random.default_rng(0)
    gains = []
    for _ in range(RESAMPLES if groups else 0):
        drawn = np.concatenate([rng.choice(group, len(group)) for group in groups])
        gains.append(mean_iou(after[drawn].sum(axis=0)) - mean_iou(before[drawn].sum(axis=0)))
    return float(np.std(gains)) if gains else 0.0
