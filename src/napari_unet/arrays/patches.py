"""Where training patches are drawn: a density over the pixels, as Falk et al. 2019 draw their tiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchDensity:
    """How likely a pixel of each kind is to become the centre of a patch, relative to foreground."""

    background: float = 0.1


class PatchCentres:
    """Draws patch centres in one labelled image: foreground 1, background 0.1, never where nothing is known."""

    def __init__(
        self,
        labels: NDArray[Any],
        *,
        annotated: NDArray[np.bool_] | None = None,
        density: PatchDensity | None = None,
    ) -> None:
        self.shape = labels.shape
        known = np.ones(labels.shape, bool) if annotated is None else annotated
        self._foreground = np.flatnonzero((labels > 0) & known).astype(np.int64)
        self._background = np.flatnonzero((labels == 0) & known).astype(np.int64)
        share = len(self._background) * (density or PatchDensity()).background
        total = len(self._foreground) + share
        self._foreground_probability = len(self._foreground) / total if total else 0.0

    @property
    def count(self) -> int:
        """Return how many pixels a centre may fall on."""
        return len(self._foreground) + len(self._background)

    def draw(self, rng: np.random.Generator) -> tuple[int, ...]:
        """Return one centre, a pixel position in array order."""
        assert self.count, "no pixel of this image is annotated"
        pixels = self._foreground if rng.random() < self._foreground_probability else self._background
        if len(pixels) == 0:
            pixels = self._foreground if len(self._foreground) else self._background
        return tuple(int(i) for i in np.unravel_index(pixels[rng.integers(len(pixels))], self.shape))
