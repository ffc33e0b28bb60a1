"""The loop of fine-tuning: views of the lessons, steps, scores, and which weights are kept."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_unet.memory import is_out_of_memory
from napari_unet.models.model import Model, identity_of, restore_weights, stored_weights
from napari_unet.nets.crop import require_teachable
from napari_unet.nets.device import choose_device
from napari_unet.nets.optimization import NoNumberError, Optimization
from napari_unet.nets.seeding import seeded
from napari_unet.nets.unet import UNet
from napari_unet.progress import Progress, Steps, map_progress
from napari_unet.settings.finetuning import FineTuningSettings
from napari_unet.teaching.interpolation import best_mixture
from napari_unet.teaching.result import FineTuneResult, Reached, paired_spread
from napari_unet.teaching.sampling import Batch, BatchSampler
from napari_unet.teaching.scores import mean_iou, stroke_tables
from napari_unet.teaching.taught import TaughtPixels
from napari_unet.teaching.terms.chosen import terms_of
from napari_unet.teaching.terms.step import Step
from napari_unet.teaching.training_regions import TrainingRegion, replay_regions
from napari_unet.words import counted

FIGURES = ("loss", "validation", "validation_images", "validation_score")
"""What a training notes of how good the model is."""
PATIENCE = 200
"""Iterations without better weights after which learning ends: ten scores."""
MIN_ITERATIONS = 100
"""Learning that the time limit ends before has only begun: docs/explanation/teaching.md measures 120."""
FIRST_LOOK = 8
"""Iterations after which the learning is scored and shown for the first time."""


class TrainingMonitor:
    """Watches the learning: may stop it, keeping the best so far, and may make a preview of the predictions."""

    def stopped(self) -> bool:
        """Whether to end now with the best so far."""
        return False

    def look(self, _model: Model) -> Steps[Any]:
        """Return something to show for the best weights so far; called after every scoring."""
        yield from ()
        return None


@dataclass(frozen=True, kw_only=True)
class LearningJob:
    """What is to be learnt; pickled, it goes to other processes."""

    model: Model
    lessons: list[TrainingRegion]
    settings: FineTuningSettings
    before: NDArray[np.int64]
    """The model's tables of the scored strokes, see `stroke_tables`."""
    begun: FineTuneResult | None = None
    """What was learnt so far: learning goes on from where that ended."""

    @property
    def score(self) -> float:
        """Return the score of the model as it is."""
        return mean_iou(self.before.sum(axis=0))

    def steps(self, monitor: TrainingMonitor) -> Steps[FineTuneResult]:
        """Learn, one yield an iteration, and return what came of it."""
        learning = Learning(self, monitor)
        yield from learning.steps()
        return learning.result()


def learn_watched(job: LearningJob, stopped: Callable[[], bool]) -> Steps[FineTuneResult]:
    """Learn without previews, until `stopped` says so: a task for a worker."""

    class Stopping(TrainingMonitor):
        def stopped(self) -> bool:
            return stopped()

    return job.steps(Stopping())


