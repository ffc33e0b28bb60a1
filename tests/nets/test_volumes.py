"""Networks of three dimensions: levels planned from the spacing, and tiled equals whole whatever is planned."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.arrays.axes import Plane
from napari_unet.errors import UnetError
from napari_unet.nets.architectures import build_net
from napari_unet.nets.geometry import Geometry
from napari_unet.nets.levels import plan_levels
from napari_unet.nets.prediction import Predictor, Result, predict
from napari_unet.progress import finish
from napari_unet.settings.prediction import PredictionSettings
from tests.nets.small import KINDS, noise, small_net

LOGITS = Result(classes=None, kind="logits", dtype="float32")
SPACINGS = [(1, 1, 1), (2.5, 1, 1), (1, 1, 3)]
spacings = st.tuples(*[st.floats(0.1, 10)] * 3)


def run(net, volume, tile, **options):
    source = Plane(array=volume[None], axes="CZYX", index={}, spatial="ZYX", channels=1)
    predictor = Predictor(net, PredictionSettings(device="cpu", tile=tile, **options))
    return finish(predict(predictor, source, LOGITS))


# Levels


def test_even_pixels_need_no_plan():
    assert plan_levels((1, 1, 1), 4) == {}
    assert plan_levels((1.9, 1, 1), 4) == {}


def test_planes_far_apart_are_left_alone_until_the_spacing_is_about_equal():
    assert plan_levels((2.5, 1, 1), 2) == {
        "kernels": ((1, 3, 3), (3, 3, 3), (3, 3, 3)),
        "pooling": ((1, 2, 2), (2, 2, 2)),
    }
    assert plan_levels((8, 1, 1), 3)["pooling"] == ((1, 2, 2),) * 3  # 8, 4 and 2 times as far apart


@given(spacing=spacings, levels=st.integers(1, 6))
def test_pooling_never_makes_the_spacing_less_even(spacing, levels):
    plan = plan_levels(spacing, levels)
    present, ratio = np.array(spacing), max(spacing) / min(spacing)
    for factors in plan.get("pooling", ()):
        present = present * factors
        assert present.max() / present.min() <= max(ratio, 2)
        ratio = present.max() / present.min()
    for kernels, factors in zip(plan.get("kernels", ()), plan.get("pooling", ()), strict=False):
        assert all(width == 3 for width, factor in zip(kernels, factors, strict=True) if factor == 2)


@pytest.mark.parametrize(
    "plan",
    [
        {"kernels": ((1, 3, 3),)},
        {"pooling": ((2, 2),) * 2},
        {"pooling": ((2, 2, 4),) * 2},
        {"kernels": 3},
        {"kernels": ((3, 3, 3.0),) * 3},
    ],
)
def test_plans_that_do_not_fit_are_refused_in_a_sentence(plan):
    with pytest.raises(UnetError, match=r"must be . levels of 3 numbers, each . or ., got"):
        build_net("padded", {"dims": 3, "levels": 2, **plan})


def test_a_number_stands_for_all_axes():
    net = build_net("padded", {"dims": 3, "levels": 1, "base_channels": 2, "kernels": (1, 3), "pooling": (2,)})
    assert [walk.stride for walk in net.geometry] == [2, 2, 2]
    assert [walk.halo for walk in net.geometry] == [4, 4, 4]


# Geometry


@given(
    pooling=st.lists(st.sampled_from([1, 2]), min_size=1, max_size=4),
    data=st.data(),
    margin=st.sampled_from([0, 1]),
    start=st.integers(-40, 40),
    length=st.integers(1, 40),
)
def test_what_is_read_for_a_range_covers_it_whatever_is_pooled(pooling, data, margin, start, length):
    lost = st.sampled_from([0, 2])
    down = tuple(data.draw(lost) for _ in range(len(pooling) + 1))
    walk = Geometry(down=down, up=down[:-1], upsampling_margin=margin, pooling=tuple(pooling))
    first, last = walk.output_range(*walk.input_range(start, start + length))
    assert first <= start < start + length <= last
    assert start - first < walk.stride
    assert last - start - length < walk.stride
    assert walk.input_range(start + 3 * walk.stride, start + length + 3 * walk.stride) == tuple(
        end + 3 * walk.stride for end in walk.input_range(start, start + length)
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spacing", SPACINGS)
def test_every_network_gives_the_size_that_its_geometry_says_along_each_axis(kind, spacing):
    with torch.device("meta"):
        net = KINDS[kind](1, 2, base_channels=2, levels=2, dims=3, **plan_levels(spacing, 2)).unpadded()
        sizes, outputs = zip(*(walk.sizes(13 + number) for number, walk in enumerate(net.geometry)), strict=True)
        assert net(torch.empty(1, 1, *sizes)).shape[2:] == outputs


# Tiled equals whole


@pytest.mark.parametrize("kind", KINDS)
@given(
    spacing=st.sampled_from(SPACINGS),
    shape=st.tuples(st.integers(1, 70), st.integers(1, 9), st.integers(1, 9)),
    turn=st.integers(0, 2),
    tile=st.tuples(*[st.integers(1, 24)] * 3),
)
@settings(max_examples=4)
def test_tiled_equals_whole_in_volumes_of_any_size(kind, spacing, shape, turn, tile):
    net = small_net(kind, dims=3, levels=1, base_channels=1, **plan_levels(spacing, 1))
    volume = noise(*(shape[turn:] + shape[:turn])).numpy()
    whole = run(net, volume, 4096)
    assert whole.shape == (2, *volume.shape)
    assert np.isfinite(whole).all()
    assert np.abs(run(net, volume, tile) - whole).max() <= 1e-4


def test_the_chosen_tile_changes_nothing_when_memory_runs_out(monkeypatch):
    net, volume = small_net("padded", dims=3, levels=1, base_channels=1), noise(5, 20, 30).numpy()
    whole, call = run(net, volume, None), Predictor.__call__

    def failing(self, block):
        if block.size > 20_000:
            raise MemoryError
        return call(self, block)

    monkeypatch.setattr(Predictor, "__call__", failing)
    assert np.abs(run(net, volume, None) - whole).max() <= 1e-4


def test_a_network_that_treats_y_and_x_alike_is_turned_by_quarters_and_others_by_halves():
    even = small_net("padded", dims=3, levels=1, base_channels=1)
    uneven = small_net("padded", dims=3, levels=1, base_channels=1, **plan_levels((1, 1, 3), 1))
    volume = noise(3, 8, 8).numpy()
    for net, quarters in ((even, 1), (uneven, 2)):
        straight, turned = (
            run(net, x, 64, rotations=True) for x in (volume, np.rot90(volume, quarters, (1, 2)).copy())
        )
        np.testing.assert_allclose(np.rot90(straight, quarters, (2, 3)), turned, atol=1e-4)


def test_a_tile_for_each_axis_must_have_as_many_sides_as_the_image():
    with pytest.raises(UnetError, match=r"tile must be one number, or one for each of 3 axes, got \(8, 8\)"):
        run(small_net("padded", dims=3, levels=1), noise(4, 4, 4).numpy(), (8, 8))
