"""Objects that are known by the membranes between them, as neurites in electron microscopy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label
from skimage.morphology import remove_small_objects

SMALLEST = 64
"""Pixels up to which a gap between membranes is no object."""


def between_membranes(membranes: NDArray[Any]) -> NDArray[np.int32]:
    """Return the objects 1..n that membranes (not 0) part, tiny gaps left out; any dimensions."""
    parted = label(membranes == 0, connectivity=1)
    objects: NDArray[np.int32] = remove_small_objects(parted, max_size=SMALLEST).astype(np.int32)
    return objects