class Learning:
    """The loop: draw views of the lessons, step, score now and then, remember the weights that did well."""

    def __init__(self, job: LearningJob, monitor: TrainingMonitor) -> None:
        """Prepare to learn."""
        model, lessons, settings, before = job.model, job.lessons, job.settings, job.before
        self.settings = settings
        self.before = job.score
        self._tables = before
        self.history: list[dict[str, float]] = []
        self._model = model
        self._lessons = lessons
        self._monitor = monitor
        self._batch_size = settings.batch
        self._taught = TaughtPixels(model.spec)
        self._replay = replay_regions(model)
        self._views = BatchSampler(lessons, self._replay, model, settings)
        normed = not settings.optimization.frozen_norm
        require_teachable(model.net, settings.batch, self._views.sides[1], normed=normed)
        self._former, self._earlier = job.begun, 0
        net = copy.deepcopy(model.net)
        if job.begun is not None and (reached := job.begun.reached) is not None:
            restore_weights(net, reached.weights)
            self._taught.table, self._earlier = reached.taught, reached.iterations
        self._optimization = Optimization(
            net,
            settings.optimization,
            iterations=settings.iterations,
            device=choose_device(settings.device),
        )
        self._terms = terms_of(settings)
        self._kept: tuple[NDArray[np.int64], int, dict[str, Tensor]] = (before, 0, stored_weights(model.net))
        self._kept_worth = (False, -1.0)
        self._seconds = 0.0
        self._remark = ""

    def steps(self) -> Steps[None]:
        """Learn until the score stops rising, or time or iterations are used up; one yield an iteration."""
        if self._former is not None:
            yield from self._consider(stored_weights(self._former.model.net), self._former.iterations)
        began = time.monotonic()
        while not self._is_over(elapsed := time.monotonic() - began):
            iteration = self._iteration
            try:
                loss = self._step(iteration)
            except NoNumberError as error:
                self._remark = f"Stopped early: {error}."
                break
            preview = None
            if self._is_scored(iteration + 1):
                yield from self._score(loss)
                seen = self._monitor.look(self._best_model())
                preview = yield from map_progress(seen, lambda _: self._progress())
            self._seconds = time.monotonic() - began
            yield self._progress({"loss": loss}, preview)
        else:  # the loss stayed a number
            if not self._is_scored(self._iteration):
                yield from self._score(float("nan"))
            self._say_how_far(elapsed)
        if self._kept[1] and self._model.spec.training:  # what has learnt nothing has nothing to keep
            yield from self._mix()

    def result(self) -> FineTuneResult:
        """Return the kept weights as a model with lineage, and the score of the old one."""
        tables, iterations, weights = self._kept
        seconds = self._seconds + (self._former.seconds if self._former else 0)
        start, ended = identity_of(self._model), stored_weights(self._optimization.averaged)
        reached = Reached(start=start, weights=ended, taught=self._taught.table, iterations=self._iteration)
        before, after = self.before, mean_iou(tables.sum(axis=0))
        learnt = {
            "data": list(dict.fromkeys(lesson.name for lesson in self._lessons)),
            "iterations": iterations,
            "seconds": round(seconds, 1),
            "annotated_pixels": sum(lesson.annotation.pixels for lesson in self._lessons),
            "score_before": round(before, 4),
            "score_after": round(after, 4),
            "anchor": round(self.settings.anchor or 0.0, 3),
            "seed": self.settings.seed,
        }
        # the figures of the old model are not those of the new one
        inherited = {name: fact for name, fact in self._model.spec.training.items() if name not in FIGURES}
        spec = replace(
            self._model.spec,
            training={**inherited, "fine_tuning": learnt},
            parent=self._model.sha256 or None,
        )
        return FineTuneResult(
            model=Model(net=self._net_with(weights), spec=spec),
            before=before,
            after=after,
            spread=paired_spread(self._tables, tables),
            held_out=self._holds_out,
            pixels=int(self._tables.sum()),
            strokes=len(self._tables),
            iterations=iterations,
            seconds=seconds,
            reached=reached if _are_finite(ended) else None,
            history=tuple(self.history),
            remark=self._remark,
        )

    def _tables_of(self, net: UNet) -> Steps[NDArray[np.int64]]:
        """Return the tables of the scored strokes by a network; the bar stays where it is meanwhile."""
        steps = stroke_tables(replace(self._model, net=net), self._lessons, self.settings.device)
        return map_progress(steps, lambda _: self._progress())

    @property
    def _holds_out(self) -> bool:
        return any(lesson.held_out.held for lesson in self._lessons)

    def _best_model(self) -> Model:
        return replace(self._model, net=self._net_with(self._kept[2]))

    def _net_with(self, weights: dict[str, Tensor]) -> UNet:
        net = copy.deepcopy(self._model.net)
        restore_weights(net, weights)
        return net.eval()

    def _step(self, iteration: int) -> float:
        """Take a step; when memory runs out, go on with half the batch."""
        while True:
            try:
                return self._attempt(iteration)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error) or self._batch_size == 1:
                    raise
            self._batch_size //= 2  # out here, where the error no longer holds on to the memory of the attempt

    def _attempt(self, iteration: int) -> float:
        batch = self._views.batch(iteration, self._batch_size, self._optimization.device)
        with seeded(self.settings.seed + iteration):  # for dropout
            return self._optimization.step(batch.images, lambda logits: self._loss(logits, batch))

    def _loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the sum of the terms."""
        self._taught.note(logits, batch)
        step = Step(batch=batch, logits=logits, optimization=self._optimization)
        return torch.stack([term.loss(step) for term in self._terms]).sum()

    def _mix(self) -> Steps[None]:
        """Keep the mixture of old and new weights that is best on strokes and replay crops together."""
        iteration = self._kept[1]
        steps = best_mixture(self._model, self._best_model(), self._lessons, self._replay, self.settings.device)
        mixture, tables = yield from map_progress(steps, lambda _: self._progress())
        self._kept = (tables, iteration, stored_weights(mixture.net))

    def _score(self, loss: float) -> Steps[None]:
        """Score the averaged weights, note that, and keep them where they are worth it."""
        weights = stored_weights(self._optimization.averaged)
        if not _are_finite(weights):
            return
        score = yield from self._consider(weights, self._iteration)
        entry = {"iteration": self._iteration, "seconds": self._seconds, "loss": loss, "score": score}
        self.history.append(entry)

    def _consider(self, weights: dict[str, Tensor], iteration: int) -> Steps[float]:
        """Keep weights of an iteration where none before were worth more; return their score."""
        tables = yield from self._tables_of(self._net_with(weights))
        score = mean_iou(tables.sum(axis=0))
        if (worth := self._worth(score)) >= self._kept_worth:
            self._kept, self._kept_worth = (tables, iteration, weights), worth
        return score

    def _worth(self, score: float) -> tuple[bool, float]:
        """Return by what weights are kept: not being worse than the old model, then knowing all strokes.

        A few held-out strokes alone would pick luck, the taught ones alone what is known by heart; so both count
        half. Where no stroke is held out the last weights are kept.
        """
        if not self._holds_out:
            return True, 1.0
        return score >= self.before, (score + self._taught.score()) / 2

    def _is_scored(self, iteration: int) -> bool:
        """Whether to score after an iteration: once early, for something to see soon, then regularly."""
        return iteration == FIRST_LOOK or iteration % self.settings.score_every == 0

    @property
    def _iteration(self) -> int:
        """The steps so far, with those of an earlier learning."""
        return self._earlier + self._optimization.iteration

    def _is_over(self, seconds: float) -> bool:
        done = self._optimization.iteration
        if self._monitor.stopped() or done >= self.settings.iterations or self._is_late(seconds):
            return True
        return min(done, self._iteration - self._kept[1]) >= PATIENCE

    def _is_late(self, seconds: float) -> bool:
        return self.settings.seconds is not None and seconds >= self.settings.seconds

    def _say_how_far(self, seconds: float) -> None:
        """Remark that learning has only begun, where the time limit ended it early."""
        count = self._iteration
        if self._is_late(seconds) and count < MIN_ITERATIONS:
            self._remark = f"{counted(count, 'iteration')}: learning has only begun; learn for longer."

    def _progress(self, step: dict[str, float] | None = None, preview: object = None) -> Progress:
        """Return how far learning has come, by seconds or iterations; `step` holds the figures of a step."""
        score = mean_iou(self._kept[0].sum(axis=0))
        figures = {**step, "score": score, "seconds": self._seconds} if step else {}
        done, total, limit = self._optimization.iteration, self.settings.iterations, self.settings.seconds
        if limit is not None:  # in tenths of a second
            done, total = min(int(self._seconds * 10), int(limit * 10)), int(limit * 10)
        return Progress(done=done, total=total, doing="Learning", figures=figures, preview=preview)


def _are_finite(weights: dict[str, Tensor]) -> bool:
    return all(bool(values.isfinite().all()) for values in weights.values())
