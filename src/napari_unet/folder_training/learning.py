"""Learn what was prepared: a checkpoint now and then, at the end the best thresholds and the model file."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from napari_unet.folder_training.interrupted import forget_request, keep_request
from napari_unet.folder_training.pairs import psnr_before
from napari_unet.folder_training.preparation import PreparedTraining, prepare_steps
from napari_unet.folder_training.request import TrainingRequest
from napari_unet.models.model import Model
from napari_unet.models.spec import ModelSpec
from napari_unet.models.threshold_search import with_thresholds
from napari_unet.progress import Progress, Steps, map_progress
from napari_unet.training import Training

SECONDS_BETWEEN = 60.0
"""Seconds from one checkpoint to the next: what a crash costs at most, for a file of tens of MB."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingResult:
    """What came of a training."""

    model: Model | None
    """The best so far, as its file has it; None where nothing was validated yet."""
    held_out: int
    """Images that were held out."""
    before: float | None = None
    """PSNR in dB of the held-out images as they are, where images are the truth."""
    is_finished: bool = True
    """Whether it came to its end; else it goes on from its checkpoint."""

    def sentence(self) -> str:
        """Return how good the model is; empty where nothing was held out or nothing is known yet."""
        score = self.model.spec.training.get("validation_score") if self.model else None
        if self.model is None or score is None:
            return ""
        beside = f", of the images as they are {self.before:.2f}" if self.before is not None else ""
        return f"validation {score_name(self.model.spec)} {score}{beside}"


def train_folder_steps(
    request: TrainingRequest, *, is_stopped: Callable[[], bool] = lambda: False
) -> Steps[TrainingResult]:
    """Train on a folder and write the model, one yield a file and then one an optimiser step.

    What was asked for and how far it has come is kept beside the model's file until the end: after closing the
    generator, or a crash, the same request goes on. Where `is_stopped` says so, the best weights so far are
    written.
    """
    prepared = yield from prepare_steps(request)
    keep_request(request, at_work=True)
    training = prepared.training
    steps = checkpointed_steps(training)
    try:
        while not is_stopped():
            try:
                yield next(steps)
            except StopIteration as end:
                return (yield from finish_steps(prepared, end.value, request))
    except GeneratorExit:
        training.save_checkpoint()
        keep_request(request, at_work=False)
        raise
    yield Progress(done=0, total=0, doing="Saving")
    training.save_checkpoint()
    keep_request(request, at_work=False)
    model = training.model().save(request.output) if training.best.weights else None
    return _result(prepared, model, is_finished=False)


def checkpointed_steps(training: Training) -> Steps[Model]:
    """Train with a checkpoint every so many seconds, beside those at each validation."""
    last = time.monotonic()

    def keep(step: Progress) -> Progress:
        nonlocal last
        if time.monotonic() - last > SECONDS_BETWEEN:
            training.save_checkpoint()
            last = time.monotonic()
        return step

    return (yield from map_progress(training.steps(), keep))


def finish_steps(prepared: PreparedTraining, model: Model, request: TrainingRequest) -> Steps[TrainingResult]:
    """Choose thresholds, write the model, and remove the checkpoint."""
    found = yield from with_thresholds(model, prepared.validation, prepared.training.settings.device)
    saved = found.save(request.output)
    prepared.training.forget_checkpoint()
    forget_request(request.output)
    return _result(prepared, saved)


def score_name(spec: ModelSpec) -> str:
    """Return what the figure is called by which a model is chosen."""
    return "PSNR in dB" if spec.gives_image else "mean IoU" if spec.is_semantic else "mean AP"


def _result(prepared: PreparedTraining, model: Model | None, *, is_finished: bool = True) -> TrainingResult:
    images = prepared.validation
    own_units = model is not None and model.spec.gives_image and not model.spec.output_range
    return TrainingResult(
        model=model,
        held_out=len({image.name for image in images}),
        before=psnr_before(images) if own_units else None,
        is_finished=is_finished,
    )
