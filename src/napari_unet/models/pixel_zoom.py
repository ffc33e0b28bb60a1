"""The zoom at which a model sees an image, where both know how large a pixel is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.models.spec import ModelSpec
from napari_unet.settings.zooms import ZOOMS

SQUARE = math.sqrt(2)
"""Pixels that are longer than wide by less than this factor are zoomed alike: no power of 2 makes them square."""
SAME_SIZE_RATIO = 1.1
"""Pixel sizes that differ by less than this factor count as one: they are stated with two digits at least."""


def zoom_of_pixels(size: PixelSize | None, spec: ModelSpec) -> tuple[float, ...] | None:
    """Return the zoom per axis whose pixels come nearest to those that a model learnt, None where it is unknown.

    Each axis is zoomed by itself, so that planes which lie far apart are not joined as pixels within them are; one
    whose size is unknown stays as it is, but both Y and X must be known. A scale without a unit is none that can
    be relied on.
    """
    if size is None or not size.stated or spec.pixel_size is None:
        return None
    learnt = dict(zip(spec.axes, spec.pixel_size, strict=False))
    ratios = {axis: (size.get(axis) or 0) / one for axis, one in learnt.items()}
    if not (ratios.get("Y") and ratios.get("X")):
        return None
    ratios |= _square(ratios["Y"], ratios["X"])
    return tuple(nearest_zoom(ratios.get(axis) or 1.0) for axis in spec.axes)


def _square(y: float, x: float) -> dict[str, float]:
    """Return the ratios of Y and X, their geometric mean where they differ by little: objects keep their shape."""
    if max(y, x) >= SQUARE * min(y, x):
        return {"Y": y, "X": x}
    return dict.fromkeys("YX", math.sqrt(y * x))


def nearest_zoom(zoom: float) -> float:
    """Return the zoom on offer that is nearest to any zoom above 0, by their ratio."""
    return min(ZOOMS, key=lambda known: abs(math.log(known / zoom)))


def common_pixel_size(sizes: Iterable[PixelSize | None], axes: str) -> tuple[float, ...] | None:
    """Return um per axis that all images have, their geometric mean; None where one has none, or another one."""
    found: list[Sequence[float]] = []
    for size in sizes:
        known = [None if size is None or not size.stated else size.get(axis) for axis in axes]
        if None in known:
            return None
        found.append([one for one in known if one is not None])
    if not found or any(max(side) > SAME_SIZE_RATIO * min(side) for side in zip(*found, strict=True)):
        return None
    return tuple(
        round(math.exp(math.fsum(map(math.log, side)) / len(side)), 6) for side in zip(*found, strict=True)
    )
