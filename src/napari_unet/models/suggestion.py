"""Which shipped model suits an image, guessed from its channels and how bright its ground is.

Thresholds separate every image of the training data by kind: fluorescence lies on a dark ground, inverted images
on a bright one, phase contrast is nearly uniform, electron microscopy is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

DARK, BRIGHT, UNIFORM, MEMBRANES = 0.22, 0.8, 0.16, 0.52


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What an image looks like, and the models for it, the likeliest first."""

    kind: str
    models: tuple[str, ...]


def suggest(sample: NDArray[Any], *, rgb: bool) -> Suggestion | None:
    """Return what suits an image; `sample` are some of its pixels, any shape. None where nothing can be said."""
    if rgb:
        return Suggestion("a colour picture of stained tissue", ("nuclei-histology",))
    values = sample[np.isfinite(sample)].astype(np.float64)
    low, high = np.percentile(values, (1, 99.8)) if values.size else (0.0, 0.0)
    if not high > low:
        return None
    scaled = (values - low) / (high - low)
    ground = float(np.median(scaled))
    if ground < DARK or ground > BRIGHT:
        return Suggestion("fluorescence", ("nuclei",))
    if float(scaled.std()) < UNIFORM:
        return Suggestion("phase contrast", ("cells-phase",))
    electron = ("em-membranes", "axons") if ground > MEMBRANES else ("axons", "em-membranes")
    return Suggestion("electron microscopy", electron)
