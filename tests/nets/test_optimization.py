"""Steps that can be repeated, interrupted and gone on with, bit for bit."""

import math
from functools import partial

import pytest
import torch

from napari_unet.errors import UnetError
from napari_unet.nets.loss import weighted_cross_entropy
from napari_unet.nets.optimization import Optimization
from napari_unet.settings.optimization import OptimizationSettings
from tests.nets.small import noise, small_net

CPU = torch.device("cpu")
ADAMW = OptimizationSettings(half=False, warmup=3)
PAPER = OptimizationSettings(
    optimizer="sgd", learning_rate=1e-3, weight_decay=0, falling=False, average=False, half=False
)


def start(settings=ADAMW, seed=0, iterations=12, **arguments):
    net = small_net("padded", seed=seed, levels=2, **arguments)
    return Optimization(net, settings, iterations=iterations, device=CPU)


def batch(iteration, side=16):
    images = noise(2, 1, side, side, seed=iteration)
    return images, (images[:, 0] > 0).long(), torch.ones(2, side, side)


def step(optimization, images, targets, weights):
    return optimization.step(images, partial(weighted_cross_entropy, target=targets, weights=weights))


def go(optimization, stop):
    return [step(optimization, *batch(optimization.iteration)) for _ in range(stop - optimization.iteration)]


def weights(optimization):
    return {
        **optimization.net.state_dict(),
        **{f"a.{k}": v for k, v in optimization.averaged.state_dict().items()},
    }


def same(one, other):
    return all(torch.equal(value, weights(other)[name]) for name, value in weights(one).items())


def test_the_same_seed_gives_the_same_weights():
    one, other = start(), start()
    assert go(one, 5) == go(other, 5)
    assert same(one, other)
    assert not same(one, start(seed=1))


@pytest.mark.parametrize(("settings", "rate"), [(ADAMW, 2e-2), (PAPER, 1e-2)])
def test_the_loss_falls(settings, rate):
    losses = go(start(settings.replace(learning_rate=rate, warmup=3), iterations=40), 40)
    assert sum(losses[-5:]) < 0.85 * sum(losses[:5])


@pytest.mark.parametrize("settings", [ADAMW, PAPER])
def test_going_on_from_a_checkpoint_equals_never_having_stopped(settings, tmp_path):
    whole, first, second = start(settings), start(settings), start(settings, seed=9)
    expected = go(whole, 9)
    go(first, 4)
    first.save(tmp_path / "checkpoint", {"history": [1, "two"]})
    assert second.restore(tmp_path / "checkpoint") == {"history": [1, "two"]}
    assert second.iteration == 4
    assert go(second, 9) == expected[4:]
    assert same(whole, second)


def test_a_checkpoint_before_the_first_step_is_one_too(tmp_path):
    start().save(tmp_path / "checkpoint", {})
    other = start(seed=9)
    other.restore(tmp_path / "checkpoint")
    assert same(other, start())


def test_the_rate_rises_then_falls_to_0():
    optimization, rates = start(iterations=20), []
    for optimization.iteration in range(21):
        rates.append(optimization.learning_rate())
    assert rates[:2] == pytest.approx([2e-3 / 3, 4e-3 / 3], rel=0.05)
    assert max(rates) == rates[2]
    assert sorted(rates[2:], reverse=True) == rates[2:]
    assert rates[-1] == pytest.approx(0, abs=1e-12)


def test_the_papers_rate_stays():
    optimization = start(PAPER)
    optimization.iteration = 1000
    assert optimization.learning_rate() == 1e-3


def test_without_averaging_the_result_is_the_present_network():
    optimization = start(PAPER)
    go(optimization, 3)
    for name, value in optimization.averaged.state_dict().items():
        if value.is_floating_point():
            assert torch.equal(value, optimization.net.state_dict()[name])


def test_the_average_trails_the_network():
    optimization = start()
    before = optimization.averaged.head.weight.clone()
    go(optimization, 3)
    assert not torch.equal(optimization.averaged.head.weight, before)
    assert not torch.equal(optimization.averaged.head.weight, optimization.net.head.weight)
    assert not optimization.averaged.training


@pytest.mark.parametrize(
    "kind",
    ["adamw", "sgd"],
)
def test_weight_decay_pulls_weights_towards_0(kind):
    options = {"optimizer": kind, "half": False, "warmup": 0, "average": False, "momentum": 0}
    still, decaying = (start(OptimizationSettings(weight_decay=decay, **options)) for decay in (0, 10))
    go(still, 2)
    go(decaying, 2)
    assert decaying.net.head.weight.norm() < 0.99 * still.net.head.weight.norm()


def test_a_batch_without_annotation_changes_nothing_but_statistics():
    optimization = start(PAPER)
    before = [parameter.clone() for parameter in optimization.net.parameters()]
    images, targets, _ = batch(0)
    assert step(optimization, images, targets, torch.zeros(2, 16, 16)) == 0
    assert all(torch.equal(a, b) for a, b in zip(before, optimization.net.parameters(), strict=True))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_with_a_sentence_and_keeps_the_weights(value):
    optimization = start()
    go(optimization, 2)
    before = [parameter.clone() for parameter in optimization.net.parameters()]
    images, targets, ones = batch(2)
    with pytest.raises(UnetError, match="the loss became nan at iteration 2: choose a lower learning rate"):
        step(optimization, images * value, targets, ones)
    assert all(torch.equal(a, b) for a, b in zip(before, optimization.net.parameters(), strict=True))


def test_frozen_batch_norm_keeps_its_statistics_and_still_learns():
    frozen = start(ADAMW.replace(frozen_norm=True))
    go(frozen, 2)
    before = start().net.state_dict()
    for name, value in frozen.net.state_dict().items():
        assert torch.equal(value, before[name]) == ("running" in name or "tracked" in name), name


def test_a_damaged_checkpoint_is_one_sentence(tmp_path):
    path = tmp_path / "checkpoint"
    start().save(path, {})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UnetError, match=r"cannot go on from checkpoint \(.*\): delete it to start anew$"):
        start().restore(path)
    path.write_text("not a checkpoint")
    with pytest.raises(UnetError, match="cannot go on from checkpoint"):
        start().restore(path)


def test_a_checkpoint_of_another_network_is_one_sentence(tmp_path):
    start(base_channels=8).save(tmp_path / "checkpoint", {})
    with pytest.raises(UnetError, match="delete it to start anew") as refused:
        start().restore(tmp_path / "checkpoint")
    assert "\n" not in str(refused.value)


def test_half_precision_takes_a_step_too():
    loss = step(start(OptimizationSettings(half=True)), *batch(0))
    assert math.isfinite(loss)


@pytest.mark.parametrize("options", [{"optimizer": "adam"}, {"learning_rate": 0}])
def test_nonsense_is_refused(options):
    with pytest.raises(UnetError):
        OptimizationSettings(**options)
