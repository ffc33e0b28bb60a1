"""The plane that the window shows, as a model of volumes sees it: bodies that it cuts are found whole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_unet.arrays.axes import Region

if TYPE_CHECKING:
    from napari_unet.models.spec import ModelSpec

USUAL_DEPTH = 8
"""Planes that the network sees on either side of the shown one, where the model does not know the size of objects:
a nucleus of 16 px, as `nuclei-3d` sees them, is whole where the plane cuts its middle."""


def planes_beside(spec: ModelSpec | None, axes: str) -> int:
    """Return how many planes of the image on either side of the shown one must be segmented with it.

    `axes` are those of a new network, where there is no `spec`; a model of planes needs none.
    """
    if "Z" not in (spec.axes if spec is not None else axes):
        return 0
    if spec is None:
        return USUAL_DEPTH
    depth = USUAL_DEPTH if spec.sizes is None else math.ceil(spec.sizes[1] / spec.steps[0])
    return math.ceil(depth / spec.zooms[0])


def times_the_plane(spec: ModelSpec | None, axes: str) -> float:
    """Return how many times as much as a plane is segmented to show one."""
    share = 1.0 if spec is None or "Z" not in spec.axes else math.prod(spec.zooms)
    return max(1.0, (2 * planes_beside(spec, axes) + 1) * share)


def with_planes_beside(region: Region, spec: ModelSpec, axes: str, shape: Sequence[int]) -> Region:
    """Return a region with the planes around it that a model of volumes needs; others as they are."""
    beside = planes_beside(spec, spec.axes)
    if not beside or "Z" not in region:
        return region
    (low, high), length = region["Z"], shape[axes.index("Z")]
    if high <= 0 or low >= length:
        return region
    return {**region, "Z": (max(0, low - beside), min(length, high + beside))}
