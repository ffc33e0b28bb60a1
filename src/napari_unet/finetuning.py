"""Fine-tune: a model and a few painted images give a better model, or say that it is not.

Learns from annotated pixels alone; pixels that nobody painted are held to the previous model's own probabilities
(the anchor), a few patches of what the model learnt first are mixed in (replay), and whole strokes are held out to
measure what was gained.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import torch
from torch import Tensor

from napari_unet.arrays.annotations import (
    Annotation,
    painted,
    painted_classes,
    require_known_classes,
    require_two_classes,
)
from napari_unet.arrays.axes import check_axes
from napari_unet.arrays.boundary_weights import WeightSettings
from napari_unet.errors import UnetError
from napari_unet.marking import score_lessons, trust
from napari_unet.models.model import Model, restore_weights, stored_weights
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.augmentation import AugmentationSettings
from napari_unet.nets.device import choose_device, is_out_of_memory
from napari_unet.nets.loss import anchor_loss, weighted_cross_entropy
from napari_unet.nets.optimization import Optimization, OptimizationSettings
from napari_unet.progress import Progress, Report, Steps, finish
from napari_unet.teaching import Lesson, Views, prepare_lessons, replay_lessons

TRUSTED_PIXELS, TRUSTED_STROKES = 200, 3
REPLAY_WEIGHT = 2.0
"""Of replay in the loss, beside 1 for the strokes."""
LUCK = 0.15
"""Half of what one held-out stroke's IoU varies by; the score of n strokes does by its n-th root less."""
FIRST_LOOK = 8
"""Iterations after which the learning is scored and shown for the first time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuningSettings:
    """How to learn from strokes."""

    seconds: float | None = 30.0
    """Time to learn, from the first step; None for as many iterations as said."""
    iterations: int = 10_000
    batch: int = 4
    patch: int = 128
    anchor: float | None = None
    """Weight of staying as the previous model was where nobody painted; 0 switches it off.

    None is what the model deserves on the strokes (`teaching.trust`): near 1 where it was right about most of what
    was painted, near 0 where it does not know the kind of image.
    """
    elsewhere: float = 0.33
    """Share of patches drawn anywhere in the image, for the anchor."""
    replay: float = 0.25
    """Share of patches from what the model learnt first, where it brought some along."""
    held_out: float = 0.2
    """Share of the strokes that is kept from training to measure it."""
    channel: int | None = None
    """Which channel shows the objects where images have several and the model takes one, from 0."""
    seed: int = 0
    device: str = "auto"
    score_every: int = 20
    weights: WeightSettings = field(default_factory=WeightSettings)
    augmentation: AugmentationSettings = field(
        default_factory=lambda: AugmentationSettings(
            scale=(0.6, 1.6), elastic=5, gamma=(0.6, 1.6), contrast=(0.5, 1.5), offset=0.1, noise=0.08, blur=1.2
        )
    )
    optimization: OptimizationSettings = field(
        default_factory=lambda: OptimizationSettings(
            learning_rate=1.5e-3, warmup=10, falling=False, frozen_norm=True
        )
    )

    def __post_init__(self) -> None:
        if self.seconds is not None and self.seconds <= 0:
            raise UnetError(f"the time to learn must be above 0 s, got {self.seconds}")
        for name in ("iterations", "batch", "patch", "score_every"):
            if getattr(self, name) < 1:
                raise UnetError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("elsewhere", "replay", "held_out"):
            if not 0 <= getattr(self, name) < 1:
                raise UnetError(f"{name} must lie in 0..1, got {getattr(self, name)}")
        if self.anchor is not None and self.anchor < 0:
            raise UnetError(f"anchor must not be negative, got {self.anchor}")

    @classmethod
    def from_nothing(cls, **changes: Any) -> Self:
        """Return settings for a fresh network: nothing to hold on to, faster steps, batch norm learns too."""
        recipe: dict[str, Any] = {
            "anchor": 0.0,
            "elsewhere": 0.0,
            "replay": 0.0,
            "optimization": OptimizationSettings(learning_rate=2e-3, warmup=10, falling=False),
        }
        return cls(**{**recipe, **changes})


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuned:
    """What came of it: the new model, both scores, and how far they can be trusted."""

    model: Model
    before: float
    after: float
    """Mean IoU of the classes on the scored pixels, of the old and of the new model."""
    held_out: bool
    """Whether those pixels were kept from training; False where there were too few strokes to keep any."""
    pixels: int
    strokes: int
    """How much was scored."""
    iterations: int
    seconds: float
    history: tuple[dict[str, float], ...] = ()
    remark: str = ""

    @property
    def improved(self) -> bool:
        """Whether the new model is the better one."""
        return self.after > self.before

    def sentence(self) -> str:
        """Return the outcome in words."""
        where = "held-out strokes" if self.held_out else "the painted strokes themselves (none could be held out)"
        word = "better" if self.improved else "not better: the old model stays"
        digits = 2 if round(self.before, 2) != round(self.after, 2) else 3
        text = f"IoU on {where}: {self.before:.{digits}f} before, {self.after:.{digits}f} after; {word}."
        if not self.held_out or self.pixels < TRUSTED_PIXELS or self.strokes < TRUSTED_STROKES:
            text += f" Too few to trust: {self.pixels} pixels in {self.strokes} strokes."
        return f"{text} {self.remark}".strip()


class Companion:
    """Somebody who watches the learning: may stop it, keeping the best so far, and may look at predictions."""

    def stopped(self) -> bool:
        """Whether to end now with the best so far."""
        return False

    def look(self, _model: Model) -> Steps[Any]:
        """Return something to show for the best weights so far; called after every scoring."""
        yield from ()
        return None


Pair = tuple[Any, Any]
"""An image array and what was painted on it: a layer (0, 1, 2...) or an `Annotation`."""


def fine_tune(
    model: Model,
    pairs: Sequence[Pair],
    *,
    axes: str | None = None,
    settings: FineTuningSettings | None = None,
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
    progress
        Called after every iteration, with loss and score.

    Raises
    ------
    UnetError
        If shapes differ, only one class is painted, or nothing is.
    """
    result = finish(fine_tune_steps(model, pairs, axes=axes, settings=settings), progress)
    return result.model if result.improved else model


