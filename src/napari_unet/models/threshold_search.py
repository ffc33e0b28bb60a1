"""Thresholds: how a trained network's probabilities are best turned into instances, chosen on held-out images."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import Plane
from napari_unet.arrays.contingency import contingency
from napari_unet.arrays.metrics import THRESHOLDS
from napari_unet.models.model import Model
from napari_unet.models.prediction_to_labels import predict_map, read_map
from napari_unet.models.training_image import TrainingImage
from napari_unet.models.validation import evenly
from napari_unet.nets.prediction import Predictor
from napari_unet.progress import Steps, indeterminate
from napari_unet.settings.instances import InstanceSettings
from napari_unet.settings.prediction import PredictionSettings

MAX_PIXELS = 8_000_000
"""Pixels of held-out images on which is chosen; more take time and change little."""
DOING = "Choosing thresholds"


def with_thresholds(model: Model, images: Sequence[TrainingImage], device: str = "auto") -> Steps[Model]:
    """Return the model with the thresholds that are best on some images by AP@0.5 and mean AP together.

    A model of classes has none, and without images the model's own stay.
    """
    if model.spec.is_semantic or model.spec.gives_image or not images:
        return model
    chosen = evenly(images, max(1, int(MAX_PIXELS / np.mean([image.labels.size for image in images]))))
    predictor = Predictor(model.net, PredictionSettings(device=device, rotations=model.spec.rotations))
    maps = []
    for image in chosen:
        predicted = yield from indeterminate(
            predict_map(predictor, Plane.normalised(image.image, model.spec.axes), model.spec), DOING
        )
        maps.append(predicted)
    best, highest = model.spec.instances, -1.0
    for thresholds in possible(model.spec.instances):
        score = yield from indeterminate(_score(maps, chosen, model, thresholds), DOING)
        if score > highest:
            best, highest = thresholds, score
    return replace(model, spec=replace(model.spec, instances=best))


def possible(present: InstanceSettings) -> Iterator[InstanceSettings]:
    """Yield the thresholds among which is chosen: the present ones first, which so win a tie."""
    yield present
    for core, edge in itertools.product((0.4, 0.5, 0.6, 0.7, 0.8), (0.3, 0.4, 0.5, 0.6)):
        if edge <= core:
            yield present.replace(core_threshold=core, edge_threshold=edge)


def _score(
    maps: Iterable[NDArray[np.uint8]], images: Sequence[TrainingImage], model: Model, thresholds: InstanceSettings
) -> Steps[float]:
    scores = []
    for predicted, image in zip(maps, images, strict=True):
        labels = yield from read_map(predicted, model.spec, thresholds)
        pairs = contingency(labels, image.labels)
        precisions = [pairs.average_precision(threshold) for threshold in THRESHOLDS]
        scores.append(precisions[0] + np.mean(precisions))
    return float(np.mean(scores))
