"""An intensity range by hand: in values or percentiles, for all channels or each, from Python or command."""

import numpy as np
import pytest

from napari_unet.arrays.axes import planes
from napari_unet.arrays.intensities import measure_intensity
from napari_unet.arrays.normalization import InvertBrightBackground, Normalization, TypicalObject
from napari_unet.errors import UnetError
from napari_unet.progress import finish
from napari_unet.settings.intensity import IntensitySettings

OBJECTS = Normalization(steps=(InvertBrightBackground(), TypicalObject()))


@pytest.mark.parametrize("given", [(100, 4000), [100, 4000], [[100, 4000]], "100,4000", " 100 , 4e3 "])
def test_one_pair_may_be_said_in_many_ways(given):
    assert IntensitySettings(range=given).range == ((100.0, 4000.0),)


@pytest.mark.parametrize(
    "given",
    [
        {"range": (5, 2)},
        {"range": "a"},
        {"range": ""},
        {"range": "1,2,3"},
        {"range": (1, float("nan"))},
        {"range": ()},
        {"percentiles": (1, 101)},
        {"percentiles": "-1,50"},
        {"range": (1, 2), "percentiles": (1, 2)},
    ],
)
def test_nonsense_is_refused_in_a_sentence(given):
    with pytest.raises(UnetError, match=r"two rising numbers|leave one of them out"):
        IntensitySettings(**given)


def fitted(image, axes, channels=1, **given):
    chosen = IntensitySettings(**given)
    wanted = list(planes(image, axes, spatial="YX", channels=channels))
    return finish(measure_intensity(wanted, OBJECTS.by_hand(chosen.range, chosen.percentiles)))


def test_given_values_become_0_and_1_whatever_the_image_holds():
    image = np.random.default_rng(0).normal(400, 40, (60, 70))
    found = fitted(image, "YX", range=(100, 900))
    np.testing.assert_allclose(
        found.apply(np.array([[100.0, 500, 900]])) * (1 - 2 * found.is_inverted), [[0, 0.5, 1]]
    )


def test_given_percentiles_take_the_place_of_typical_objects():
    image = np.random.default_rng(0).exponential(9, (60, 70))
    (span,) = fitted(image, "YX", percentiles="10,90").ranges
    assert [span.low, span.high] == pytest.approx(np.percentile(image, (10, 90)))


def test_an_inverted_image_keeps_its_range():
    image = np.full((50, 60), 1000.0) + np.random.default_rng(0).normal(0, 5, (50, 60))
    image[10:20, 10:30] = 200
    found = fitted(image, "YX", range=(200, 1000))
    assert found.is_inverted
    np.testing.assert_allclose(found.apply(np.array([[200.0, 1000]])), [[1, 0]])


def test_each_channel_may_have_its_own_range():
    image = np.stack([np.tile(np.arange(100.0), (20, 1)), 10 * np.tile(np.arange(100.0), (20, 1))])
    found = fitted(image, "CYX", channels=2, range="0,99;0,990")
    seen = found.apply(image)
    np.testing.assert_allclose(seen[0], seen[1])
    with pytest.raises(UnetError, match="3 intensity ranges were given, but the model reads 2 channels"):
        fitted(image, "CYX", channels=2, range="0,1;0,2;0,3")
