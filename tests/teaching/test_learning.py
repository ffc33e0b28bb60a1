"""The loop: memory, numbers that are none, mixed weights, and which weights are kept."""

import copy
import re
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.arrays.annotations import painted
from napari_unet.errors import UnetError
from napari_unet.finetuning import fine_tune_steps
from napari_unet.models.library import load_model
from napari_unet.nets.architectures import build_net
from napari_unet.nets.loss import anchor_loss
from napari_unet.nets.optimization import mix_weights
from napari_unet.progress import finish
from napari_unet.teaching.interpolation import SHARES, agreement, best_mixture
from napari_unet.teaching.learning import Learning, LearningJob, TrainingMonitor
from napari_unet.teaching.scores import mean_iou, stroke_tables
from napari_unet.teaching.terms.anchor import Anchor
from napari_unet.teaching.terms.mean_teacher import MeanTeacher
from napari_unet.teaching.terms.replay import Replay
from napari_unet.teaching.terms.step import Step
from napari_unet.teaching.terms.strokes import Strokes
from napari_unet.teaching.training_regions import replay_regions
from tests.teaching.small import (
    QUICK,
    image_and_truth,
    lessons_of,
    small_model,
    strokes,
)

NOTHING = np.zeros((0, 2, 2), np.int64)


def job(model, lessons, settings, before):
    return LearningJob(model=model, lessons=lessons, settings=settings, before=before)


@pytest.fixture
def model():
    return small_model()


def test_memory_that_runs_out_halves_the_batch_and_goes_on(model, monkeypatch):
    from napari_unet.nets.optimization import Optimization

    step, sizes = Optimization.step, []

    def short_of_memory(self, images, loss_of):
        sizes.append(len(images))
        if len(images) > 1:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return step(self, images, loss_of)

    monkeypatch.setattr(Optimization, "step", short_of_memory)
    image, truth = image_and_truth()
    finish(fine_tune_steps(model, [(image, strokes(truth))], settings=QUICK.replace(iterations=3, batch=4)))
    assert sizes[:3] == [4, 2, 1]


def test_a_loss_that_is_no_number_stops_and_keeps_the_best(model):
    image, truth = image_and_truth()
    wild = QUICK.optimization.replace(learning_rate=1e30, optimizer="sgd", warmup=0)
    settings = QUICK.replace(iterations=50, score_every=1, optimization=wild)
    result = finish(fine_tune_steps(model, [(image, strokes(truth))], settings=settings))
    assert "Stopped early: the loss became" in result.remark
    assert all(bool(value.isfinite().all()) for value in result.model.net.state_dict().values())
    for name, value in model.net.state_dict().items():  # no step left weights that a file could hold
        torch.testing.assert_close(result.model.net.state_dict()[name], value, atol=1e-3, rtol=1e-3)
    assert not result.improved


def test_learning_ends_where_the_score_no_longer_rises(model, monkeypatch):
    monkeypatch.setattr("napari_unet.teaching.learning.PATIENCE", 20)
    image, truth = image_and_truth()
    still = QUICK.optimization.replace(learning_rate=1e-12)
    settings = QUICK.replace(iterations=200, optimization=still)
    lessons = lessons_of(model, [(image, painted(strokes(truth)))], settings)
    learning = Learning(job(model, lessons, settings, NOTHING), TrainingMonitor())
    monkeypatch.setattr(learning, "_worth", lambda _: (True, -float(learning._optimization.iteration)))
    finish(learning.steps())
    assert learning.result().iterations == 8
    assert learning._optimization.iteration == 28


def test_learning_that_time_ended_early_says_that_it_has_only_begun(model):
    image, truth = image_and_truth()
    pairs = [(image, strokes(truth))]
    begun = finish(fine_tune_steps(model, pairs, settings=QUICK.replace(seconds=1e-6, iterations=9)))
    assert re.search(r"\d iterations?: learning has only begun", begun.sentence())
    whole = finish(fine_tune_steps(model, pairs, settings=QUICK.replace(seconds=None, iterations=2)))
    assert "only begun" not in whole.sentence()


