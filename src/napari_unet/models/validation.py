"""Validation: segment images that were kept from training, and score what comes out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import Plane
from napari_unet.arrays.contingency import contingency
from napari_unet.arrays.metrics import THRESHOLDS, mean_class_iou, psnr
from napari_unet.models.model import Model
from napari_unet.models.prediction_to_image import RAW
from napari_unet.models.prediction_to_labels import predict_map, read_map
from napari_unet.models.spec import ModelSpec
from napari_unet.models.training_image import TrainingImage
from napari_unet.nets.padded import CENTRE
from napari_unet.nets.prediction import Predictor, predict
from napari_unet.progress import Steps
from napari_unet.settings.prediction import PredictionSettings


def segment_labelled(image: TrainingImage, model: Model, device: str = "auto") -> Steps[NDArray[np.int32]]:
    """Return the labels that a model gives an image which is normalised already."""
    predictor = Predictor(model.net, PredictionSettings(device=device, rotations=model.spec.rotations))
    predicted = yield from predict_map(predictor, Plane.normalised(image.image, model.spec.axes), model.spec)
    labels = yield from read_map(predicted, model.spec)
    return labels


def score_images(model: Model, images: Sequence[TrainingImage], device: str = "auto") -> Steps[list[float]]:
    """Return how good a model is on each image: `score_labels`, or the PSNR in dB of the image that it makes."""
    scores = []
    for image in images:
        if image.target is not None:
            made = yield from image_made_of(image, model, device)
            scores.append(psnr(made, image.target))
        else:
            labels = yield from segment_labelled(image, model, device)
            scores.append(score_labels(labels, image.labels, model.spec))
    return scores


def image_made_of(image: TrainingImage, model: Model, device: str = "auto") -> Steps[NDArray[np.float32]]:
    """Return what a network makes of an image which is normalised already, on the scale of its target."""
    predictor = Predictor(model.net, PredictionSettings(device=device, rotations=model.spec.rotations))
    made: NDArray[np.float32] = yield from predict(predictor, Plane.normalised(image.image, model.spec.axes), RAW)
    return made + CENTRE


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
