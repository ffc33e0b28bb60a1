"""One id painted in places far apart: a slip of the brush, as no object is in two places."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Box = tuple[slice, ...]
FAR = 20
"""Pixels between places of one id beyond which it cannot be one object, unless the places are larger."""


def scattered(instances: NDArray[Any]) -> dict[int, list[Box]]:
    """Return the ids that were painted in places far apart, with the box of each group of places.

    Pieces belong together where the gap between them is at most `FAR` px or the size of the larger one: strokes
    across one object are, the same id used for two objects is not.
    """
    found = {}
    for number, box in enumerate(ndimage.find_objects(instances), start=1):
        if box is None:
            continue
        pieces, count = ndimage.label(instances[box] == number, np.ones((3,) * instances.ndim))
        groups = _groups(ndimage.find_objects(pieces)) if count > 1 else []
        if len(groups) > 1:
            found[number] = [_moved(group, box) for group in groups]
    return found


def split_scattered(instances: NDArray[Any]) -> NDArray[Any]:
    """Return the instances with every far place of an id under an id of its own, beyond the highest."""
    places = scattered(instances)
    if not places:
        return instances
    split, highest = instances.copy(), int(instances.max())
    for number, boxes in places.items():
        for box in boxes[1:]:
            highest += 1
            part = split[box]
            part[part == number] = highest
    return split


def _groups(boxes: list[Box]) -> list[Box]:
    """Return boxes joined with those near them."""
    groups: list[Box] = []
    for box in boxes:
        joined = box
        while near := [group for group in groups if _gap(group, joined) <= max(FAR, _size(group), _size(joined))]:
            groups = [group for group in groups if group not in near]
            joined = tuple(
                slice(min(side.start for side in sides), max(side.stop for side in sides))
                for sides in zip(joined, *near, strict=True)
            )
        groups.append(joined)
    return groups


def _moved(box: Box, by: Box) -> Box:
    return tuple(
        slice(side.start + origin.start, side.stop + origin.start) for side, origin in zip(box, by, strict=True)
    )


def _gap(one: Box, other: Box) -> int:
    return int(max(max(a.start - b.stop, b.start - a.stop, 0) for a, b in zip(one, other, strict=True)))


def _size(box: Box) -> int:
    return int(max(side.stop - side.start for side in box))
