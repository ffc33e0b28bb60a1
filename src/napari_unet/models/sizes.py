"""How large the objects of an image are, as a model sees them, and the zoom at which it knows them best."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import Plane
from napari_unet.arrays.tiling import Box
from napari_unet.arrays.zoom import Zoomed, fitting_zoom, typical_diameter
from napari_unet.models.prediction_to_labels import grid_step, kept_maps, read_map
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.prediction import Predictor, predict
from napari_unet.progress import Steps, indeterminate

LOOKS = (0.125, 0.25, 0.5, 1.0)
"""Zooms at which an image is looked at, one after another, until something is seen: large objects fall into parts
where they are looked at closely, and far away small ones vanish rather than look large."""
MEASURING = "Measuring objects"
SIDE = 512
"""Of a window that is looked at, in pixels that the network sees."""
WINDOWS = (1 / 3, 2 / 3)
"""Where windows lie: as shares of the way through the planes and along each axis."""
MIN_OBJECTS = 4
"""So many objects tell a size."""
MAX_SIZE_RATIO = 1.3
"""By how much two looks may differ that agree: from afar a cluster looks like one large object."""
MIN_DIAMETER = 8.0
"""Smaller objects, in pixels that the network sees, are looked at more closely."""
MIN_SHRINK_PROBABILITY, MIN_ENLARGE_PROBABILITY = 0.7, 0.58
"""Mean probability of the pixels of objects from which a size is believed: to shrink an image, to enlarge it."""


def choose_zoom(planes: Sequence[Plane], predictor: Predictor, spec: ModelSpec) -> Steps[float]:
    """Return the zoom at which a model is to see an image, from a few windows of it; one yield a tile.

    To be shrunk, an image must show objects of one size to two looks, the second one closer. What it is worth is
    measured in docs/explanation/sizes.md.
    """
    if spec.sizes is None:
        return spec.zoom
    former: float | None = None
    for look in LOOKS:
        areas, certainty = yield from _look(planes, predictor, spec, look)
        diameter = typical_diameter(areas) / look
        enough = len(areas) >= MIN_OBJECTS
        if enough and certainty >= MIN_SHRINK_PROBABILITY and diameter >= MIN_DIAMETER / look:
            zoom = fitting_zoom(diameter, spec.sizes)
            if zoom == 1 or (former and 1 / MAX_SIZE_RATIO <= diameter / former <= MAX_SIZE_RATIO):
                return zoom
            former = diameter
        else:
            former = None
    return max(1.0, fitting_zoom(diameter, spec.sizes)) if enough and certainty >= MIN_ENLARGE_PROBABILITY else 1.0


def _look(
    planes: Sequence[Plane], predictor: Predictor, spec: ModelSpec, look: float
) -> Steps[tuple[NDArray[np.intp], float]]:
    """Return the areas of objects seen at a zoom, in pixels that the network sees, and their mean probability."""
    areas: list[NDArray[np.intp]] = [np.zeros(0, np.intp)]
    light = 0.0
    for plane in _windows(planes, look, grid_step(predictor, look)):
        seen = yield from indeterminate(
            predict(predictor, Zoomed(plane=plane, zoom=look), kept_maps(spec)), MEASURING
        )
        labels = yield from indeterminate(read_map(seen[0], spec), MEASURING)
        areas.append(np.bincount(labels[labels > 0]))
        light += float(seen[0][labels > 0].sum())
    found = np.concatenate(areas)
    return found[found > 0], light / 255 / max(int(found.sum()), 1)


def _windows(planes: Sequence[Plane], look: float, step: int) -> Iterator[Plane]:
    """Yield planes cut to windows that differ; none of images smaller than a few steps of the grid."""
    if min(planes[0].whole_shape) < 3 * step:
        return
    side = round(SIDE / look)
    former: tuple[int, ...] | None = None
    for share in WINDOWS:
        number = round(share * (len(planes) - 1))
        plane = planes[number]
        starts = tuple(round(share * max(0, length - side)) // step * step for length in plane.whole_shape)
        place = (number * side, *starts)  # another plane counts as far away
        if former is not None and math.dist(place, former) < side / 2:
            return
        former = place
        box: Box = tuple(
            slice(start, min(length, start + side))
            for start, length in zip(starts, plane.whole_shape, strict=True)
        )
        yield replace(plane, region=box)
