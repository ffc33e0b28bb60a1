"""Marks: how right a model is on what was painted, and how far it may be believed elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.annotations import annotated_box
from napari_unet.arrays.axes import Plane
from napari_unet.arrays.boundary_weights import ridge
from napari_unet.arrays.tiling import Box
from napari_unet.models.model import Model
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.prediction import PredictionSettings, Predictor, Result, predict
from napari_unet.progress import finish
from napari_unet.teaching.lessons import HALF, Lesson

UNKNOWN, KNOWN = 0.25, 0.75
"""Mean IoU on strokes of a model that does not know, and of one that knows the kind of image."""


def trust(lessons: Sequence[Lesson], spec: ModelSpec) -> float:
    """Return how far the previous model may be believed where nobody painted, 0..1.

    That is the mean of how right it was on the strokes, and of one more that is given to it for granted. Right is
    its mean IoU on all painted pixels, of which all below `UNKNOWN` counts as nothing: so much gets a model that
    calls everything background. Corrections at the rims of right objects leave it trusted; objects that it does
    not see at all do not.
    """
    count = len(spec.classes) if spec.is_semantic else 2
    table = np.zeros((count, count), np.int64)
    for lesson in lessons:
        if lesson.previous is None:
            continue
        painted, said, answer = lesson.annotation.annotated, lesson.annotation.labels, lesson.previous
        found = answer.argmax(0) if spec.is_semantic else answer[0] < HALF
        truth = said if spec.is_semantic else said > 0
        np.add.at(table, (truth[painted].astype(int), found[painted].astype(int)), 1)
    strokes = sum(lesson.held_out.count for lesson in lessons)
    right = min(max((mean_iou(table) - UNKNOWN) / (KNOWN - UNKNOWN), 0.0), 1.0)
    return (1 + strokes * right) / (1 + strokes)


def score_lessons(model: Model, lessons: Sequence[Lesson], device: str, *, everything: bool = False) -> float:
    """Return the mean IoU of background and objects (or of all classes) over the scored pixels of all lessons.

    Scored are held-out strokes, or `everything` that was painted.
    """
    predictor = Predictor(model.net, PredictionSettings(device=device))
    spec = model.spec
    count = len(spec.classes) if spec.is_semantic else 2
    kept = Result(kind="classes") if spec.is_semantic else Result(levels=(0.0, *(1.0,) * (len(spec.classes) - 1)))
    table = np.zeros((count, count), np.int64)
    for lesson in lessons:
        wanted = lesson.annotation.annotated if everything else lesson.scored
        for box in _boxes(wanted):
            spatial = "ZYX"[-(lesson.image.ndim - 1) :]
            plane = Plane(
                array=lesson.image,
                axes="C" + spatial,
                index={},
                spatial=spatial,
                channels=len(lesson.image),
                region=box,
            )
            answer = finish(predict(predictor, plane, kept))[0]
            scored, said = wanted[box], lesson.annotation.labels
            truth = said[box] if spec.is_semantic else (said > 0)[box] & ~ridge(said)[box]
            found = answer if spec.is_semantic else answer >= HALF
            np.add.at(table, (truth[scored].astype(int), found[scored].astype(int)), 1)
    return mean_iou(table)


def _boxes(wanted: NDArray[np.bool_]) -> list[Box]:
    """Return the box that holds some pixels; none where there are none."""
    return [annotated_box(wanted)] if wanted.any() else []


def mean_iou(table: NDArray[Any]) -> float:
    """Return the mean IoU of the classes that occur in a table of pixels (truth, found); 0 for none."""
    union = table.sum(0) + table.sum(1) - np.diag(table)
    return float(np.mean(np.diag(table)[union > 0] / union[union > 0])) if union.any() else 0.0