def test_weights_that_lost_on_held_out_strokes_do_not_outlive_others(model):
    """However well they know the strokes that were taught by heart."""
    image, truth = image_and_truth()
    lessons = lessons_of(model, [(image, painted(strokes(truth)))], QUICK.replace(held_out=0.3))
    before = np.array([np.diag([90, 0]), np.diag([0, 90])])
    learning = Learning(job(model, lessons, QUICK, before), TrainingMonitor())
    equal = learning._worth(learning.before)
    learning._taught.table = np.diag([1.0, 1.0])
    assert learning._worth(learning.before - 0.4) < equal < learning._worth(learning.before)


def test_the_loss_is_the_sum_of_its_terms_and_each_can_be_left_out(model):
    image, truth = image_and_truth()
    lessons = lessons_of(model, [(image, painted(strokes(truth)))], QUICK.replace(anchor=0.5))
    full = Learning(job(model, lessons, QUICK.replace(anchor=0.5), NOTHING), TrainingMonitor())
    bare = QUICK.replace(anchor=0, consistency=0)
    kinds = [type(term) for term in full._terms]
    assert set(kinds) == {Strokes, Replay, Anchor, MeanTeacher}
    few = Learning(job(model, lessons, bare, NOTHING), TrainingMonitor())
    assert {type(term) for term in few._terms} == {Strokes, Replay}
    batch = full._views.batch(0, 4, torch.device("cpu"))
    batch = replace(batch, replayed=torch.tensor([True, False, False, False]), blank=torch.ones_like(batch.blank))
    logits = torch.randn(batch.previous.shape)
    step = Step(batch=batch, logits=logits, optimization=full._optimization)
    parts = [term.loss(step) for term in full._terms]
    assert all(part > 0 for part in parts)
    torch.testing.assert_close(full._loss(logits, batch), sum(parts))


def test_replay_holds_replayed_views_alone_and_weighs_more_than_strokes(model):
    image, truth = image_and_truth()
    lessons = lessons_of(model, [(image, painted(strokes(truth)))], QUICK.replace(anchor=0.5))
    learning = Learning(job(model, lessons, QUICK.replace(anchor=0.5), NOTHING), TrainingMonitor())
    batch = learning._views.batch(0, 2, torch.device("cpu"))
    batch = replace(batch, replayed=torch.tensor([True, False]), blank=torch.ones_like(batch.blank))
    logits = torch.randn(batch.previous.shape, requires_grad=True)
    loss = Replay().loss(Step(batch=batch, logits=logits, optimization=learning._optimization))
    loss.backward()
    assert logits.grad[0].any()
    assert not logits.grad[1].any()
    alone = anchor_loss(logits[:1], batch.previous[:1], batch.blank[:1])
    torch.testing.assert_close(loss, 2 * alone)


@given(st.floats(0, 1))
def test_mixed_weights_lie_between_the_new_and_the_old(share):
    torch.manual_seed(0)
    new, old = (build_net("padded", {"base_channels": 2, "levels": 1}) for _ in range(2))
    fresh = {name: value.clone() for name, value in new.state_dict().items()}
    mix_weights(new, old, share)
    for name, value in new.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(value, torch.lerp(fresh[name], old.state_dict()[name], share))


def test_of_all_mixtures_with_the_old_weights_the_best_on_strokes_and_replay_is_kept():
    """Of weights that forgot everything and learnt nothing, as few are taken as are tried."""
    shipped = load_model("nuclei")
    ruined = replace(shipped, net=build_net(shipped.spec.architecture, shipped.spec.arguments).eval())
    replay = replay_regions(shipped)[:4]
    image, truth = image_and_truth()
    lessons = lessons_of(shipped, [(255 - image, painted(strokes(truth)))], QUICK.replace(anchor=0))
    mixture, tables = finish(best_mixture(shipped, ruined, lessons, replay, "cpu"))
    least = shipped.net.state_dict()["head.bias"].lerp(ruined.net.state_dict()["head.bias"], SHARES[0])
    torch.testing.assert_close(mixture.net.state_dict()["head.bias"], least)
    assert tables.sum() == finish(stroke_tables(shipped, lessons, "cpu")).sum()
    assert agreement(shipped, replay) > 0.95 > agreement(ruined, replay)
    unchanged, _ = finish(best_mixture(ruined, shipped, lessons, replay, "cpu"))
    torch.testing.assert_close(unchanged.net.state_dict()["head.bias"], shipped.net.state_dict()["head.bias"])
    assert mean_iou(finish(stroke_tables(unchanged, lessons, "cpu")).sum(0)) > 0.9