def fine_tune_steps(
    model: Model,
    pairs: Sequence[Pair],
    *,
    axes: str | None = None,
    settings: FineTuningSettings | None = None,
    companion: Companion | None = None,
) -> Steps[FineTuned]:
    """Fine-tune in steps, one yield an iteration; see `fine_tune`. Closing it leaves `model` as it was."""
    chosen = settings or FineTuningSettings()
    given = [(image, understood(image, annotation, axes, model)) for image, annotation in pairs]
    if not given:
        raise UnetError("there is nothing to learn from: paint on an image first")
    require_teachable([annotation for _, annotation in given], model.spec)
    yield Progress(done=0, total=0, doing="Looking at the strokes")
    lessons = yield from prepare_lessons(model, given, axes=axes, share=chosen.held_out, settings=chosen)
    if chosen.anchor is None:
        chosen = replace(chosen, anchor=trust(lessons, model.spec))
    before = score_lessons(model, lessons, chosen.device)
    learning = Learning(model, lessons, chosen, companion or Companion(), before=before)
    yield Progress(done=0, total=0, doing="Learning", figures={"score": before})
    yield from learning.steps()
    return learning.result()


def require_teachable(annotations: list[Annotation], spec: ModelSpec) -> None:
    """Refuse annotations from which this model cannot learn: of a single class, or of one it does not have."""
    if spec.is_semantic:
        require_known_classes(annotations, spec.classes)
    else:
        require_two_classes(annotations)


def understood(image: Any, annotation: Any, axes: str | None, model: Model) -> Annotation:
    """Return the annotation of an image, its shape checked; strokes mean classes where the model answers so."""
    named = check_axes(axes, image.shape)
    meaning = painted_classes if model.spec.is_semantic else painted
    meant = annotation if isinstance(annotation, Annotation) else meaning(annotation)
    expected = tuple(length for axis, length in zip(named, image.shape, strict=True) if axis not in "CS")
    if meant.labels.shape != expected:
        raise UnetError(f"the image is {expected} and its annotation {meant.labels.shape}: they must match")
    return meant


