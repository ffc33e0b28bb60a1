"""Boxes of pixels: how far apart two are, and which belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from napari_unet.arrays.tiling import Box


def gap_between(one: Box, other: Box) -> int:
    """Return the pixels between two boxes along the axis on which they are farthest apart, 0 where they meet."""
    return int(max(max(a.start - b.stop, b.start - a.stop, 0) for a, b in zip(one, other, strict=True)))


def moved(box: Box, by: Box) -> Box:
    """Return a box of a part of an array as a box of the array; the part begins where `by` does."""
    return tuple(
        slice(side.start + origin.start, side.stop + origin.start) for side, origin in zip(box, by, strict=True)
    )


def joined(boxes: Iterable[Box], are_near: Callable[[Box, Box], bool]) -> list[Box]:
    """Return boxes around those that are near one another, until no two of them are."""
    apart: list[Box] = []
    for box in boxes:
        grown = box
        while near := [other for other in apart if are_near(other, grown)]:
            apart = [other for other in apart if other not in near]
            grown = tuple(
                slice(min(side.start for side in sides), max(side.stop for side in sides))
                for sides in zip(grown, *near, strict=True)
            )
        apart.append(grown)
    return apart
