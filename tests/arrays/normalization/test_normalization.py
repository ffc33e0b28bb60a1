"""One intensity range for a whole image: stretched, compressed, and never upset by odd pixels."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from napari_unet.arrays.normalization import (
    Compress,
    Denoise,
    FittedNormalization,
    InvertBrightBackground,
    Normalization,
    Percentile,
    Range,
    Smooth,
    TypicalObject,
)
from napari_unet.arrays.normalization.invert_bright_background import has_bright_background
from napari_unet.arrays.normalization.noise import noise_sigma, row_means
from napari_unet.arrays.normalization.typical_object import typical_brightness
from napari_unet.errors import UnetError

BOOL = bool
FULL = Normalization(steps=(Percentile(low=0, high=100),))
BY_OBJECTS = Normalization(steps=(TypicalObject(), Denoise(), Compress()))


def span_of(fitted):
    """Return the only range."""
    (span,) = fitted.ranges
    return span


def test_darkest_and_brightest_become_0_and_1():
    image = np.array([[100, 200], [150, 300]], np.uint16)
    applied = FULL.fit([image]).apply(image)
    assert applied.dtype == np.float32
    np.testing.assert_allclose(applied, [[0, 0.5], [0.25, 1]])


def test_blocks_give_the_range_of_the_whole():
    image = np.random.default_rng(0).normal(50, 10, (40, 30)).astype(np.float32)
    whole = Normalization().fit([image])
    assert Normalization().fit([image[:7], image[7:]]) == whole


def test_percentiles_ignore_a_few_hot_pixels():
    image = np.tile(np.arange(100, dtype=float), (20, 1))
    image[0, 0] = 1e6
    assert span_of(Normalization(steps=(Percentile(low=1, high=99),)).fit([image])).high < 100


def test_a_few_bright_pixels_on_an_empty_ground_still_span_a_range():
    image = np.zeros((100, 100), np.uint8)
    image[50, 50] = 200
    found = Normalization().fit([image])
    assert (span_of(found).low, span_of(found).high, found.is_constant) == (0, 200, False)


def test_compression_lifts_the_dim_and_keeps_0_and_1():
    stretch = FittedNormalization.of(Range(low=0, high=1), Compress(factor=4))
    values = np.array([0, 0.1, 0.5, 1], np.float32)
    np.testing.assert_allclose(stretch.apply(values), np.log1p(4 * values) / np.log(5), rtol=1e-6)


def test_values_below_the_range_are_clipped_and_above_kept():
    applied = FittedNormalization.of(Range(low=10, high=20)).apply(np.array([0, 25], np.uint8))
    np.testing.assert_allclose(applied, [0, 1.5])


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_not_finite_are_counted_and_become_darkest(odd):
    image = np.array([[1, 2], [3, odd]], np.float32)
    found = FULL.fit([image])
    assert (span_of(found).low, span_of(found).high, found.invalid) == (1, 3, 1)
    np.testing.assert_allclose(found.apply(image), [[0, 0.5], [1, 0]])


def test_a_constant_image_becomes_zeros():
    image = np.full((3, 3), 7, np.uint8)
    found = Normalization().fit([image])
    assert found.is_constant
    assert not found.apply(image).any()


@pytest.mark.parametrize("blocks", [[], [np.full((2, 2), np.nan)], [np.zeros((0, 3))]])
def test_nothing_finite_counts_as_constant(blocks):
    assert Normalization().fit(blocks).is_constant


def test_the_image_itself_is_never_changed():
    image = np.array([[0.0, np.nan], [2.0, 1.0]], np.float32)
    before = image.copy()
    FULL.fit([image]).apply(image)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("dtype", [BOOL, np.uint8, np.int8, np.int16, np.uint32, np.float16, np.float64])
def test_every_numeric_type_is_stretched(dtype):
    image = np.array([[0, 1], [1, 0]], dtype)
    np.testing.assert_allclose(FULL.fit([image]).apply(image), [[0, 1], [1, 0]])


@pytest.mark.parametrize(("dtype", "low", "high"), [(np.int16, -30000, 30000), (np.int8, -100, 100)])
def test_ranges_wider_than_half_the_type_do_not_overflow(dtype, low, high):
    image = np.array([low, high], dtype)
    found = span_of(Normalization(steps=(Percentile(low=10, high=90),)).fit([image]))
    assert low < found.low < found.high < high


@pytest.mark.parametrize(
    "step",
    [
        {"step": "percentile", "low": 5, "high": 5},
        {"step": "percentile", "low": -1},
        {"step": "percentile", "high": 101},
        {"step": "percentile", "low": "1"},
        {"step": "typical_object", "low": float("nan")},
        {"step": "compress", "factor": 0},
        {"step": "compress", "factor": True},
        {"step": "denoise", "sigma": 1},
        {"step": "sharpen"},
        {},
    ],
)
def test_nonsense_is_refused(step):
    with pytest.raises(UnetError):
        Normalization.from_dict({"steps": [step]})


@pytest.mark.parametrize("former", [{"low": 5, "high": 5}, {"compression": -1}, {"colour": 1}])
def test_nonsense_of_former_models_is_refused(former):
    with pytest.raises(UnetError):
        Normalization.from_dict(former)


def field(share, brightness, noise=0.02):
    """An image of discs of radius 8 and `brightness` on a noisy ground, about `share` of the area."""
    rng = np.random.default_rng(0)
    image = np.abs(rng.normal(0, noise, (300, 300)))
    rows, columns = np.indices(image.shape)
    covered = np.zeros(image.shape, bool)
    while covered.mean() < share:
        row, column = rng.integers(0, 300, 2)
        covered |= (rows - row) ** 2 + (columns - column) ** 2 <= 64
    return np.where(covered, brightness * rng.uniform(0.7, 1.3, image.shape), image)


@pytest.mark.parametrize("share", [0.03, 0.1, 0.3, 0.6])
def test_typical_brightness_is_that_of_objects_however_many_there_are(share):
    assert typical_brightness(field(share, 1.0)) == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize("share", [0.05, 0.15, 0.4])
def test_debris_ten_times_as_bright_leaves_typical_brightness_alone(share):
    dirty = field(share, 1.0)
    dirty[100:130, 200:230] = 10  # 1 % of the area
    assert typical_brightness(dirty) == pytest.approx(1, rel=0.2)


def test_noise_is_not_taken_for_the_objects():
    image = np.round(np.abs(np.random.default_rng(0).normal(0, 1.2, (200, 200))))
    image[50:70, 50:80] = 40
    assert typical_brightness(image) >= 2.6


@pytest.mark.parametrize("wide", [1, 3])
def test_a_darker_part_does_not_make_the_background_of_the_rest_an_object(wide):
    """Where no camera looked there is the noise of its chip, and beside it the background of an image."""
    rng = np.random.default_rng(0)
    rows, columns = np.indices((320, 320))
    objects = ((rows % 80 - 40) ** 2 + (columns % 80 - 40) ** 2 < 100) * 2000.0
    image = objects + rng.normal(300, 15, objects.shape)
    dark = rng.normal(100, 60, (320, 320 * wide)).clip(0)
    norm = Normalization(steps=(TypicalObject(),))
    alone, beside = (norm.fit([one[None]]).ranges[0] for one in (image, np.concatenate([image, dark], 1)))
    assert beside.high - beside.low == pytest.approx(alone.high - alone.low, rel=0.15)


@pytest.mark.parametrize("photons", [3, 10, 100])
def test_objects_are_as_bright_as_they_are_however_few_photons_show_them(photons):
    clean = field(0.1, 1.0, noise=0)
    image = np.random.default_rng(1).poisson((clean + 0.1) * photons)
    found = BY_OBJECTS.fit([image])
    assert (span_of(found).high - span_of(found).low) / 2 == pytest.approx(photons, rel=0.35)


def test_means_of_neighbours_halve_noise_and_keep_the_mean():
    noisy = np.random.default_rng(0).normal(5, 1, (50, 402))
    calm = row_means(noisy)
    assert calm.shape == (50, 100)
    assert calm.mean() == pytest.approx(noisy[:, :400].mean())
    assert calm.std() == pytest.approx(0.5, rel=0.05)
    assert row_means(np.arange(3)).tolist() == [1]


def test_a_value_that_is_not_finite_spoils_its_neighbours_at_most():
    image = np.zeros((40, 40), np.float32)
    image[10:20, 10:30] = 4
    clean = BY_OBJECTS.fit([image])
    image[0, 0], image[30, 5] = np.nan, np.inf
    spoilt = BY_OBJECTS.fit([image])
    assert span_of(spoilt).high == pytest.approx(span_of(clean).high)
    assert spoilt.invalid == 2


def test_foreground_puts_typical_objects_at_one_half_whatever_the_unit():
    image = field(0.1, 1.0)
    wanted = Normalization(steps=(TypicalObject(),))
    for factor, offset in [(1, 0), (4000, 100), (1e-6, -1)]:
        applied = wanted.fit([image * factor + offset]).apply(image * factor + offset)
        assert np.median(applied[image > 0.5]) == pytest.approx(0.5, rel=0.1)


@given(hnp.arrays(np.float64, (6, 7), elements=st.floats(0, 1e9)))
@example(np.pad([[5e-324]], ((0, 5), (0, 6))))
def test_typical_brightness_is_above_nothing_and_at_most_the_brightest(values):
    found = typical_brightness(values)
    assert found == 1 if values.max() == 0 else 0 < found <= values.max()


@pytest.mark.parametrize("share", [0.03, 0.1, 0.3])
@pytest.mark.parametrize("measured", [False, True])
def test_an_inverted_image_is_seen_as_the_image(share, measured):
    image = np.round(field(share, 100.0, noise=5))
    scale = TypicalObject() if measured else Percentile(high=99)
    wanted = Normalization(steps=(InvertBrightBackground(), scale, Compress()))
    inverted = 255 - image
    assert has_bright_background(inverted)
    assert not has_bright_background(image)
    seen = [wanted.fit([one]).apply(one) for one in (image, inverted)]
    np.testing.assert_allclose(seen[0], seen[1], atol=1e-6)


def test_only_a_model_that_wants_bright_objects_turns_images_over():
    inverted = 255 - field(0.1, 100.0, noise=5)
    assert not Normalization().fit([inverted]).is_inverted


@given(hnp.arrays(np.float64, (5, 7), elements=st.floats(-1e9, 1e9)))
def test_an_image_and_its_inverse_never_both_have_a_bright_ground(values):
    assert not (has_bright_background(values) and has_bright_background(-values))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_flat_image_with_bright_objects_wanted_stays_empty(dtype):
    flat = np.full((20, 30), 7, dtype)
    found = Normalization(steps=(InvertBrightBackground(), *BY_OBJECTS.steps)).fit([flat])
    assert found.is_constant
    assert not found.apply(flat).any()


@given(st.floats(10, 50), st.sampled_from([np.uint16, np.float32, np.float64]))
def test_noise_is_measured_beside_objects_and_slopes(sigma, dtype):
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:200, :300]
    clean = 1000 + rows + 2 * columns + 500 * ((rows % 40 > 20) & (columns % 40 > 20))
    image = (clean + rng.normal(0, sigma, clean.shape)).astype(dtype)
    assert noise_sigma([image[:90], image[90:]]) == pytest.approx(sigma, rel=0.1)
    assert noise_sigma([clean]) == 0


def test_an_image_is_smoothed_by_as_much_as_its_noise_is_beside_its_objects():
    rng = np.random.default_rng(0)
    clean = np.zeros((200, 200))
    clean[::40, ::40] = 1000
    clean = ndimage.grey_dilation(clean, 15) + 100
    wanted = BY_OBJECTS
    assert wanted.fit([clean]).smoothing == 0
    widths = [wanted.fit([clean + rng.normal(0, n, clean.shape)]).smoothing for n in (10, 100, 200)]
    assert widths[0] == 0
    assert 0 < widths[1] < widths[2] <= 2
    noisy = clean + rng.normal(0, 200, clean.shape)
    assert Normalization().fit([noisy]).smoothing == 0
    texture = np.random.default_rng(1).uniform(0, 1000, (200, 200))
    assert BY_OBJECTS.fit([texture]).smoothing == 0


def test_smoothing_takes_noise_and_leaves_light():
    noise = np.random.default_rng(0).normal(0.5, 0.1, (3, 100, 100)).astype(np.float32)
    smooth = FittedNormalization.of(Smooth(sigma=1.5)).apply(noise)
    assert smooth.std() < 0.1 / (2 * np.sqrt(np.pi) * 1.5) * 1.1
    np.testing.assert_allclose(smooth.mean((1, 2)), noise.mean((1, 2)), atol=3e-3)
    flat = np.full((1, 9, 9), 0.25, np.float32)
    np.testing.assert_allclose(FittedNormalization.of(Smooth(sigma=2)).apply(flat), flat)


@pytest.mark.parametrize("dtype", [np.uint32, np.int64, np.float64])
def test_what_wide_numbers_tell_apart_stays_apart(dtype):
    image = (2**31 - 300 + np.arange(200)).astype(dtype)
    applied = FULL.fit([image]).apply(image)
    np.testing.assert_allclose(applied, np.linspace(0, 1, 200), atol=1e-6)


@given(
    st.lists(
        st.one_of(
            st.builds(Percentile, low=st.floats(0, 40), high=st.floats(41, 100)),
            st.builds(TypicalObject, low=st.floats(0, 40)),
            st.just(InvertBrightBackground()),
            st.just(Denoise()),
            st.builds(Compress, factor=st.floats(0.1, 100)),
        ),
        max_size=5,
    ),
    st.booleans(),
)
def test_steps_and_what_they_come_to_are_kept_as_json_and_by_pickle(steps, joint):
    wanted = Normalization(steps=tuple(steps), joint=joint)
    assert Normalization.from_dict(json.loads(json.dumps(wanted.to_dict()))) == wanted
    image = np.random.default_rng(0).poisson(3, (2, 30, 40)) + 50 * (np.arange(40) > 30)
    found = wanted.fit([image])
    for again in (
        FittedNormalization.from_dict(json.loads(json.dumps(found.to_dict()))),
        pickle.loads(pickle.dumps(found)),
    ):
        assert again == found
        np.testing.assert_array_equal(again.apply(image), found.apply(image))


@pytest.mark.parametrize(
    ("former", "steps"),
    [
        ({}, (Percentile(), Compress())),
        ({"low": 2.0, "high": 99.0, "compression": 0}, (Percentile(low=2, high=99),)),
        (
            {"foreground": True, "bright_objects": True, "compression": 3.0},
            (InvertBrightBackground(), TypicalObject(), Denoise(), Compress(factor=3)),
        ),
    ],
)
def test_what_models_said_before_there_were_steps_is_understood(former, steps):
    assert Normalization.from_dict(former) == Normalization(steps=steps)


def test_a_dim_channel_counts_as_much_as_a_bright_one_where_each_is_fitted_by_itself():
    dim = field(0.1, 1.0)
    image = np.stack([dim, 200 * dim[::-1]])
    together = BY_OBJECTS.fit([image]).apply(image)
    apart = replace(BY_OBJECTS, joint=False).fit([image]).apply(image)
    np.testing.assert_allclose(apart[0], apart[1][::-1], atol=1e-5)
    assert together[0].max() < 0.1 < 0.5 < apart[0].max()


def test_one_channel_is_fitted_the_same_jointly_or_by_itself():
    image = field(0.1, 1.0)[None]
    assert replace(BY_OBJECTS, joint=False).fit([image]) == BY_OBJECTS.fit([image])
