"""From a model with a tanh head and one plane of an image to another image: predict, then bring back its units.

The network sees 0..1 between two percentiles of the image and answers around 0: an output of -0.5 is 0 there and
0.5 is 1, so that tanh has room for what is darker and brighter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import Plane
from napari_unet.arrays.normalization import FittedNormalization, Normalization, Percentile
from napari_unet.errors import UnetError
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.padded import CENTRE
from napari_unet.nets.prediction import Predictor, Result, predict
from napari_unet.progress import Steps, share_of

LINEAR = Normalization(steps=(Percentile(low=0.1, high=99.9),), joint=False)
"""Intensities of networks that give images: no logarithm, as what comes out is to be an intensity again."""
RAW = Result(classes=None, kind="image", dtype="float32")


def predict_image(predictor: Predictor, plane: Plane, spec: ModelSpec) -> Steps[NDArray[np.float32]]:
    """Return the image (K, *spatial) float32 that a network makes of a plane, in its units; one yield a tile."""
    answer = yield from predict(predictor, plane, RAW)
    assert plane.intensity is not None
    low, high = output_range(spec, plane.intensity)
    answer += CENTRE
    answer *= high - low
    answer += low
    found: NDArray[np.float32] = answer
    return found


def predict_images(
    predictor: Predictor,
    planes: Sequence[Plane],
    spec: ModelSpec,
    out: Any,
    place_of: Callable[[Plane], tuple[int | slice, ...]],
) -> Steps[None]:
    """Write what a network makes of every plane into `out`: at its place, of several channels behind C."""
    for number, plane in enumerate(planes):
        made = yield from share_of(predict_image(predictor, plane, spec), number, len(planes))
        place = place_of(plane)
        for channel, values in enumerate(made):
            out[place if len(made) == 1 else (channel, *place)] = plane.as_in_image(values)


def output_range(spec: ModelSpec, intensity: FittedNormalization) -> tuple[float, float]:
    """Return the intensities that outputs of -0.5 and 0.5 mean: the model's, or those of the first input."""
    if spec.output_range is not None:
        return spec.output_range
    if not intensity.ranges:
        raise UnetError(f"{spec.name} gives an image in the units of its input, but measures no range of it")
    return intensity.ranges[0].low, intensity.ranges[0].high
