"""Bounding boxes of objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from numpy.typing import NDArray

from napari_unet.arrays.boxes import Box, bounding_box, union
from napari_unet.arrays.object_ids import ObjectIds

MAX_COMPARED = 8
"""Objects that are looked for one by one: comparing all pixels with an id takes a tenth of counting all ids."""


def boxes_of(labels: NDArray[Any], ids: Sequence[int] | NDArray[Any]) -> Iterator[tuple[Box, int]]:
    """Yield the bounding box of each of some objects, and its id; those that are not there are left out."""
    if len(ids) <= MAX_COMPARED:
        for number in dict.fromkeys(int(number) for number in ids):
            if (box := bounding_box(labels == number)) is not None:
                yield box, number
        return
    from scipy import ndimage

    known = ObjectIds.of(labels, ids)
    for number, box in zip(known.ids.tolist(), ndimage.find_objects(known.places(labels) + 1), strict=True):
        yield box, number


def box_around(labels: NDArray[Any], ids: Sequence[int] | NDArray[Any]) -> Box | None:
    """Return a box that holds some objects, that of the whole image for many; None where none of them is there."""
    if len(ids) > MAX_COMPARED:
        return tuple(slice(0, length) for length in labels.shape)
    boxes = [box for box, _ in boxes_of(labels, ids)]
    return union(boxes) if boxes else None
