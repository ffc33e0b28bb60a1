"""Views: random crops of the training regions, drawn for each step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_unet.models.model import Model
from napari_unet.models.spec import ModelSpec
from napari_unet.models.training_targets import pixel_targets
from napari_unet.nets.augmentation import as_tensor, draw_warp, warp_image
from napari_unet.nets.crop import centre_crop, patch_sides, view_sizes
from napari_unet.nets.intensity_augmentation import change_intensity
from napari_unet.settings.augmentation import AugmentationSettings
from napari_unet.settings.finetuning import PATCH, FineTuningSettings
from napari_unet.settings.weights import WeightSettings
from napari_unet.teaching.training_regions import TrainingRegion

PLAIN = AugmentationSettings.none().replace(flip=True)
"""Of replay: an answer that was turned, stretched or blurred is not what the model would answer to such a view."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one step sees, on the device."""

    images: Tensor
    """(N, C, *in)."""
    plain: Tensor
    """(N, C, *in) the same views before their intensities were changed."""
    classes: Tensor
    """(N, *out) class indices, meaningless where the weight is 0."""
    weights: Tensor
    """(N, *out), 0 on unpainted pixels and on held-out strokes."""
    previous: Tensor
    """(N, K, *out) probabilities of the previous model."""
    blank: Tensor
    """(N, *out) 1 where nothing is painted, else 0."""
    replayed: Tensor
    """(N,) whether a view is of what the model learnt first."""


class BatchSampler:
    """Draws batches from lessons: painted places, any place (for the anchor), and replay."""

    def __init__(
        self,
        lessons: list[TrainingRegion],
        replay: list[TrainingRegion],
        model: Model,
        settings: FineTuningSettings,
    ) -> None:
        self._settings = settings
        self._spec = model.spec
        patch = patch_sides(model.net, settings.patch, PATCH, model.spec.spacing)
        self.sides = view_sizes(model.net, patch, settings.weights.sigma, model.spec.spacing)
        count = len(model.spec.classes)
        self._lessons = [_Material(lesson, count) for lesson in lessons]
        self._replay = [_Material(lesson, count) for lesson in replay]
        self._chances = _chances(self._lessons)

    def batch(self, iteration: int, size: int, device: torch.device) -> Batch:
        """Return the batch of an iteration, the same for the same seed."""
        rng = np.random.default_rng((self._settings.seed, iteration))
        share = self._settings.replay if self._replay else 0.0
        replayed = np.arange(size) < int(share * size + rng.random())  # as even as it can be, batch by batch
        views = [self._view(rng, replayed=bool(old)) for old in replayed]
        images, plain, classes, weights, previous, blank = (
            torch.stack(parts).to(device) for parts in zip(*views, strict=True)
        )
        return Batch(
            images=images,
            plain=plain,
            classes=classes,
            weights=weights,
            previous=previous,
            blank=blank,
            replayed=torch.from_numpy(replayed).to(device),
        )

    def _view(self, rng: np.random.Generator, *, replayed: bool) -> tuple[Tensor, ...]:
        among = self._replay if replayed else self._lessons
        material = among[rng.integers(len(among))] if replayed else among[rng.choice(len(among), p=self._chances)]
        centre = material.centre(
            rng, anywhere=not replayed and rng.random() < self._settings.unpainted_patch_share
        )
        change = PLAIN if replayed else self._settings.augmentation
        warp = draw_warp(rng, centre, change, self._spec.spacing)
        view, inside, outside = self.sides
        smooth = warp_image(material.smooth, warp, view)
        said = warp_image(material.said, warp, view, nearest=True).round().to(torch.int32).numpy()
        plain = centre_crop(smooth[: material.channels], inside)
        image = change_intensity(plain, rng, change, self._spec.normalization, self._spec.spacing)
        complete = material.lesson.annotation.complete
        classes, weights = pixel_targets(
            said[0], said[1] > 0, complete, spec=self._spec, settings=self._settings.weights
        )
        blank = torch.from_numpy((said[2] > 0).astype(np.float32))
        previous = smooth[material.channels :]
        parts = (torch.from_numpy(classes), torch.from_numpy(weights), previous, blank)
        return (image, plain, *(centre_crop(part, outside) for part in parts))


def loss_weights(
    lessons: list[TrainingRegion], spec: ModelSpec, settings: WeightSettings
) -> list[NDArray[np.float32]]:
    """Return what each pixel of each lesson counts in the loss, as it is where no view is warped."""
    return [
        pixel_targets(
            lesson.annotation.labels,
            lesson.annotation.annotated & ~lesson.held_out.mask,
            lesson.annotation.complete,
            spec=spec,
            settings=settings,
        )[1]
        for lesson in lessons
    ]


class _Material:
    """A lesson as tensors: what is warped smoothly (image, previous probabilities) and what by nearest pixel."""

    def __init__(self, lesson: TrainingRegion, classes: int) -> None:
        self.lesson = lesson
        self.channels = len(lesson.image)
        previous = lesson.previous
        if previous is None:
            previous = np.zeros((classes, *lesson.image.shape[1:]), np.uint8)
        cpu = torch.device("cpu")
        self.smooth = torch.cat([as_tensor(lesson.image, cpu), as_tensor(previous, cpu) / 255])
        taught = lesson.annotation.annotated & ~lesson.held_out.mask
        self.said = as_tensor(np.stack([lesson.annotation.labels, taught, ~lesson.annotation.annotated]), cpu)
        self._strokes = np.where(taught, lesson.held_out.strokes, 0)
        self._pixels = np.flatnonzero(taught)
        self._by_stroke = _pixels_by_stroke(self._strokes)

    @property
    def strokes(self) -> int:
        """Return from how many strokes is learnt."""
        return len(self._by_stroke)

    def centre(self, rng: np.random.Generator, *, anywhere: bool) -> tuple[int, ...]:
        """Draw a patch centre: on a stroke, every stroke as likely, or anywhere."""
        shape = self.lesson.image.shape[1:]
        if anywhere or not len(self._pixels):
            return tuple(int(rng.integers(length)) for length in shape)
        pixels = self._by_stroke[rng.integers(len(self._by_stroke))] if self._by_stroke else self._pixels
        return tuple(int(i) for i in np.unravel_index(pixels[rng.integers(len(pixels))], shape))


def _chances(materials: list[_Material]) -> NDArray[np.float64]:
    """Return how likely each lesson is: all planes that teach alike, and in a plane every stroke."""
    strokes = np.array([material.strokes for material in materials], float)
    if not strokes.any():
        strokes += 1
    planes: dict[tuple[int, tuple[int, ...]], list[int]] = {}
    for number, material in enumerate(materials):
        lesson = material.lesson
        plane = tuple(at for at in lesson.place if isinstance(at, int))
        if strokes[number]:
            planes.setdefault((lesson.source, plane), []).append(number)
    chances = np.zeros(len(materials))
    for numbers in planes.values():
        chances[numbers] = strokes[numbers] / strokes[numbers].sum() / len(planes)
    return chances


def _pixels_by_stroke(strokes: NDArray[np.int32]) -> list[NDArray[np.int64]]:
    order = np.argsort(strokes, axis=None, kind="stable")
    numbers = strokes.ravel()[order]
    first = int(np.searchsorted(numbers, 1))
    cuts = np.flatnonzero(np.diff(numbers[first:])) + 1
    return [part for part in np.split(order[first:], cuts) if len(part)]
