"""A part of what is found so far, for who watches a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MapPart:
    """A part of a plane's map: how likely objects are, times 255, or classes."""

    index: dict[str, int]
    """The plane, by axis."""
    box: dict[str, tuple[int, int]]
    """(start, stop) in pixels of the image, by axis."""
    values: NDArray[np.uint8]
    """With a pixel for each that the network saw, which its zoom may have made larger or smaller."""
