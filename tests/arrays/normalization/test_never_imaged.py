"""What was never imaged says nothing about the light in an image, and becomes background."""

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from napari_unet.arrays.axes import planes
from napari_unet.arrays.intensities import measure_intensity
from napari_unet.arrays.normalization import (
    Compress,
    Denoise,
    InvertBrightBackground,
    Normalization,
    TypicalObject,
)
from napari_unet.arrays.normalization.never_imaged import RUN, FindNeverImaged, NeverImaged, runs
from napari_unet.arrays.normalization.sample import Sample
from napari_unet.progress import finish

OBJECTS = Normalization(steps=(InvertBrightBackground(), TypicalObject(), Denoise(), Compress()))


def field(background=400, noise=40, side=200):
    """Return blurred discs on a noisy background, uint16."""
    rng = np.random.default_rng(0)
    image = np.zeros((side, side))
    rows, columns = np.indices(image.shape)
    for row in range(20, side, 40):
        for column in range(20, side, 40):
            image[(rows - row) ** 2 + (columns - column) ** 2 < 64] = 2400
    image = ndimage.gaussian_filter(image, 1) + background + rng.normal(0, noise, image.shape)
    return image.clip(0, 65535).astype(np.uint16)


def fitted(image, axes="YX"):
    return finish(measure_intensity(list(planes(image, axes, spatial="YX", channels=1)), OBJECTS))


def filled(image):
    """Return the values that count as never imaged."""
    found = FindNeverImaged().fit(Sample([image[None]]))
    return found.values if found else ()


def half(image, value):
    canvas = np.full((image.shape[0], 2 * image.shape[1]), value, image.dtype)
    canvas[:, : image.shape[1]] = image
    return canvas


def bordered(image, value):
    return np.pad(image, 12, constant_values=value)


def rotated(image, value):
    return ndimage.rotate(image, 25, order=1, cval=value)


def in_tiles(image, value):
    """Four images with gaps between them."""
    tile = bordered(image, value)
    return np.block([[tile, tile], [tile, tile]])


def along_a_diagonal(image, value):
    """Two images that touch at a corner."""
    nothing = np.full_like(image, value)
    return np.block([[image, nothing], [nothing, image]])


def as_bricks(image, value):
    """Three images, of which the lower one lies between the upper ones."""
    canvas = np.full((2 * image.shape[0], 2 * image.shape[1] + 20), value, image.dtype)
    side, half = image.shape[1], image.shape[1] // 2
    canvas[:side, :side] = canvas[:side, side + 20 :] = canvas[side:, half : half + side] = image
    return canvas


def in_a_circle(image, value):
    rows, columns = np.indices(image.shape)
    middle = image.shape[0] / 2
    return np.where((rows - middle) ** 2 + (columns - middle) ** 2 < middle**2, image, value).astype(image.dtype)


def assert_seen_as(found, alone):
    (expected,) = alone.ranges
    assert not found.is_inverted
    assert found.ranges[0].low == pytest.approx(expected.low, abs=30)
    assert found.ranges[0].high == pytest.approx(expected.high, rel=0.05)


@pytest.mark.parametrize("value", [0, 100, 65535])
@pytest.mark.parametrize("change", [half, bordered, rotated, in_tiles, along_a_diagonal, as_bricks, in_a_circle])
def test_a_filled_part_changes_hardly_anything_about_the_range(change, value):
    image = field()
    found = fitted(change(image, value))
    assert_seen_as(found, fitted(image))
    assert found.apply(np.full((1, 1, 40), value, np.uint16)).max() == 0


def with_text(image, value):
    """A bar below the image, with what a microscope writes there: letters of other values, and a scale bar."""
    bar = np.full((32, image.shape[1]), value, image.dtype)
    ink = image.max() if value == 0 else 0
    bar[24:27, 8:80] = ink
    for left in range(8, image.shape[1] - 16, 7):
        bar[6:16, left : left + 2] = bar[10:12, left : left + 4] = ink
    return np.concatenate([image, bar])


def with_noise(image, value):
    """A frame of camera noise around the image."""
    framed = np.pad(image.astype(float), 20, constant_values=value)
    inside = np.pad(np.ones(image.shape, bool), 20)
    return np.where(inside, framed, np.random.default_rng(1).normal(value, 12, framed.shape)).astype(np.uint16)


