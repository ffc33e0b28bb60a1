"""What a worker does for the Fine-tune panel; PyTorch is imported there, not in the window's thread."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.annotations import (
    Annotation,
    corrected,
    corrected_classes,
    dense,
    dense_classes,
    painted,
    painted_classes,
)
from napari_unet.arrays.axes import Region, result_axes, result_shape
from napari_unet.arrays.binary_masks import refuse_masks
from napari_unet.arrays.channels import Input
from napari_unet.arrays.zoom import bring_back
from napari_unet.errors import UnetError
from napari_unet.files.file_errors import unwritable
from napari_unet.progress import Progress, Steps
from napari_unet.settings.finetuning import FineTuningSettings
from napari_unet.settings.prediction import PredictionSettings
from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.widgets.teach.overlaps import LayerAnnotation, resolve_overlaps
from napari_unet.widgets.teach.shown_part import SeenByBoth, ShownPart, changes_in_words, shown_part
from napari_unet.widgets.teach.shown_plane import with_planes_beside
from napari_unet.widgets.teach.visible_preview import Look
from napari_unet.widgets.viewer.layers import LayerImage
from napari_unet.widgets.viewer.paint import CORRECTIONS, STROKES, Paint

if TYPE_CHECKING:
    from napari_unet.models.model import Model
    from napari_unet.models.spec import ModelSpec
    from napari_unet.teaching.result import FineTuneResult

MIN_SIDE, MAX_SIDE = 512, 2048
"""Pixels along a side of the part that is shown: what two cores segment in a second, and what a screen shows."""
MAX_LOOK_SECONDS = 0.5
"""What a look at more than the smallest part may take of the time for learning."""
WeightedPart = tuple[Paint, tuple[int | slice, ...], NDArray[np.float32]]
"""A painted layer, where a part of it lies in its image, and what its pixels count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuneRequest:
    """What the panel asks for."""

    paints: list[Paint]
    model: Path | None
    """None: a new network."""
    classes: bool
    """Whether a new network tells classes apart instead of finding objects."""
    settings: FineTuningSettings
    axes: str = "YX"
    """What a new network sees at once: planes, or volumes (ZYX)."""
    scheduler: str | None = None
    """Where to learn, as of `computing_on`; another process shows no preview meanwhile."""
    begun: FineTuneResult | None = None
    """What was learnt so far: learning goes on where that ended."""

    @property
    def start(self) -> str:
        """The name of the model to start from."""
        sees, tells = "volumes" if "Z" in self.axes else "planes", "classes" if self.classes else "objects"
        return f"a new network for {tells} in {sees}" if self.model is None else self.model.stem

    def begins_like(self, other: FineTuneRequest) -> bool:
        """Whether both start from the same network."""
        return (self.model, self.classes, self.axes) == (other.model, other.classes, other.axes)


@dataclass(slots=True)
class FineTuneControl:
    """What the window's thread says to the worker while it runs, and how much that can show."""

    stop: Event = field(default_factory=Event)
    region: Region | None = None
    """What of the image to show meanwhile; None shows nothing."""
    side: int = MIN_SIDE
    """Largest side in pixels of that region, by the time that the last one took."""
    work: float = 1.0
    """How many times as many pixels as are shown must be segmented; more than 1 for models of volumes."""

    def measure(self, shown: ShownPart | None, seconds: float) -> None:
        """Let the next region be as large as learning can spare time for."""
        if shown is not None:
            pixels = shown.labels.size * self.work * MAX_LOOK_SECONDS / max(seconds, 1e-3)
            self.side = max(MIN_SIDE, min(MAX_SIDE, math.isqrt(int(pixels))))


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuneComparison:
    """What fine-tuning gave, and the visible part segmented by the old and by the new model."""

    request: FineTuneRequest
    tuned: FineTuneResult
    seen: SeenByBoth
    region: Region | None
    """The part that both show; None for none."""
    look: Look
    """Segments another part by both models."""


def begin_fine_tuning(request: FineTuneRequest, watch: FineTuneControl) -> Callable[[], Steps[FineTuneComparison]]:
    """Return the function that a worker calls to fine-tune."""

    def begin() -> Steps[FineTuneComparison]:
        from napari_unet.nets.torch_preload import preload_torch

        preload_torch()
        from napari_unet.finetuning import at_one_zoom, fine_tune_steps
        from napari_unet.teaching.learning import TrainingMonitor

        model = starting_model(request)
        pairs = [(one.paint.sees.array, one.annotation) for one in layer_annotations(request, model.spec)]
        image = request.paints[0].sees

        class Viewer(TrainingMonitor):
            def stopped(self) -> bool:
                return watch.stop.is_set()

            def look(self, better: Model) -> Steps[ShownPart | None]:
                began = time.monotonic()
                shown = yield from segment_region(better, image, watch.region, request.settings)
                watch.measure(shown, time.monotonic() - began)
                return shown

        settings = request.settings
        yield Progress(done=0, total=0, doing="Looking at the strokes")
        axes, begun = image.axes, request.begun
        model = yield from at_one_zoom(model, image.array, axes=axes, settings=settings, begun=begun)
        tuned = yield from fine_tune_steps(
            model,
            pairs,
            axes=axes,
            settings=settings,
            monitor=Viewer(),
            scheduler=request.scheduler,
            begun=begun,
        )
        region = watch.region  # both see the same part, wherever the view moves
        look = partial(segment_by_both, model, tuned.model, image, request.settings)
        seen = yield from look(region)
        return FineTuneComparison(request=request, tuned=tuned, seen=seen, region=region, look=look)

    return begin


