"""One id painted in places far apart: a slip of the brush, as no object is in two places."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.boxes import Box, merge_nearby, moved

MAX_GAP = 20
"""Pixels between places of one id beyond which it cannot be one object, unless the places are larger."""


def ids_in_several_places(instances: NDArray[Any]) -> dict[int, list[Box]]:
    """Return the ids that were painted in places far apart, with the box of each group of places.

    Pieces belong together where the gap between them is at most `MAX_GAP` px or the size of the larger one:
    strokes across one object are, the same id used for two objects is not.
    """
    from scipy import ndimage

    found = {}
    for number, box in enumerate(ndimage.find_objects(instances), start=1):
        if box is None:
            continue
        pieces, count = ndimage.label(instances[box] == number, np.ones((3,) * instances.ndim))
        groups = merge_nearby(ndimage.find_objects(pieces), _reach) if count > 1 else []
        if len(groups) > 1:
            found[number] = [moved(group, box) for group in groups]
    return found


def split_scattered(instances: NDArray[Any]) -> NDArray[Any]:
    """Return the instances with every far place of an id under an id of its own, beyond the highest."""
    places = ids_in_several_places(instances)
    if not places:
        return instances
    split, highest = instances.copy(), int(instances.max())
    for number, boxes in places.items():
        for box in boxes[1:]:
            highest += 1
            part = split[box]
            part[part == number] = highest
    return split


def _reach(sizes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return how far from a place of some size the same object may have another one."""
    return np.maximum(sizes, MAX_GAP)
