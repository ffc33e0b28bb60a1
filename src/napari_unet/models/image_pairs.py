"""Pairs of images of which the second is to be made of the first, as a network with a tanh head learns them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import Plane, part_at, result_axes
from napari_unet.arrays.channels import Choice
from napari_unet.arrays.source import Source
from napari_unet.errors import UnetError
from napari_unet.models.prediction_to_image import output_range
from napari_unet.models.prediction_to_labels import measured_planes
from napari_unet.models.selection import select
from napari_unet.models.spec import ModelSpec
from napari_unet.models.training_image import TrainingImage
from napari_unet.nets.padded import CENTRE
from napari_unet.progress import finish

LIMITS = (0.1, 99.9)
"""Percentiles of truth images that become 0 and 1 where these have units of their own, as those of the input."""
ROOM = (-CENTRE, 1 + CENTRE)
"""What tanh can give, on a scale where 0 and 1 are the ends of the output range."""
SAMPLED = 100_000
"""Pixels of a truth image, about, from which percentiles are taken: enough for a thousandth."""
MIN_CONTRAST = 0.1
"""An image with less contrast than this, on the scale of the input, has other units than the input."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImagePair:
    """An image and what is to be made of it."""

    name: str
    image: Source
    truth: Source


def image_pairs_of(
    pairs: Sequence[ImagePair], spec: ModelSpec, *, channels: Choice | None = None
) -> tuple[ModelSpec, list[list[TrainingImage]]]:
    """Return the model with its output range, and the planes of every pair, ready to be learnt.

    Truth in the units of the images, as a denoised image, keeps them: each is scaled by its image. Truth in other
    units, as another staining, is scaled by the intensities of all truth images, which the model keeps.
    """
    planes = [_planes_of(pair, spec, channels) for pair in pairs]
    parts = [part for of_pair in planes for part in of_pair]
    if spec.output_range is None and not all(_shares_units(plane, truth, spec) for plane, truth in parts):
        values = np.concatenate([truth.ravel()[:: max(1, truth.size // SAMPLED)] for _, truth in parts])
        low, high = (float(value) for value in np.percentile(values, LIMITS))
        if high <= low:
            raise UnetError("the truth images have the same value everywhere: there is nothing to learn")
        spec = replace(spec, output_range=(low, high))
    found = [
        [_training_image(pair.name, plane, truth, spec) for plane, truth in of_pair]
        for pair, of_pair in zip(pairs, planes, strict=True)
    ]
    return spec, found


def _planes_of(
    pair: ImagePair, spec: ModelSpec, channels: Choice | None
) -> list[tuple[Plane, NDArray[np.float32]]]:
    """Return the planes of an image, measured, and of its truth (*spatial)."""
    image, truth, kept = pair.image, pair.truth, result_axes(pair.image.axes)
    if truth.axes != kept or tuple(truth.array.shape) != image.label_shape:
        raise UnetError(
            f"{pair.name}: the image is {kept} {image.label_shape} and its truth {truth.axes} "
            f"{tuple(truth.array.shape)}: they must match, and the truth has a single channel"
        )
    chosen = select(image, spec, channels=channels).channels
    wanted = finish(measured_planes(image.array, image.axes, spec, channels=chosen))
    return [(plane, _part(truth.array, plane, kept)) for plane in wanted]


def _part(truth: Any, plane: Plane, axes: str) -> NDArray[np.float32]:
    part = part_at(truth, axes, plane.index, plane.spatial).astype(np.float32)
    if not np.isfinite(part).all():
        raise UnetError("a truth image holds NaN or infinite values: fill them first")
    return part


def _shares_units(plane: Plane, truth: NDArray[np.float32], spec: ModelSpec) -> bool:
    """Whether a truth, on the scale of its image, lies within what tanh can give, and is not nearly flat."""
    assert plane.intensity is not None
    low, high = output_range(spec, plane.intensity)
    if high <= low:
        return True  # nothing to learn here
    darkest, brightest = (np.percentile(truth, (1, 99)) - low) / (high - low)
    return bool(ROOM[0] < darkest and brightest < ROOM[1] and brightest - darkest > MIN_CONTRAST)


def _training_image(name: str, plane: Plane, truth: NDArray[np.float32], spec: ModelSpec) -> TrainingImage:
    assert plane.intensity is not None
    low, high = output_range(spec, plane.intensity)
    return TrainingImage(
        name=name,
        image=plane.read(tuple(slice(0, length) for length in plane.shape)),
        labels=np.ones(plane.shape, np.int32),
        target=((truth - low) / ((high - low) or 1.0))[None].astype(np.float32),
    )
