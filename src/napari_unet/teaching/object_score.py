"""The score in objects: how many of the painted ones that were held out a model finds as one object each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import Plane
from napari_unet.arrays.boxes import Box, clusters
from napari_unet.arrays.found_objects import found_as_one
from napari_unet.arrays.per_axis import even_sides
from napari_unet.models.model import Model
from napari_unet.models.prediction_to_labels import kept_maps, read_map
from napari_unet.nets.prediction import Predictor, predict
from napari_unet.progress import Steps
from napari_unet.settings.prediction import PredictionSettings
from napari_unet.teaching.training_regions import TrainingRegion

MIN_OBJECTS = 10
"""Objects from which a share is worth an interval: of nine, all right, it still reaches down to 70 %."""
CONTEXT = 64
"""Pixels around painted objects that are segmented with them (`even_sides` in volumes): they are whole there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectScore:
    """How many of some painted objects the old and the new model find as one object."""

    painted: int
    before: int
    after: int

    @property
    def is_trusted(self) -> bool:
        """Whether there are enough objects to say what share of such objects is found."""
        return self.painted >= MIN_OBJECTS

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval of the share that the new model finds (Wilson, JASA 22:209, 1927)."""
        from scipy.stats import binomtest

        found = binomtest(self.after, self.painted).proportion_ci(method="wilson")
        return float(found.low), float(found.high)

    def counts(self, which: str) -> str:
        """Return the counts in words, for `which` objects."""
        return f"{self.after} of {self.painted} {which} found as one object ({self.before} before)"

    def share(self) -> str:
        """Return in words what the counts say of objects that were not painted."""
        if not self.is_trusted:
            return "too few to trust"
        low, high = self.interval
        return f"{low:.0%} to {high:.0%} of such objects"


def found_objects(model: Model, lessons: Sequence[TrainingRegion], device: str) -> Steps[NDArray[np.bool_]]:
    """Return (objects,) whether a model finds each painted object that is scored; one yield a tile.

    An object is scored where all that was painted of it is: none of its strokes taught the model.
    """
    predictor = Predictor(model.net, PredictionSettings(device=device))
    spec = model.spec
    per_pixel = math.prod(spec.zooms)
    thresholds = spec.instances.replace(min_size=round(spec.instances.min_size * per_pixel))
    context = [round(side) for side in even_sides(CONTEXT, spec.steps)]
    found: list[bool] = []
    for lesson in lessons:
        ids = scored_objects(lesson)
        said = lesson.annotation.labels
        plane = Plane.normalised(lesson.image, spec.axes)
        left = set(ids.tolist())
        for tight in clusters(np.isin(said, ids), [2 * side for side in context]) if len(ids) else ():
            box = _around(tight, said.shape, context, predictor.geometry.stride)
            maps = yield from predict(predictor, replace(plane, region=box), kept_maps(spec))
            labels = yield from read_map(maps[0], spec, thresholds)
            annotation = lesson.annotation
            here = replace(annotation, labels=said[box], annotated=annotation.annotated[box])
            right = found_as_one(labels, here)
            inside = sorted(left & set(np.unique(said[tight]).tolist()))
            left -= set(inside)
            found += right[inside].tolist()
    return np.array(found, bool)


def scored_objects(lesson: TrainingRegion) -> NDArray[np.intp]:
    """Return the ids of painted objects all of whose strokes are scored."""
    said, annotated = lesson.annotation.labels, lesson.annotation.annotated
    count = len(lesson.annotation.complete)
    painted = np.bincount(said[annotated], minlength=count)
    scored = np.bincount(said[annotated & lesson.scored], minlength=count)
    whole: NDArray[np.intp] = np.flatnonzero((painted > 0) & (scored == painted))
    return whole[whole > 0]


def _around(tight: Box, shape: tuple[int, ...], context: Sequence[int], stride: Sequence[int]) -> Box:
    """Return a box grown by what surrounds an object, from the pooling grid on."""
    return tuple(
        slice(max(0, side.start - more) // step * step, min(length, side.stop + more))
        for side, length, more, step in zip(tight, shape, context, stride, strict=True)
    )
