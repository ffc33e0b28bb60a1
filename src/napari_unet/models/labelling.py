"""From a model and one plane of an image to labels: predict, then read the maps as the model means them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.instances import InstanceSettings, label_instances
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.prediction import Predictor, Result, Source, predict
from napari_unet.progress import Steps


def kept_maps(spec: ModelSpec) -> Result:
    """Return what is kept of the network's answer: one map, the foreground's level or the likeliest class."""
    return Result(kind="classes") if spec.is_semantic else Result(levels=spec.levels)


def predict_map(predictor: Predictor, source: Source, spec: ModelSpec) -> Steps[NDArray[np.uint8]]:
    """Return the map (*spatial) uint8 of an image: foreground level times 255, or class indices."""
    maps: NDArray[Any] = yield from predict(predictor, source, kept_maps(spec))
    found: NDArray[np.uint8] = maps[0]
    return found


def read_map(
    predicted: NDArray[np.uint8], spec: ModelSpec, thresholds: InstanceSettings | None = None
) -> Steps[NDArray[np.int32]]:
    """Return the labels (*spatial) int32 in a predicted map: instances 1..n, or class indices."""
    if spec.is_semantic:
        return predicted.astype(np.int32)
    labels: NDArray[np.int32] = yield from label_instances(predicted, thresholds or spec.instances)
    return labels
