"""Where training patches are drawn: a density over the pixels, as Falk et al. 2019 draw their tiles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BACKGROUND = 0.1
"""How likely a pixel of background is to become the centre of a patch, beside 1 of foreground."""


class PatchCentres:
    """Draws patch centres in one labelled image: foreground ten times as likely as background."""

    def __init__(self, labels: NDArray[Any]) -> None:
        self.shape = labels.shape
        self._foreground, self._background = np.flatnonzero(labels > 0), np.flatnonzero(labels == 0)
        on_foreground = len(self._foreground)
        self._chance = on_foreground / (on_foreground + BACKGROUND * len(self._background))

    def draw(self, rng: np.random.Generator) -> tuple[int, ...]:
        """Return one centre, a pixel position in array order."""
        pixels = self._foreground if rng.random() < self._chance else self._background
        return tuple(int(i) for i in np.unravel_index(pixels[rng.integers(len(pixels))], self.shape))
