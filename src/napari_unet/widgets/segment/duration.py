"""How long a run took: by that the next one is forecast."""

from __future__ import annotations

import time
from dataclasses import dataclass

from napari_unet.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """How long a run takes, in seconds."""

    fixed: float
    """Reading and measuring, which depend little on the size of the image."""
    tiles: float
    """Predicting and separating objects, which grow with the pixels."""


class Stopwatch:
    """Times a run once PyTorch and the model are there: what comes before the tiles, and the tiles."""

    def __init__(self) -> None:
        self._began = self._measured = time.monotonic()
        self._tiles_began = False

    def see(self, progress: Progress) -> Progress:
        """Note when the last of what is no tile was done: reading, measuring intensities and objects."""
        self._tiles_began |= bool(progress.total)
        if not self._tiles_began:
            self._measured = time.monotonic()
        return progress

    def duration(self) -> Duration:
        """Return how long it took, now that all is done."""
        return Duration(fixed=self._measured - self._began, tiles=time.monotonic() - self._measured)
