"""The zoom at which a model sees an image, where both know how large a pixel is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.models.spec import ModelSpec
from napari_unet.settings.zooms import ZOOMS

IN_PLANE = "YX"
"""The axes that decide: planes of a stack lie further apart than pixels, and no zoom changes that."""
ALIKE = 1.1
"""Pixel sizes that differ by less than this factor count as one: they are stated with two digits at least."""


def zoom_of_pixels(size: PixelSize | None, spec: ModelSpec) -> float | None:
    """Return the zoom whose pixels come nearest to those that a model learnt, None where either is unknown.

    Of pixels that are longer than wide the geometric mean counts, as a zoom is that of all axes. A scale without
    a unit is none that can be relied on.
    """
    if size is None or not size.stated or spec.pixel_size is None:
        return None
    learnt = dict(zip(spec.axes, spec.pixel_size, strict=False))
    here = [size.get(axis) for axis in IN_PLANE]
    if any(one is None for one in here) or not set(IN_PLANE) <= learnt.keys():
        return None
    ratio = math.prod(one for one in here if one) / math.prod(learnt[axis] for axis in IN_PLANE)
    return nearest_zoom(math.sqrt(ratio))


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
    if not found or any(max(side) > ALIKE * min(side) for side in zip(*found, strict=True)):
        return None
    return tuple(
        round(math.exp(math.fsum(map(math.log, side)) / len(side)), 6) for side in zip(*found, strict=True)
    )