def test_where_nothing_is_replayed_the_new_weights_are_kept(model):
    other = replace(model, net=build_net("padded", model.spec.arguments).eval())
    assert finish(best_mixture(model, other, [], [], "cpu"))[0] is other


def test_a_clear_loss_on_held_out_strokes_is_no_gain_whatever_was_learnt_by_heart(bright_model):
    image, truth = image_and_truth()
    image = 220 - image  # the model is right about every stroke
    wrong = strokes(truth)
    said = painted(np.where(wrong > 1, 1, np.where(wrong == 1, 2, 0)))  # and is taught the opposite
    held = QUICK.replace(held_out=0.3, iterations=60, anchor=0)
    lessons = lessons_of(bright_model, [(image, said)], held)
    truthful = [
        replace(one, annotation=replace(one.annotation, labels=np.where(
            one.held_out.mask, truth[one.place] > 0, one.annotation.labels
        ).astype(np.int32), complete=np.zeros(99, bool)))
        for one in lessons
    ]  # fmt: skip
    before = finish(stroke_tables(bright_model, truthful, "cpu"))
    learning = Learning(job(bright_model, truthful, held, before), TrainingMonitor())
    finish(learning.steps())
    result = learning.result()
    assert result.after < result.before - 0.1
    assert not result.improved
    assert "not better" in result.sentence()


def test_a_second_try_does_not_start_with_the_memory_of_the_first(model, monkeypatch):
    """What ran out of memory must let go of it before less is tried."""
    image, truth = image_and_truth()
    lessons = lessons_of(model, [(image, painted(strokes(truth)))], QUICK)
    learning = Learning(job(model, lessons, QUICK.replace(iterations=1, batch=4), NOTHING), TrainingMonitor())
    batch, first = learning._views.batch, []

    def short_of_memory(iteration, size, device):
        assert not first or first[0]() is None
        views = batch(iteration, size, device)
        if not first:
            first.append(weakref.ref(views.images))
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return views

    monkeypatch.setattr(learning._views, "batch", short_of_memory)
    finish(learning.steps())
    assert first
    assert learning.result().iterations == 1


def test_scoring_gives_the_window_a_turn_and_leaves_the_bar_where_it_is(model):
    image, truth = image_and_truth()
    settings = QUICK.replace(iterations=10, score_every=5)
    steps = list(fine_tune_steps(model, [(image, strokes(truth))], settings=settings))
    learning = [step.done for step in steps if step.doing == "Learning" and step.total]
    assert learning == sorted(learning)
    assert len(learning) > 10  # one an iteration, and some for the scores


def test_learning_leaves_the_draws_of_the_process_alone(model):
    image, truth = image_and_truth()
    torch.manual_seed(5)
    finish(fine_tune_steps(model, [(image, strokes(truth))], settings=QUICK.replace(iterations=2)))
    drawn = torch.rand(3)
    torch.manual_seed(5)
    torch.testing.assert_close(drawn, torch.rand(3), rtol=0, atol=0)


def test_learning_goes_on_where_it_ended(model):
    image, truth = image_and_truth()
    pairs = [(image, strokes(truth))]
    losses = []

    def learnt(begun=None, iterations=40):
        steps = fine_tune_steps(model, pairs, settings=QUICK.replace(iterations=iterations), begun=begun)
        result = finish(steps, lambda progress: losses.append(progress.figures.get("loss")))
        return result, [loss for loss in losses if loss is not None]

    first, once = learnt()
    longer, twice = learnt(first)
    assert longer.reached.iterations == 2 * first.reached.iterations == 80
    start, end, went_on = (np.mean(part) for part in (once[:5], once[-5:], twice[40:45]))
    assert abs(went_on - end) < abs(went_on - start), "what was learnt is known from the first step on"
    assert longer.before == first.before, "it is compared with the same model"
    assert longer.after >= first.after
    assert longer.seconds > first.seconds
    again, _ = learnt(first, iterations=1)
    assert again.after >= first.after, "what was best is not lost by going on"
    other = replace(model, net=copy.deepcopy(model.net), sha256="")
    with torch.no_grad():
        other.net.head.bias += 0.5
    with pytest.raises(UnetError, match="began with another model"):
        finish(fine_tune_steps(other, pairs, settings=QUICK, begun=first))
    with pytest.raises(UnetError, match="begun must be what fine_tune returned, got a Model"):
        finish(fine_tune_steps(model, pairs, settings=QUICK, begun=model))