class Learning:
    """The loop: draw views of the lessons, step, score now and then, remember the weights that did well."""

    def __init__(
        self,
        model: Model,
        lessons: list[Lesson],
        settings: FineTuningSettings,
        companion: Companion,
        *,
        before: float,
    ) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.before = before
        self.history: list[dict[str, float]] = []
        self._model = model
        self._lessons = lessons
        self._companion = companion
        self._batch_size = settings.batch
        self._views = Views(lessons, replay_lessons(model, settings.device), model, settings)
        self._optimization = Optimization(
            copy.deepcopy(model.net),
            settings.optimization,
            iterations=settings.iterations,
            device=choose_device(settings.device),
        )
        self._highest = -1.0
        self._kept: tuple[float, int, dict[str, Tensor]] = (-1.0, 0, {})
        self._seconds = 0.0
        self._remark = ""

    def steps(self) -> Steps[None]:
        """Learn until time or iterations are used up, one yield an iteration."""
        began = time.monotonic()
        while not self._is_over(time.monotonic() - began):
            iteration = self._optimization.iteration
            try:
                loss = self._step(iteration)
            except UnetError as error:  # the loss is no number any more
                self._remark = f"Stopped early: {error}."
                break
            preview = None
            if self._is_scored(iteration + 1):
                self._score(loss)
                preview = yield from self._companion.look(self._best_model())
            self._seconds = time.monotonic() - began
            yield replace(self._progress(loss), preview=preview)
        if not self._is_scored(self._optimization.iteration):
            self._score(float("nan"))

    def result(self) -> FineTuned:
        """Return the kept weights as a model with lineage, beside the score of the old one."""
        before = self.before
        after, iterations, weights = self._kept
        net = copy.deepcopy(self._model.net)
        if weights:
            restore_weights(net, weights)
        else:  # stopped before the first step
            after = before
        learnt = {
            "data": [lesson.name for lesson in self._lessons],
            "iterations": iterations,
            "seconds": round(self._seconds, 1),
            "annotated_pixels": sum(lesson.annotation.pixels for lesson in self._lessons),
            "score_before": round(before, 4),
            "score_after": round(after, 4),
            "anchor": round(self.settings.anchor or 0.0, 3),
            "seed": self.settings.seed,
        }
        spec = replace(
            self._model.spec,
            training={**self._model.spec.training, "fine_tuning": learnt},
            parent=self._model.sha256 or None,
        )
        held = any(lesson.held_out.held for lesson in self._lessons)
        return FineTuned(
            model=Model(net=net.eval(), spec=spec),
            before=before,
            after=after,
            held_out=held,
            pixels=sum(lesson.scored_pixels for lesson in self._lessons),
            strokes=sum(lesson.scored_strokes for lesson in self._lessons),
            iterations=iterations,
            seconds=self._seconds,
            history=tuple(self.history),
            remark=self._remark,
        )

    def _best_model(self) -> Model:
        net = copy.deepcopy(self._model.net)
        restore_weights(net, self._kept[2])
        return replace(self._model, net=net.eval())

    def _step(self, iteration: int) -> float:
        """Take a step; when memory runs out, go on with half the batch."""
        try:
            views = self._views.batch(iteration, self._batch_size, self._optimization.device)

            old = views.replayed.reshape(-1, *(1,) * (views.weights.ndim - 1))

            def loss_of(logits: Tensor) -> Tensor:
                loss = weighted_cross_entropy(logits, views.classes, views.weights)
                if views.replayed.any():
                    loss = loss + REPLAY_WEIGHT * anchor_loss(logits, views.previous, views.anchored * old)
                if self.settings.anchor:
                    loss = loss + self.settings.anchor * anchor_loss(logits, views.previous, views.anchored * ~old)
                return loss

            return self._optimization.step(views.images, loss_of)
        except RuntimeError as error:
            if not is_out_of_memory(error) or self._batch_size == 1:
                raise
            self._batch_size //= 2
            return self._step(iteration)

    def _score(self, loss: float) -> None:
        net = copy.deepcopy(self._optimization.averaged).cpu()
        weights = stored_weights(net)
        restore_weights(net, weights)
        score = score_lessons(replace(self._model, net=net), self._lessons, self.settings.device)
        iteration = self._optimization.iteration
        self.history.append({"iteration": iteration, "seconds": self._seconds, "loss": loss, "score": score})
        if self._is_kept(score):
            self._kept = (score, iteration, weights)

    def _is_kept(self, score: float) -> bool:
        """Whether weights with this score on the held-out strokes take the place of those kept so far.

        The latest are kept whose score lies within chance of the highest: a few strokes cannot tell more, and who
        picks the highest of many picks luck (the one-standard-error rule of Breiman et al., "Classification and
        Regression Trees", 1984). But never worse than the old model where others were better than it. Where no
        stroke is held out, the score only says how well they are known by heart: the last weights are kept.
        """
        strokes = sum(len(lesson.held_out.held) for lesson in self._lessons)
        if not strokes:
            return True
        self._highest = max(self._highest, score)
        chance = LUCK / math.sqrt(strokes)
        return score == self._highest or score >= max(self._highest - chance, self.before + 0.01)

    def _is_scored(self, iteration: int) -> bool:
        """Whether to score after an iteration: once early, for something to see soon, then regularly."""
        return iteration == FIRST_LOOK or iteration % self.settings.score_every == 0

    def _is_over(self, seconds: float) -> bool:
        limit = self.settings.seconds
        if self._companion.stopped():
            return True
        return self._optimization.iteration >= self.settings.iterations or (limit is not None and seconds >= limit)

    def _progress(self, loss: float) -> Progress:
        figures = {"loss": loss, "score": max(self._kept[0], 0.0), "seconds": self._seconds}
        limit = self.settings.seconds
        if limit is not None:
            tenths = min(int(self._seconds * 10), int(limit * 10))
            return Progress(done=tenths, total=int(limit * 10), doing="Learning", figures=figures)
        done = self._optimization.iteration
        return Progress(done=done, total=self.settings.iterations, doing="Learning", figures=figures)
