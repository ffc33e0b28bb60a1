"""Tiled equals whole, for every network; and what happens when memory runs out."""

import dask.array as da
import numpy as np
import pytest
import torch
import zarr

from napari_unet.arrays.axes import Plane
from napari_unet.arrays.tiling import window_pixels
from napari_unet.errors import UnetError
from napari_unet.nets.prediction import Predictor, Result, predict
from napari_unet.progress import finish
from napari_unet.settings.prediction import PredictionSettings
from tests.nets.small import KINDS, noise, small_net

LOGITS = Result(classes=None, kind="logits", dtype="float32")
WHOLE = 4096
NO_MEMORY = "[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried to allocate"


def plane(image):
    """The last two axes are spatial, an axis before them holds channels."""
    array = image if image.ndim == 3 else image[None]
    return Plane(array=array, axes="CYX", index={}, spatial="YX", channels=array.shape[0])


def uneven(*shape, seed=0):
    return noise(*shape, seed=seed).abs().numpy()


def run(net, image, *, tile, result=LOGITS, **settings):
    chosen = PredictionSettings(device="cpu", tile=tile, **settings)
    return finish(predict(Predictor(net, chosen), plane(image), result))


def assert_same(tiled, whole):
    assert tiled.shape == whole.shape
    assert np.abs(tiled - whole).max() <= 1e-4
    undecided = np.abs(whole[1] - whole[0]) < 1e-5  # a tie within rounding
    np.testing.assert_array_equal(tiled.argmax(0)[~undecided], whole.argmax(0)[~undecided])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("shape", "sides"),
    [
        ((1, 1), (64,)),
        ((17, 17), (64,)),
        ((260, 190), (64, 208)),
        pytest.param((512, 512), (64, 208, 384), marks=pytest.mark.slow),
        pytest.param((1000, 700), (100, 208, 384), marks=pytest.mark.slow),
    ],
)
def test_tiled_equals_whole(kind, shape, sides):
    net, image = small_net(kind), uneven(*shape)
    whole = run(net, image, tile=WHOLE)
    assert whole.shape == (2, *shape)
    assert np.isfinite(whole).all()
    for tile in sides:
        assert_same(run(net, image, tile=tile), whole)


@pytest.mark.parametrize("kind", KINDS)
def test_tiled_equals_whole_with_additive_skips_and_three_levels(kind):
    net, image = small_net(kind, skip="add", levels=3), uneven(150, 90)
    assert_same(run(net, image, tile=40), run(net, image, tile=WHOLE))


@pytest.mark.parametrize("kind", KINDS)
def test_tiled_equals_whole_when_rotations_are_averaged(kind):
    net, image = small_net(kind, levels=3), uneven(70, 45)
    turned = run(net, image, tile=WHOLE, rotations=True)
    assert_same(run(net, image, tile=24, rotations=True), turned)
    assert np.abs(turned - run(net, image, tile=WHOLE)).max() > 1e-3


