"""Marks: how right a model is on what was painted, and how far it may be believed elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import Plane
from napari_unet.arrays.boundary_weights import ridge
from napari_unet.arrays.boxes import clusters
from napari_unet.models.model import Model
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.prediction import Predictor, Result, predict
from napari_unet.progress import Steps
from napari_unet.settings.prediction import PredictionSettings
from napari_unet.teaching.training_regions import HALF, TrainingRegion

UNKNOWN, KNOWN = 0.25, 0.75
"""Mean IoU on strokes of a model that does not know, and of one that knows the kind of image."""
UNSURE, SURE = 0.7, 0.85
"""Mean probability of the objects that a model finds where it does not know, and where it knows the image."""
SURE_STROKES = 20
"""How many strokes a sure model is worth."""
STRONG_ANCHOR, MAX_ANCHOR = 1.0, 10.0
"""Weights of the anchor: from which a model is taken to know the image, and is asked about each view itself; the
highest."""
APART = 128
"""Pixels between strokes that are predicted one by one for a score: what lies between would cost more."""


def anchor_weight(lessons: Sequence[TrainingRegion], spec: ModelSpec) -> float:
    """Return the anchor's weight: how many strokes speak for the previous model per stroke against it.

    For it speaks one stroke that is given to it for granted; each stroke as far as it was right there, by its mean
    IoU on all painted pixels (of which all below `UNKNOWN` counts as nothing: so much gets a model that calls
    everything background); and up to `SURE_STROKES` where it is sure of the objects that it finds, as networks are
    less sure of what they never saw (Hendrycks and Gimpel, ICLR 2017). So a few false objects erased do not call
    the others in question, and objects that a model does not see at all free the network from it.
    """
    count = len(spec.classes) if spec.is_semantic else 2
    table = np.zeros((count, count), np.int64)
    sure: list[float] = []
    for lesson in lessons:
        if lesson.previous is None:
            continue
        painted, said, answer = lesson.annotation.annotated, lesson.annotation.labels, lesson.previous
        found = answer.argmax(0) if spec.is_semantic else answer[0] < HALF
        truth = said if spec.is_semantic else said > 0
        np.add.at(table, (truth[painted].astype(int), found[painted].astype(int)), 1)
        objects = answer[0] < HALF
        sure.append(1 - float(answer[0][objects].mean()) / 255 if objects.any() else 0.0)
    strokes = sum(lesson.held_out.count for lesson in lessons)
    right = _within(UNKNOWN, mean_iou(table), KNOWN)
    granted = 1 + SURE_STROKES * _within(UNSURE, float(np.mean(sure)) if sure else 0.0, SURE)
    against = strokes * (1 - right)
    return min((granted + strokes * right) / max(against, 1e-6), MAX_ANCHOR)


def _within(low: float, value: float, high: float) -> float:
    """Return where a value lies between two, 0..1."""
    return min(max((value - low) / (high - low), 0.0), 1.0)


def stroke_tables(model: Model, lessons: Sequence[TrainingRegion], device: str) -> Steps[NDArray[np.int64]]:
    """Return the pixels of every scored stroke as a table (truth, found), (strokes, K, K); one yield a tile.

    Truth and found are background and object, or the classes of a semantic model.
    """
    predictor = Predictor(model.net, PredictionSettings(device=device))
    spec, stride = model.spec, predictor.geometry.stride
    count = len(spec.classes) if spec.is_semantic else 2
    kept = Result(kind="classes") if spec.is_semantic else Result(levels=(0.0, *(1.0,) * (len(spec.classes) - 1)))
    tables = [np.zeros((lesson.held_out.count + 1, count, count), np.int64) for lesson in lessons]
    for lesson, table in zip(lessons, tables, strict=True):
        said, wanted, strokes = lesson.annotation.labels, lesson.scored, lesson.held_out.strokes
        truth = said if spec.is_semantic else (said > 0) & ~ridge(said)
        spatial = "ZYX"[-said.ndim :]
        plane = Plane(
            array=lesson.image, axes="C" + spatial, index={}, spatial=spatial, channels=len(lesson.image)
        )
        for tight in clusters(wanted, APART):
            # from the pooling grid on, as everywhere: a prediction must not depend on where a box begins
            box = tuple(slice(side.start // stride * stride, side.stop) for side in tight)
            answer = (yield from predict(predictor, replace(plane, region=box), kept))[0]
            found = answer if spec.is_semantic else answer >= HALF
            scored = wanted[box]
            pairs = truth[box][scored].astype(int), found[scored].astype(int)
            np.add.at(table, (strokes[box][scored], *pairs), 1)
    scored_tables = np.concatenate([*tables, np.zeros((0, count, count), np.int64)])
    found_pixels: NDArray[np.int64] = scored_tables[scored_tables.any(axis=(1, 2))]
    return found_pixels


def mean_iou(table: NDArray[Any]) -> float:
    """Return the mean IoU of the classes that occur in a table of pixels (truth, found); 0 for none."""
    union = table.sum(0) + table.sum(1) - np.diag(table)
    return float(np.mean(np.diag(table)[union > 0] / union[union > 0])) if union.any() else 0.0
