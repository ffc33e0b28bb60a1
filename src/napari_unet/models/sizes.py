"""How large the objects of an image are, as a model sees them, and the zoom at which it knows them best."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import Plane
from napari_unet.arrays.boxes import Box
from napari_unet.arrays.per_axis import even_sides
from napari_unet.arrays.typical_size import is_alike, object_extents, typical_extents
from napari_unet.arrays.zoom import Zoomed, Zooms, fitting_zoom
from napari_unet.models.prediction_to_labels import grid_steps, kept_maps, read_map
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.prediction import Predictor, predict
from napari_unet.progress import Steps, indeterminate
from napari_unet.settings.zooms import ZOOMS

LOOKS = (0.125, 0.25, 0.5, 1.0)
"""Zooms at which an image is looked at, one after another, until something is seen: large objects fall into parts
where they are looked at closely, and far away small ones vanish rather than look large."""
MEASURING = "Measuring objects"
SIDE = 512
"""Of a window that is looked at, in pixels that the network sees; of a volume `even_sides` of so many."""
MIN_PLANES = 32
"""So many planes of a volume are left where it is looked at from afar: fewer show no object whole."""
IN_PLANE = "YX"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is seen of an image at a zoom."""

    zoom: Zooms
    extents: tuple[float, ...]
    """Of the typical object along each axis, in pixels of the image."""
    objects: int
    certainty: float
    """Mean probability of the pixels of objects."""

    def is_believed(self, probability: float) -> bool:
        """Whether there are enough objects of so high a mean probability."""
        return self.objects >= MIN_OBJECTS and self.certainty >= probability

    def is_close(self, spec: ModelSpec) -> bool:
        """Whether the typical object is large enough for the network along each axis that can be seen closer."""
        sides = zip(self.extents, self.zoom, spec.steps, strict=True)
        return all(extent >= MIN_DIAMETER / zoom / step for extent, zoom, step in sides if zoom < max(LOOKS))

    def fitting(self, spec: ModelSpec) -> Zooms:
        """Return the zoom that brings the typical object to a size that the model knows, each axis by itself."""
        smallest, largest = spec.sizes or (0.0, math.inf)
        return tuple(
            fitting_zoom(extent, (smallest / step, largest / step))
            for extent, step in zip(self.extents, spec.steps, strict=True)
        )


def choose_zoom(planes: Sequence[Plane], predictor: Predictor, spec: ModelSpec) -> Steps[Zooms]:
    """Return the zoom at which a model is to see an image, from a few windows of it; one yield a tile.

    An image is shrunk where two looks, the second one closer, show objects of one size. Measured in
    docs/explanation/sizes.md.
    """
    if spec.sizes is None:
        return spec.zooms
    own = (1.0,) * len(spec.axes)
    former: tuple[float, ...] | None = None
    for zoom in LOOKS:
        look = yield from _look(planes, predictor, spec, _kept_deep(planes[0], zoom))
        if look.is_believed(MIN_SHRINK_PROBABILITY) and look.is_close(spec):
            fitting = look.fitting(spec)
            if fitting == own or (former and is_alike(look.extents, former, MAX_SIZE_RATIO)):
                return fitting
            former = look.extents
        else:
            former = None
    if look.is_believed(MIN_ENLARGE_PROBABILITY):
        return tuple(max(1.0, zoom) for zoom in look.fitting(spec))
    return own


def _kept_deep(plane: Plane, zoom: float) -> Zooms:
    """Return a zoom per axis that leaves a volume `MIN_PLANES`, or all that it has."""
    return tuple(
        zoom
        if axis in IN_PLANE
        else next(one for one in ZOOMS if one == 1 or (one >= zoom and length * one >= MIN_PLANES))
        for axis, length in zip(plane.spatial, plane.whole_shape, strict=True)
    )


def _look(planes: Sequence[Plane], predictor: Predictor, spec: ModelSpec, zoom: Zooms) -> Steps[Look]:
    """Return what is seen of the objects of a few windows at a zoom."""
    seen_counts, seen_extents = [np.zeros(0, np.intp)], [np.zeros((0, len(zoom)))]
    light = 0.0
    sides = [round(side / one) for side, one in zip(even_sides(SIDE, spec.steps), zoom, strict=True)]
    for plane in _windows(planes, sides, grid_steps(predictor, zoom)):
        seen = yield from indeterminate(
            predict(predictor, Zoomed(plane=plane, zoom=zoom), kept_maps(spec)), MEASURING
        )
        labels = yield from indeterminate(read_map(seen[0], spec), MEASURING)
        counts, extents = object_extents(labels)
        seen_counts.append(counts)
        seen_extents.append(extents)
        light += float(seen[0][labels > 0].sum())
    found = np.concatenate(seen_counts)
    typical = typical_extents(found, np.concatenate(seen_extents))
    return Look(
        zoom=zoom,
        extents=tuple(extent / one for extent, one in zip(typical, zoom, strict=True)),
        objects=len(found),
        certainty=light / 255 / max(int(found.sum()), 1),
    )


def _windows(planes: Sequence[Plane], sides: Sequence[int], steps: Sequence[int]) -> Iterator[Plane]:
    """Yield planes cut to windows that differ; none of images smaller than a few steps of the grid."""
    shape = planes[0].whole_shape
    if any(
        length < 3 * step
        for axis, length, step in zip(planes[0].spatial, shape, steps, strict=True)
        if axis in IN_PLANE  # a volume may be thin
    ):
        return
    former: NDArray[np.float64] | None = None
    for share in WINDOWS:
        number = round(share * (len(planes) - 1))
        starts = [
            round(share * max(0, length - side)) // step * step
            for length, side, step in zip(shape, sides, steps, strict=True)
        ]
        place = np.array([number, *np.divide(starts, sides)])  # another plane counts as far away
        if former is not None and np.linalg.norm(place - former) < 1 / 2:
            return
        former = place
        box: Box = tuple(
            slice(start, min(length, start + side))
            for start, length, side in zip(starts, shape, sides, strict=True)
        )
        yield replace(planes[number], region=box)
