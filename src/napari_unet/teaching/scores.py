"""Scores of a model on painted pixels, and the weight of the anchor that follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import Plane
from napari_unet.arrays.boxes import clusters
from napari_unet.arrays.neighbours import ridge
from napari_unet.arrays.per_axis import even_sides
from napari_unet.models.certainty import HALF_PROBABILITY, UNKNOWN_CERTAINTY
from napari_unet.models.model import Model
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.prediction import Predictor, Result, predict
from napari_unet.progress import Steps
from napari_unet.settings.prediction import PredictionSettings
from napari_unet.teaching.training_regions import TrainingRegion

SURE_STROKES = 30
"""Strokes that count as right in advance for a model whose objects have a mean probability of 1."""
MAX_ANCHOR = 10.0
"""The highest weight of the anchor: with more, ten corrections of a known kind change nothing."""
MIN_GAP = 128
"""Pixels between strokes that are predicted one by one for a score: what lies between would cost more."""


def anchor_weight(lessons: Sequence[TrainingRegion], spec: ModelSpec) -> float:
    """Return the anchor's weight: the number of strokes on which the previous model is right per wrong one.

    The model starts with a prior of one right stroke. Each stroke counts as right by the model's IoU of objects on
    all painted pixels. Up to `SURE_STROKES` more are right by the model's certainty of the objects that it finds,
    as networks are less certain of what they never saw (Hendrycks and Gimpel, ICLR 2017). So a few erased false
    objects leave the anchor strong, and objects that the model does not see at all make it weak.
    """
    count = len(spec.classes) if spec.is_semantic else 2
    table = np.zeros((count, count), np.int64)
    sure: list[float] = []
    for lesson in lessons:
        if lesson.previous is None:
            continue
        painted, said, answer = lesson.annotation.annotated, lesson.annotation.labels, lesson.previous
        found = answer.argmax(0) if spec.is_semantic else answer[0] < HALF_PROBABILITY
        truth = said if spec.is_semantic else said > 0
        np.add.at(table, (truth[painted].astype(int), found[painted].astype(int)), 1)
        objects = answer[0] < HALF_PROBABILITY
        sure.append(1 - float(answer[0][objects].mean()) / 255 if objects.any() else 0.0)
    strokes = sum(lesson.held_out.count for lesson in lessons)
    right = mean_iou(table, first=1)
    above = max(0.0, (float(np.mean(sure)) if sure else 0.0) - UNKNOWN_CERTAINTY)
    granted = 1 + SURE_STROKES * above / (1 - UNKNOWN_CERTAINTY)
    against = strokes * (1 - right)
    return min((granted + strokes * right) / max(against, 1e-6), MAX_ANCHOR)


def stroke_tables(model: Model, lessons: Sequence[TrainingRegion], device: str) -> Steps[NDArray[np.int64]]:
    """Return the pixels of every scored stroke as a table (truth, found), (strokes, K, K); one yield a tile.

    Truth and found are background and object, or the classes of a semantic model.
    """
    predictor = Predictor(model.net, PredictionSettings(device=device))
    spec, stride = model.spec, predictor.geometry.stride
    count = len(spec.classes) if spec.is_semantic else 2
    apart = [round(side) for side in even_sides(MIN_GAP, spec.steps)]
    kept = Result(kind="classes") if spec.is_semantic else Result(levels=(0.0, *(1.0,) * (len(spec.classes) - 1)))
    tables = [np.zeros((lesson.held_out.count + 1, count, count), np.int64) for lesson in lessons]
    for lesson, table in zip(lessons, tables, strict=True):
        said, wanted, strokes = lesson.annotation.labels, lesson.scored, lesson.held_out.strokes
        truth = said if spec.is_semantic else (said > 0) & ~ridge(said)
        plane = Plane.normalised(lesson.image, spec.axes)
        for tight in clusters(wanted, apart):
            # from the pooling grid on, as everywhere: a prediction must not depend on where a box begins
            box = tuple(
                slice(side.start // step * step, side.stop) for side, step in zip(tight, stride, strict=True)
            )
            answer = (yield from predict(predictor, replace(plane, region=box), kept))[0]
            found = answer if spec.is_semantic else answer >= HALF_PROBABILITY
            scored = wanted[box]
            pairs = truth[box][scored].astype(int), found[scored].astype(int)
            np.add.at(table, (strokes[box][scored], *pairs), 1)
    scored_tables = np.concatenate([*tables, np.zeros((0, count, count), np.int64)])
    found_pixels: NDArray[np.int64] = scored_tables[scored_tables.any(axis=(1, 2))]
    return found_pixels


def mean_iou(table: NDArray[Any], first: int = 0) -> float:
    """Return the mean IoU of the classes from `first` on that occur in a table of pixels (truth, found).

    0 where none of them occurs.
    """
    union = (table.sum(0) + table.sum(1) - np.diag(table))[first:]
    both = np.diag(table)[first:]
    return float(np.mean(both[union > 0] / union[union > 0])) if union.any() else 0.0