def test_rotations_make_the_prediction_of_a_turned_image_the_turned_prediction():
    net, image = small_net("padded", levels=2), uneven(32, 32)
    straight, turned = (run(net, x, tile=WHOLE, rotations=True) for x in (image, np.rot90(image).copy()))
    np.testing.assert_allclose(np.rot90(straight, axes=(1, 2)), turned, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_tiled_equals_whole_in_volumes(kind):
    net, volume = small_net(kind, dims=3, levels=1), uneven(1, 9, 20, 14)
    source = Plane(array=volume, axes="CZYX", index={}, spatial="ZYX", channels=1)
    whole, tiled = (
        finish(predict(Predictor(net, PredictionSettings(device="cpu", tile=tile)), source, LOGITS))
        for tile in (64, 6)
    )
    assert_same(tiled, whole)


def test_several_channels_are_read_together():
    net, image = small_net("padded", in_channels=3, levels=2), uneven(3, 40, 50)
    assert_same(run(net, image, tile=16), run(net, image, tile=WHOLE))


def test_the_prediction_equals_the_padded_network_far_from_the_border():
    net, image = small_net("padded", levels=2), uneven(96, 96)
    with torch.no_grad():
        padded = net(torch.from_numpy(image)[None, None])[0].numpy()
    inner = (slice(None), slice(32, 64), slice(32, 64))
    np.testing.assert_allclose(run(net, image, tile=20)[inner], padded[inner], atol=1e-4)


def test_probabilities_are_softmax_times_255():
    net, image = small_net("padded", levels=2), uneven(30, 20)
    logits = torch.from_numpy(run(net, image, tile=WHOLE))
    stored = run(net, image, tile=WHOLE, result=Result())
    assert stored.dtype == np.uint8
    np.testing.assert_array_equal(stored[0], (torch.softmax(logits, 0)[1] * 255).round().numpy())


def test_an_image_to_image_network_gives_its_output_as_it_is():
    net = small_net("padded", out_channels=1, head="tanh", levels=2)
    image = Result(classes=None, kind="image", dtype="float32")
    found = run(net, uneven(20, 20), tile=8, result=image)
    assert found.shape == (1, 20, 20)
    assert -1 <= found.min() < 0


# Memory


@pytest.fixture
def little_memory(monkeypatch):
    """Make windows of more than `limit` pixels run out of memory; return the sides of those that ran."""
    whole_call = Predictor.__call__

    def install(limit):
        sides = []

        def call(self, block):
            if block[0].size > limit:
                raise RuntimeError(NO_MEMORY)
            sides.append(block.shape[1:])
            return whole_call(self, block)

        monkeypatch.setattr(Predictor, "__call__", call)
        return sides

    return install


@pytest.mark.parametrize("kind", KINDS)
def test_out_of_memory_halves_the_tiles_and_changes_nothing(kind, little_memory):
    net, image = small_net(kind, levels=3), uneven(200, 130)
    whole = run(net, image, tile=WHOLE)
    sides = little_memory(160**2)
    assert_same(run(net, image, tile=256), whole)
    assert max(np.prod(side) for side in sides) <= 160**2


def test_memory_that_runs_out_midway_keeps_the_tiles_that_are_done(monkeypatch):
    net, image = small_net("classic", levels=3), uneven(300, 200)
    whole, call, calls = run(net, image, tile=WHOLE), Predictor.__call__, []

    def failing(self, block):
        calls.append(block.shape)
        if len(calls) in (3, 6):
            raise RuntimeError(NO_MEMORY)
        return call(self, block)

    monkeypatch.setattr(Predictor, "__call__", failing)
    steps = predict(Predictor(net, PredictionSettings(device="cpu", tile=112)), plane(image), LOGITS)
    seen = []
    assert_same(finish(steps, seen.append), whole)
    assert [step.done for step in seen] == list(range(1, len(seen) + 1))
    assert seen[-1].done == seen[-1].total == len(calls) - 2


def test_too_little_memory_for_the_smallest_tile_is_one_sentence(little_memory):
    little_memory(0)
    with pytest.raises(UnetError, match="memory ran out with tiles of 16 px: close other programs"):
        run(small_net("classic"), uneven(40, 40), tile=64)


def test_other_errors_pass_through(monkeypatch):
    def broken(self, block):
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(Predictor, "__call__", broken)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        run(small_net("classic"), uneven(40, 40), tile=64)


def test_a_tile_is_chosen_that_fits_into_memory(monkeypatch):
    monkeypatch.setattr("napari_unet.nets.prediction.free_memory", lambda device: 4 * 80 * 400**2)
    net = small_net("classic")
    chosen = Predictor(net, PredictionSettings(device="cpu")).tile
    assert 350**2 < window_pixels(chosen, net.geometry) <= 400**2
    monkeypatch.setattr("napari_unet.nets.prediction.free_memory", lambda device: 0)
    assert Predictor(net, PredictionSettings(device="cpu")).tile == (16, 16)


# Where it reads and writes


def test_tiles_are_written_into_a_given_zarr_array_as_they_come():
    net, image = small_net("padded", levels=2), uneven(50, 40)
    out = zarr.create_array(store={}, shape=(2, 50, 40), chunks=(2, 16, 16), dtype="float32")
    steps = predict(Predictor(net, PredictionSettings(device="cpu", tile=16)), plane(image), LOGITS, out=out)
    next(steps)
    assert np.any(out[:, :12, :12])
    assert not np.any(out[:, 40:])
    assert finish(steps) is out
    assert_same(out[:], run(net, image, tile=WHOLE))


@pytest.mark.parametrize("kind", ["dask", "zarr"])
def test_lazy_images_give_the_same_as_arrays(kind):
    net, image = small_net("padded", levels=2), uneven(1, 50, 40)
    lazy = da.from_array(image, chunks=(1, 13, 17)) if kind == "dask" else zarr.array(image, chunks=(1, 13, 17))
    assert_same(run(net, lazy, tile=16), run(net, image, tile=16))


def test_prediction_can_be_stopped_between_two_tiles():
    steps = predict(
        Predictor(small_net("classic"), PredictionSettings(device="cpu", tile=16)), plane(uneven(40, 40))
    )
    step = next(steps)
    assert (step.done, step.total, step.doing) == (1, 9, "Predicting")
    steps.close()
    assert next(steps, None) is None


def test_gradients_stay_on_for_whoever_consumes_the_steps():
    steps = predict(
        Predictor(small_net("classic"), PredictionSettings(device="cpu", tile=16)), plane(uneven(40, 40))
    )
    next(steps)
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()


def test_an_empty_image_is_refused():
    with pytest.raises(UnetError, match="the image is empty"):
        run(small_net("classic"), uneven(1, 0, 5), tile=16)


@pytest.mark.parametrize("kind", KINDS)
def test_fast_precision_runs_and_is_close(kind):
    net, image = small_net(kind, levels=2), uneven(40, 40)
    fast = run(net, image, tile=WHOLE, precision="fast")
    assert fast.dtype == np.float32
    assert np.corrcoef(fast.ravel(), run(net, image, tile=WHOLE).ravel())[0, 1] > 0.99


@pytest.mark.parametrize("options", [{"tile": 0}, {"precision": "sloppy"}, {"device": "abacus"}])
def test_nonsense_is_refused(options):
    with pytest.raises(UnetError):
        Predictor(small_net("classic"), PredictionSettings(**options))


@pytest.mark.gpu
@pytest.mark.parametrize("kind", KINDS)
def test_tiled_equals_whole_on_the_gpu_too(kind):
    net, source = small_net(kind), plane(uneven(300, 260))
    whole, tiled = (
        finish(predict(Predictor(net, PredictionSettings(device="cuda", tile=tile)), source, LOGITS))
        for tile in (WHOLE, 64)
    )
    assert_same(tiled, whole)
