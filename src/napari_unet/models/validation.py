"""Validation: segment images that were kept from training, and score what comes out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import Plane
from napari_unet.arrays.contingency import contingency
from napari_unet.arrays.metrics import THRESHOLDS, mean_class_iou
from napari_unet.models.model import Model
from napari_unet.models.prediction_to_labels import predict_map, read_map
from napari_unet.models.spec import ModelSpec
from napari_unet.models.training_image import TrainingImage
from napari_unet.nets.prediction import Predictor
from napari_unet.progress import Steps
from napari_unet.settings.prediction import PredictionSettings


def normalised_plane(image: TrainingImage, spec: ModelSpec) -> Plane:
    """Return an image that is normalised already as a network reads it."""
    return Plane(array=image.image, axes="C" + spec.axes, index={}, spatial=spec.axes, channels=len(image.image))


def segment_labelled(image: TrainingImage, model: Model, device: str = "auto") -> Steps[NDArray[np.int32]]:
    """Return the labels that a model gives an image which is normalised already."""
    predictor = Predictor(model.net, PredictionSettings(device=device, rotations=model.spec.rotations))
    predicted = yield from predict_map(predictor, normalised_plane(image, model.spec), model.spec)
    labels = yield from read_map(predicted, model.spec)
    return labels


def score_labels(labels: NDArray[np.int32], truth: NDArray[np.int32], spec: ModelSpec) -> float:
    """Return the mean AP 0.5..0.95 of instances, the mean IoU of classes."""
    if spec.is_semantic:
        return mean_class_iou(labels, truth)
    pairs = contingency(labels, truth)
    return float(np.mean([pairs.average_precision(threshold) for threshold in THRESHOLDS]))


def evenly(images: Sequence[TrainingImage], count: int) -> list[TrainingImage]:
    """Return at most so many of the images, the first and the last among them, the same at every call."""
    picked = np.linspace(0, len(images) - 1, min(count, len(images))).round().astype(int)
    return [images[i] for i in picked]
