"""Fine-tune: a model and a few painted images give a better model, or say that it is not.

Learns from annotated pixels alone; unpainted pixels are held to the previous model's own probabilities
(the anchor), a few patches of what the model learnt first are mixed in (replay), and whole strokes are held out to
measure what was gained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from napari_unet.arguments import as_pairs
from napari_unet.arrays.annotations import (
    Annotation,
    painted,
    painted_classes,
    require_known_classes,
    require_two_classes,
)
from napari_unet.arrays.axes import check_axes, require_axes, result_shape
from napari_unet.arrays.channels import Choice, channel_positions
from napari_unet.arrays.image_array import as_image
from napari_unet.arrays.per_axis import per_axis
from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.arrays.source import Source
from napari_unet.compute import workers_of
from napari_unet.errors import UnetError
from napari_unet.models.model import Model, identity_of
from napari_unet.models.pixel_zoom import common_pixel_size, zoom_of_pixels
from napari_unet.models.prediction_to_labels import measured_planes
from napari_unet.models.sizes import choose_zoom
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.prediction import Predictor
from napari_unet.progress import Progress, Report, Steps, finish, indeterminate
from napari_unet.settings.finetuning import FineTuningSettings
from napari_unet.settings.prediction import PredictionSettings
from napari_unet.teaching.learning import LearningJob, TrainingMonitor, learn_watched
from napari_unet.teaching.object_score import ObjectScore, found_objects
from napari_unet.teaching.result import FineTuneResult
from napari_unet.teaching.scores import anchor_weight, stroke_tables
from napari_unet.teaching.training_regions import TrainingRegion, check_polarity, painted_planes, prepare_regions

Pair = tuple[Any, Any]
"""An image (array or `Source`) and what was painted on it: a layer (0, 1, 2...) or an `Annotation`."""


def fine_tune(
    model: Model,
    pairs: Sequence[Pair],
    *,
    axes: str | None = None,
    settings: FineTuningSettings | None = None,
    scheduler: str | None = None,
    progress: Report | None = None,
) -> Model:
    """Return a model that learnt from painted images; the given one where learning made it no better.

    Parameters
    ----------
    model
        Where to start.
    pairs
        (image, annotation) each; an annotation is an integer array over the image's axes less channels: 0 not
        annotated, 1 background, 2 and up one instance each; or an `Annotation`.
    axes
        One letter per image axis, needed unless images are (Y, X).
    settings
        Time, anchor, replay, held-out share.
    scheduler
        Where to learn: None, this process; "local:N" or "tcp://HOST:PORT", a worker of a dask scheduler, to which
        the model and the parts of the images around the strokes travel.
    progress
        Called after every iteration, with loss and score.

    Returns
    -------
    Model
        The new model, or `model` itself.

    Raises
    ------
    UnetError
        If shapes differ, only one class is painted, or nothing is.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_unet import FineTuningSettings, fine_tune, load_model
    >>> image = np.zeros((64, 64)); image[20:40, 20:40] = 1
    >>> strokes = np.zeros((64, 64), int); strokes[25:35, 25:35], strokes[50:60, 5:60] = 2, 1
    >>> quick = FineTuningSettings(seconds=None, iterations=1)
    >>> fine_tune(load_model("nuclei"), [(image, strokes)], settings=quick).spec.name
    'nuclei'
    """
    steps = fine_tune_steps(model, pairs, axes=axes, settings=settings, scheduler=scheduler)
    result = finish(steps, progress)
    return result.model if result.improved else model


def fine_tune_steps(
    model: Model,
    pairs: Sequence[Pair],
    *,
    axes: str | None = None,
    settings: FineTuningSettings | None = None,
    monitor: TrainingMonitor | None = None,
    scheduler: str | None = None,
    begun: FineTuneResult | None = None,
) -> Steps[FineTuneResult]:
    """Fine-tune in steps, one yield an iteration; see `fine_tune`. Closing it leaves `model` as it was.

    The monitor looks at better weights only where this process learns. `begun` is what `model` learnt so far:
    learning goes on where that ended, and the result is compared with `model` again. UnetError where it is what
    another model learnt.
    """
    chosen = FineTuningSettings.chosen(settings)
    if not isinstance(model, Model):
        raise UnetError(f"fine_tune needs a model, got a {type(model).__name__}: load_model gives one by its name")
    if model.spec.gives_image:
        raise UnetError(f"{model.spec.name} gives images, which strokes cannot teach: choose another model")
    _require_start(begun, model)
    pairs = as_pairs(pairs, "fine_tune", "annotation")
    chosen = chosen.replace(channels=_as_positions(chosen.channels, pairs))
    sizes = [image.pixel_size if isinstance(image, Source) else None for image, _ in pairs]
    images = [(_array_of(image), annotation) for image, annotation in pairs]
    given = [(image, understood(image, annotation, axes, model)) for image, annotation in images]
    if not given:
        raise UnetError("there is nothing to learn from: paint on an image first")
    require_teachable([annotation for _, annotation in given], model.spec)
    model = yield from at_one_zoom(
        model, given[0][0], axes=axes, settings=chosen, pixel_size=sizes[0], begun=begun
    )
    painted_on = yield from painted_planes(model.spec, given, axes=axes, channels=chosen.channels)
    turned = check_polarity(model, painted_on)
    if turned is model:
        seen = lessons = yield from prepare_regions(model, painted_on, chosen)
    else:  # what the given model sees, and so its score, is another image
        seen = yield from prepare_regions(model, painted_on, chosen.replace(anchor=0))
        painted_on = yield from painted_planes(turned.spec, given, axes=axes, channels=chosen.channels)
        lessons = yield from prepare_regions(turned, painted_on, chosen)
    before = yield from indeterminate(stroke_tables(model, seen, chosen.device), "Looking at the strokes")
    if chosen.anchor is None:
        chosen = chosen.replace(anchor=anchor_weight(lessons, model.spec))
    job = LearningJob(model=turned, lessons=lessons, settings=chosen, before=before, begun=begun)
    yield Progress(done=0, total=0, doing="Learning", figures={"score": job.score})
    result = yield from _learnt(job, monitor or TrainingMonitor(), scheduler)
    scored = yield from indeterminate(
        _in_objects((model, seen), (result.model, lessons), chosen), "Counting objects"
    )
    return replace(result, objects=scored)


def _require_start(begun: FineTuneResult | None, model: Model) -> None:
    """Refuse to go on with what is no result of learning, or what another model learnt."""
    if begun is None:
        return
    if not isinstance(begun, FineTuneResult):
        raise UnetError(f"begun must be what fine_tune returned, got a {type(begun).__name__}")
    if begun.reached is not None and begun.reached.start != identity_of(model):
        raise UnetError("what was learnt so far began with another model: begin with that one, or anew")


def _learnt(job: LearningJob, monitor: TrainingMonitor, scheduler: str | None) -> Steps[FineTuneResult]:
    """Learn, here or on a worker, and return what came of it."""
    if scheduler is None:
        return (yield from job.steps(monitor))
    with workers_of(scheduler) as cluster:
        result: FineTuneResult = yield from cluster.follow(learn_watched, job, monitor.stopped)
    return result


def _in_objects(
    old: tuple[Model, list[TrainingRegion]], new: tuple[Model, list[TrainingRegion]], settings: FineTuningSettings
) -> Steps[ObjectScore | None]:
    """Return how many of the scored objects two models find, each in its lessons; None where none is scored."""
    if new[0].spec.is_semantic:
        return None
    before = yield from found_objects(*old, settings.device)
    after = yield from found_objects(*new, settings.device)
    if not len(after):
        return None
    return ObjectScore(painted=len(after), before=int(before.sum()), after=int(after.sum()))


def _array_of(image: Any) -> Any:
    return image.array if isinstance(image, Source) else as_image(image)


def _as_positions(chosen: Choice | None, pairs: Sequence[Pair]) -> Choice | None:
    """Return channels as positions, where they are named, by the names in the first image that is a `Source`."""
    named = next((image for image, _ in pairs if isinstance(image, Source)), None)
    if chosen is None or named is None:
        return chosen
    return channel_positions(chosen, named.channels, named.channel_names)


def at_one_zoom(
    model: Model,
    image: Any,
    *,
    axes: str | None,
    settings: FineTuningSettings,
    pixel_size: PixelSize | None = None,
    begun: FineTuneResult | None = None,
) -> Steps[Model]:
    """Return the model that sees all images as it is to see this one: what is taught at one size stays so.

    It then knows no pixel size but that of the image, on the scale that the network sees. What was begun goes on
    at its size.
    """
    spec, chosen = model.spec, settings.zoom
    if begun is not None:
        seen = begun.model.spec
        return replace(model, spec=replace(spec, zoom=seen.zoom, sizes=seen.sizes, pixel_size=seen.pixel_size))
    zoom = zoom_of_pixels(pixel_size, spec) if chosen is None else per_axis(chosen, len(spec.axes), "zoom")
    if zoom is None and spec.sizes is None:
        return model
    if zoom is None:
        named = check_axes(axes, image.shape)
        wanted = yield from measured_planes(image, named, spec, channels=settings.channels)
        predictor = Predictor(model.net, PredictionSettings(device=settings.device))
        zoom = yield from choose_zoom(wanted, predictor, spec)
    shared = common_pixel_size([pixel_size], spec.axes)
    learnt = tuple(side / one for side, one in zip(shared, zoom, strict=True)) if shared else None
    return replace(model, spec=replace(spec, zoom=zoom, sizes=None, pixel_size=learnt))


def require_teachable(annotations: list[Annotation], spec: ModelSpec) -> None:
    """Refuse annotations from which this model cannot learn: of a single class, or of one it does not have."""
    if spec.is_semantic:
        require_known_classes(annotations, spec.classes)
    else:
        require_two_classes(annotations)


def understood(image: Any, annotation: Any, axes: str | None, model: Model) -> Annotation:
    """Return the annotation of an image, its shape checked; strokes mean classes where the model answers so."""
    named = check_axes(axes, image.shape)
    require_axes(named, model.spec.axes)
    meaning = painted_classes if model.spec.is_semantic else painted
    meant = annotation if isinstance(annotation, Annotation) else meaning(annotation)
    expected = result_shape(named, image.shape)
    if meant.labels.shape != expected:
        raise UnetError(f"the image is {expected} and its annotation {meant.labels.shape}: they must match")
    return meant