def begin_weights(request: FineTuneRequest) -> Callable[[], Steps[list[WeightedPart]]]:
    """Return the function that a worker calls for the weight maps."""

    def begin() -> Steps[list[WeightedPart]]:
        from napari_unet.nets.torch_preload import preload_torch

        preload_torch()
        from napari_unet.finetuning import at_one_zoom, require_teachable
        from napari_unet.teaching.sampling import loss_weights
        from napari_unet.teaching.training_regions import painted_planes, prepare_regions

        model = starting_model(request)
        settings = request.settings.replace(anchor=0.0)
        said = layer_annotations(request, model.spec)
        require_teachable([one.annotation for one in said], model.spec)
        image = request.paints[0].sees
        axes = image.axes
        model = yield from at_one_zoom(model, image.array, axes=axes, settings=settings)
        pairs = [(one.paint.sees.array, one.annotation) for one in said]
        planes = yield from painted_planes(model.spec, pairs, axes=axes, channels=settings.channels)
        lessons = yield from prepare_regions(model, planes, settings)
        weights = loss_weights(lessons, model.spec, settings.weights)
        found = []
        for lesson, painted_on, weight in zip(lessons, planes, weights, strict=True):
            plane = painted_on.plane
            wide = bring_back(weight, model.spec.zooms, plane.shape, smooth=False)
            found.append((said[lesson.source].paint, lesson.place, plane.as_in_image(wide)))
        return found

    return begin


def begin_saving(tuned: FineTuneResult, path: Path) -> Callable[[], Steps[Path]]:
    """Return the function that a worker calls to save an accepted model."""

    def begin() -> Steps[Path]:
        from dataclasses import replace

        yield Progress(done=0, total=0, doing="Saving")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(path, error) from error
        spec = replace(tuned.model.spec, name=path.stem)
        replace(tuned.model, spec=spec).save(path, replacing=False)  # another window may want this name, too
        return path

    return begin


def starting_model(request: FineTuneRequest) -> Model:
    """Return the model to start from: the chosen one, or a new network for what is painted."""
    from napari_unet.models.class_marks import class_names
    from napari_unet.models.fresh import fresh_model
    from napari_unet.models.library import load_model

    if request.model is not None:
        return load_model(request.model)
    image = request.paints[0].sees
    channels = int(image.array.shape[-1]) if image.axes.endswith("S") else 1
    sees: dict[str, Any] = {
        "in_channels": min(channels, 3),
        "inputs": new_inputs(image, request.settings),
        "axes": request.axes,
        "spacing": image.spacing(request.axes),
    }
    if not request.classes:
        return fresh_model(**sees)
    painted = max(int(paint.values.max()) + (paint.meaning != STROKES) for paint in request.paints)
    return fresh_model(**sees, classes=class_names(painted))


def new_inputs(image: LayerImage, settings: FineTuningSettings) -> tuple[Input, ...]:
    """Return the inputs of a new network that sees several channels, by their names, each another one."""
    names: list[str] = []
    channels = settings.channels or ()
    for channel in channels if len(channels) > 1 else ():
        known = f"channel {channel}"
        if image.channel_names and isinstance(channel, int):
            known = image.channel_names[channel]
        names.append(known if known.casefold() not in map(str.casefold, names) else f"{known} {len(names) + 1}")
    return tuple(map(Input, names))


def layer_annotations(request: FineTuneRequest, spec: ModelSpec) -> list[LayerAnnotation]:
    """Return what the painted layers say to a model, each pixel of an image once."""
    return resolve_overlaps(
        [LayerAnnotation(paint=paint, annotation=annotation_of(paint, spec)) for paint in request.paints]
    )


def annotation_of(paint: Paint, spec: ModelSpec) -> Annotation:
    """Return what a painted layer says to a model, over its whole image."""
    if paint.meaning == CORRECTIONS:
        if paint.prediction is None:
            raise UnetError(
                f"The layer {paint.name} remembers no prediction: segment the image again and correct that"
            )
        if spec.is_semantic:
            said = corrected_classes(paint.prediction, paint.values, right=paint.right)
        else:
            axes = result_axes(paint.image.axes)
            through = tuple(number for number, axis in enumerate(axes) if axis not in "YX")
            volumes = "Z" in spec.axes
            said = corrected(paint.prediction, paint.values, right=paint.right, through=through, volumes=volumes)
    elif paint.meaning == STROKES:
        said = (painted_classes if spec.is_semantic else painted)(paint.values)
    elif spec.is_semantic:
        said = dense_classes(paint.values)
    else:
        refuse_masks([(paint.name, paint.values)], "choose Strokes in the table")
        said = dense(paint.values)
    shape = result_shape(paint.image.axes, paint.image.array.shape)
    return said.placed(shape, paint.origin) if paint.origin else said


def segment_by_both(
    old: Model, new: Model, image: LayerImage, settings: FineTuningSettings, region: Region | None
) -> Steps[SeenByBoth]:
    """Return the labels of a part of the image by two models."""
    before = yield from segment_region(old, image, region, settings)
    after = yield from segment_region(new, image, region, settings)
    in_view = changes_in_words(before, after, classes=new.spec.is_semantic)
    return SeenByBoth(before=before, after=after, in_view=in_view)


def segment_region(
    model: Model, image: LayerImage, region: Region | None, settings: FineTuningSettings
) -> Steps[ShownPart | None]:
    """Return the labels of a part of the image, of a plane of a volume too; None where none is wanted."""
    from napari_unet.segmentation import segment_steps

    if region is None:
        return None
    wanted = SegmentationSettings(
        channels=settings.channels, prediction=PredictionSettings(device=settings.device)
    )
    around = with_planes_beside(region, model.spec, image.axes, image.array.shape)
    shown = yield from segment_steps(image.array, model, axes=image.axes, settings=wanted, region=around)
    return shown_part(shown, None if around is region else {"Z": region["Z"]})
