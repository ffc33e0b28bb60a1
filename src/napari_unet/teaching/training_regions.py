"""Training regions: painted parts of images, normalised and predicted by the previous model; called lessons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.annotations import Annotation, enclosed
from napari_unet.arrays.axes import Plane, check_axes, part_at, result_axes
from napari_unet.arrays.boxes import Box, clusters
from napari_unet.arrays.channels import Choice
from napari_unet.arrays.normalization import InvertBrightBackground
from napari_unet.arrays.per_axis import even_sides
from napari_unet.arrays.strokes import HeldOut, hold_out_together
from napari_unet.arrays.zoom import Zoomed, Zooms, downsampling, zoom_paint
from napari_unet.models.library import replay_of
from napari_unet.models.model import Model
from napari_unet.models.prediction_to_labels import measured_planes
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.prediction import Predictor, Result, predict
from napari_unet.progress import Progress, Steps
from napari_unet.settings.finetuning import FineTuningSettings
from napari_unet.settings.prediction import PredictionSettings

CONTEXT = 256
"""Pixels that the network sees around the annotations, for the anchor; of a volume `even_sides` of so many."""
SCORED_STROKES = 12
"""At most so many strokes of a lesson are predicted for its score where none is held out."""
ALL_CLASSES = Result(classes=None)
BETWEEN_IMAGES = 1e6
"""How many pixels planes and images lie apart where held-out strokes are to lie far apart."""


Pairs = Sequence[tuple[Any, Annotation]]
"""Images and what was painted on each."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingRegion:
    """Strokes near one another in a plane: the region around them, and what the previous model makes of it."""

    name: str
    image: NDArray[np.float32]
    """(C, *spatial)."""
    annotation: Annotation
    held_out: HeldOut
    source: int = 0
    """Number of the image among those given."""
    place: tuple[int | slice, ...] = ()
    """Where it lies in the image, per axis of the annotation, in pixels of the image."""
    previous: NDArray[np.uint8] | None
    """(K, *spatial) probabilities x 255 of the model that is taught; None where nothing is held to them."""

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Return the pixels that the score looks at: held-out strokes, or all where none is held out."""
        if self.held_out.apart:
            return self.held_out.mask
        chosen: NDArray[np.bool_] = (self.held_out.strokes - 1) % self._scored_each == 0
        return self.annotation.annotated & chosen

    @property
    def _scored_each(self) -> int:
        """Return 3 where every third stroke is scored, and so on; the first ones are of background."""
        return max(1, -(-self.held_out.count // SCORED_STROKES))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PaintedPlane:
    """A painted plane, cut to the region around strokes that lie near one another."""

    source: int
    place: tuple[int | slice, ...]
    plane: Plane
    annotation: Annotation

    zoom: Zooms
    """How large the network sees it; the annotation has that size already, plane and place that of the image."""

    @property
    def corner(self) -> tuple[float, ...]:
        """Return where it begins, in pixels that the network sees; other images and planes are far away."""
        planes = [at * BETWEEN_IMAGES for at in self.place if isinstance(at, int)]
        sides = [at for at in self.place if isinstance(at, slice)]
        starts = [side.start * zoom for side, zoom in zip(sides, self.zoom, strict=True)]
        return (self.source * BETWEEN_IMAGES, *planes, *starts)

    @property
    def seen(self) -> Zoomed:
        """Return the region as the network sees it."""
        return Zoomed(plane=self.plane, zoom=self.zoom)


def painted_planes(
    spec: ModelSpec, pairs: Pairs, *, axes: str | None, channels: Choice | None
) -> Steps[list[PaintedPlane]]:
    """Return what was painted on the planes of all images, normalised as a whole image is; one yield a plane read.

    Strokes far apart in a plane are cut out one by one: what lies between costs no memory and no time.
    """
    found: list[PaintedPlane] = []
    for number, (image, annotation) in enumerate(pairs):
        named = check_axes(axes, image.shape)
        wanted = yield from measured_planes(image, named, spec, channels=channels)
        kept = result_axes(named)
        for plane in wanted:
            said = _said_of(annotation, plane, kept, spec)
            steps = [downsampling(zoom) for zoom in spec.zooms]
            sides = even_sides(CONTEXT, spec.steps)
            around = [round(side) * step for side, step in zip(sides, steps, strict=True)]
            for cluster in clusters(said.annotated, [2 * side for side in around]):
                box = _around(cluster, said.annotated.shape, around, steps)
                labels, annotated = zoom_paint(said.labels[box], said.annotated[box], spec.zooms)
                found.append(
                    PaintedPlane(
                        source=number,
                        place=_placed(box, plane, kept),
                        plane=replace(plane, region=box),
                        annotation=replace(said, labels=labels, annotated=annotated),
                        zoom=spec.zooms,
                    )
                )
    return found


def _said_of(annotation: Annotation, plane: Plane, axes: str, spec: ModelSpec) -> Annotation:
    """Return what an annotation with `axes` says of one plane, where an object can be whole beside blank ones."""
    labels = part_at(annotation.labels, axes, plane.index, plane.spatial)
    annotated = part_at(annotation.annotated, axes, plane.index, plane.spatial)
    complete = annotation.complete
    of_a_stack = labels.ndim < annotation.labels.ndim
    if of_a_stack and not spec.is_semantic and annotated.any():
        here = enclosed(labels, annotated)
        complete = complete | np.pad(here, (0, len(complete) - len(here)))
    return replace(annotation, labels=labels, annotated=annotated, complete=complete)


def check_polarity(model: Model, painted_on: Sequence[PaintedPlane]) -> Model:
    """Return the model, without the inversion of bright backgrounds where that makes painted objects dark.

    Neurites between dark membranes, for example, are bright on a bright background.
    """
    if not model.spec.normalization.inverts:
        return model
    objects, ground = [], []
    for painted in painted_on:
        assert painted.plane.intensity is not None
        if painted.plane.intensity.is_inverted:
            values, said = painted.seen.whole().mean(0), painted.annotation
            objects.append(values[said.annotated & (said.labels > 0)])
            ground.append(values[said.annotated & (said.labels == 0)])
    bright, dark = (np.concatenate([*parts, np.zeros(0, np.float32)]) for parts in (objects, ground))
    if not (bright.size and dark.size) or bright.mean() >= dark.mean():
        return model
    as_it_is = model.spec.normalization.without(InvertBrightBackground)
    return replace(model, spec=replace(model.spec, normalization=as_it_is))


def prepare_regions(
    model: Model, painted_on: Sequence[PaintedPlane], settings: FineTuningSettings
) -> Steps[list[TrainingRegion]]:
    """Return a lesson for everything that was cut out, one yield each."""
    predictor = Predictor(model.net, PredictionSettings(device=settings.device))
    lessons: list[TrainingRegion] = []
    parts = [(painted.annotation, painted.corner) for painted in painted_on]
    rng = np.random.default_rng(settings.seed)
    held = hold_out_together(parts, rng, share=settings.held_out, classes=model.spec.is_semantic)
    for painted, held_out in zip(painted_on, held, strict=True):
        yield Progress(done=0, total=0, doing="Remembering what the model knows")
        previous = (yield from predict(predictor, painted.seen, ALL_CLASSES)) if settings.anchor != 0 else None
        lessons.append(
            TrainingRegion(
                name=f"image {painted.source + 1}",
                source=painted.source,
                place=painted.place,
                image=painted.seen.whole(),
                annotation=painted.annotation,
                held_out=held_out,
                previous=previous,
            )
        )
    return lessons


def _placed(box: Box, plane: Plane, axes: str) -> tuple[int | slice, ...]:
    """Return where a box of a plane lies in an image with `axes`."""
    sides = dict(zip(plane.spatial, box, strict=True))
    return tuple(plane.index[axis] if axis in plane.index else sides[axis] for axis in axes)


def replay_regions(model: Model) -> list[TrainingRegion]:
    """Return the replay crops stored with the shipped model that a model descends from; no pixel is painted.

    Held are the answers of the model that learnt these images, so that lesson upon lesson adds no error (learning
    without forgetting, Li and Hoiem, ECCV 2016, with images of the old task).
    """
    replay = replay_of(model.spec)
    if replay is None:
        return []
    nothing = np.zeros(replay.images.shape[2:], np.int32)
    return [
        TrainingRegion(
            name=f"replay {number}",
            image=image,
            annotation=Annotation(labels=nothing, annotated=nothing > 0, complete=np.zeros(1, bool)),
            held_out=HeldOut(strokes=nothing),
            previous=answer,
        )
        for number, (image, answer) in enumerate(zip(replay.images, replay.answers, strict=True), start=1)
    ]


def _around(cluster: Box, shape: Sequence[int], around: Sequence[int], steps: Sequence[int]) -> Box:
    """Return the box of annotated pixels, grown by what the anchor may use, from a multiple of the steps on."""
    return tuple(
        slice(max(0, side.start - more) // step * step, min(length, side.stop + more))
        for side, length, more, step in zip(cluster, shape, around, steps, strict=True)
    )