@pytest.mark.parametrize(
    ("change", "value"), [(with_text, 0), (with_text, 65535), (with_noise, 60), (with_noise, 6000)]
)
def test_what_is_written_into_a_filled_part_and_its_noise_say_nothing(change, value):
    image = field()
    found = fitted(change(image, value))
    assert_seen_as(found, fitted(image))


@pytest.mark.parametrize("change", [bordered, rotated])
@pytest.mark.parametrize("value", [0, 255])
def test_a_filled_part_is_found_in_a_jpeg(change, value):
    image = (field() // 12).clip(0, 250).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(change(image, value)).save(file, "JPEG", quality=75)
    found, (expected,) = fitted(np.asarray(Image.open(file))), fitted(image).ranges
    assert not found.is_inverted
    assert found.ranges[0].low == pytest.approx(expected.low, abs=6)
    assert found.ranges[0].high == pytest.approx(expected.high, rel=0.1)


@pytest.mark.parametrize("value", [0, 100, 400, 65535])
def test_constant_planes_of_a_stack_do_not_count(value):
    image = field()
    constant = np.full_like(image, value)
    stack = np.stack([constant, constant, image, constant])
    assert fitted(stack, "ZYX") == fitted(image)


@pytest.mark.parametrize("bits", [1, 30])
def test_a_dark_background_that_was_clipped_was_imaged(bits):
    """8 bit fluorescence has large areas of zeros, whose neighbours are 1 and 2."""
    clipped = (field(background=0, noise=20) // bits).clip(0, 255).astype(np.uint8)
    assert (clipped == 0).mean() > 0.3
    assert filled(clipped) == ()
    assert filled(255 - clipped) == ()


def test_a_background_that_was_cut_off_at_a_threshold_was_imaged():
    image = field()
    assert filled(np.where(image > 900, image, 0)) == ()


def test_a_filled_part_is_found_beside_a_background_of_few_grey_levels():
    image = np.random.default_rng(0).poisson(2, (100, 100)).astype(np.uint8) + 2
    image[40:60, 40:60] += 60
    assert filled(half(image, 0)) == (0,)


def test_saturated_objects_were_imaged():
    image = np.minimum(field(), 1500)
    assert (image == 1500).mean() > 0.05
    assert filled(image) == ()


def test_one_drawn_object_on_nothing_is_an_object():
    image = np.zeros((100, 100), np.uint8)
    image[20:70, 30:80] = 200
    assert filled(image) == ()


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_runs_are_those_of_the_image_mirrored_at_its_ends(row):
    mirrored = np.pad(np.array(row), len(row) - 1, mode="reflect") if len(row) > 1 else np.array(row)
    labels, _ = ndimage.label(np.pad(mirrored, 40 * (len(row) > 1), mode="wrap"))
    found = runs(np.array([row]))[0]
    assert not (found & ~np.array(row)).any()
    inner = np.array(row)[RUN:-RUN]
    if len(inner) > 0:
        lengths = [
            (labels == labels[40 + len(row) - 1 + RUN + at]).sum() if on else 0 for at, on in enumerate(inner)
        ]
        assert [length >= RUN for length in lengths] == list(found[RUN:-RUN])


@given(st.integers(0, 30), st.integers(1, 40))
def test_a_window_is_the_same_alone_as_in_the_whole_image(start, length):
    image = half(field(side=40), 0)
    [plane] = planes(image, "YX", spatial="YX", channels=1)
    plane = replace(plane, intensity=fitted(half(field(), 0)))
    whole = plane.read((slice(0, 40), slice(0, 80)))
    part = plane.read((slice(5, 9), slice(start, start + length)))
    np.testing.assert_array_equal(part, whole[:, 5:9, start : start + length])


def test_few_pixels_of_the_value_stay():
    step = NeverImaged(values=(0.0,))
    row = np.array([[5.0] * 10 + [0.0] * (RUN - 1) + [5.0] * 10 + [0.0] * RUN + [5.0] * 10])
    assert np.isnan(step.apply(row)).sum() == RUN


def test_squares_drawn_on_an_empty_ground_are_objects():
    image = np.zeros((288, 384))
    image[100:140, 150:190], image[200:260, 300:360], image[8:68, 10:70] = 1, 0.5, 0.52
    assert filled(image) == ()
