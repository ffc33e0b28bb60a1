"""Densely labelled images as a model sees them: planes of normalised intensities, and the instances in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import Plane, check_axes, part_at, result_axes, result_shape
from napari_unet.arrays.boundary_weights import dense_labels
from napari_unet.arrays.channels import Choice
from napari_unet.errors import UnetError
from napari_unet.models.prediction_to_labels import measured_planes
from napari_unet.models.spec import ModelSpec
from napari_unet.progress import finish


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingImage:
    """One training image: what the network sees, and the instances in it."""

    name: str
    image: NDArray[np.float32]
    """(C, *spatial), normalised."""
    labels: NDArray[np.int32]
    """(*spatial), instances 1..n, 0 = background; class indices for a semantic model; 1 everywhere where an image
    is learnt."""
    target: NDArray[np.float32] | None = None
    """(1, *spatial), the image to learn, 0..1 over the output range; None where labels are learnt."""

    @property
    def parts(self) -> tuple[bytes, ...]:
        """Return all that tells it from another image."""
        target = () if self.target is None else (self.target.tobytes(),)
        return (self.name.encode(), self.image.tobytes(), self.labels.tobytes(), *target)


def training_images_of(
    name: str,
    image: NDArray[Any],
    labels: NDArray[Any],
    spec: ModelSpec,
    *,
    axes: str | None = None,
    channels: Choice | None = None,
) -> list[TrainingImage]:
    """Return the planes of an image and its labels, normalised as the model wants; every label pixel counts.

    `channels` are those to learn, in the order of the model's inputs, where images have others too.
    """
    named = check_axes(axes, image.shape)
    wanted = finish(measured_planes(image, named, spec, channels=channels))
    truth = labels.astype(np.int32) if spec.is_semantic else dense_labels(labels)
    kept = result_axes(named)
    expected = result_shape(named, image.shape)
    if truth.shape != expected:
        raise UnetError(f"{name}: the image is {expected} and its labels are {truth.shape}: they must match")
    cut = [_labelled_plane(name, plane, truth, kept) for plane in wanted]
    return cut if spec.is_semantic else [replace(plane, labels=dense_labels(plane.labels)) for plane in cut]


def _labelled_plane(name: str, plane: Plane, truth: NDArray[np.int32], kept: str) -> TrainingImage:
    return TrainingImage(
        name=name,
        image=plane.read(tuple(slice(0, length) for length in plane.shape)),
        labels=part_at(truth, kept, plane.index, plane.spatial),
    )
