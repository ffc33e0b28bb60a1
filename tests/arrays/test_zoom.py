"""Zoom: parts of a zoomed image fit together, what comes back has the image's size, no stroke is lost."""

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.arrays.axes import Plane
from napari_unet.arrays.normalization import FittedNormalization, Range
from napari_unet.arrays.zoom import (
    Zoomed,
    bring_back,
    check_zoom,
    doubled,
    downsampling,
    fitting_zoom,
    is_own_size,
    zoom_note,
    zoom_paint,
)
from napari_unet.errors import UnetError
from napari_unet.settings.zooms import ZOOMS, short_zoom, stored_zoom, zoom_text

zooms = st.tuples(*[st.sampled_from(ZOOMS)] * 2)


def plane_of(image, region=None):
    intensity = FittedNormalization.of(Range(low=0.0, high=1.0))
    axes = "ZYX"[-image.ndim :]
    return Plane(array=image, axes=axes, index={}, spatial=axes, channels=1, intensity=intensity, region=region)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


@given(zooms, st.integers(1, 40), st.integers(1, 40), st.data())
def test_a_window_of_a_zoomed_image_is_a_part_of_all_of_it(zoom, height, width, data):
    seen = Zoomed(plane=plane_of(noise(height, width)), zoom=zoom)
    whole = seen.whole()
    assert whole.shape == (1, *seen.shape)
    starts = [data.draw(st.integers(0, length - 1)) for length in seen.shape]
    window = tuple(
        slice(start, data.draw(st.integers(start + 1, length)))
        for start, length in zip(starts, seen.shape, strict=True)
    )
    np.testing.assert_array_equal(seen.read(window), whole[(slice(None), *window)])


@given(zooms)
def test_a_region_of_a_zoomed_image_has_its_true_surroundings(zoom):
    image = noise(64, 72)
    whole = Zoomed(plane=plane_of(image), zoom=zoom)
    part = Zoomed(plane=plane_of(image, region=(slice(16, 40), slice(24, 72))), zoom=zoom)
    start = tuple(round(at * one) for at, one in zip((16, 24), zoom, strict=True))
    stop = tuple(round(at * one) for at, one in zip((40, 72), zoom, strict=True))
    around = tuple(slice(low - 1, high + 1) for low, high in zip(start, stop, strict=True))
    beyond = tuple(slice(-1, length + 1) for length in part.shape)
    np.testing.assert_array_equal(part.read(beyond), whole.read(around))


def test_a_smaller_image_holds_the_means_of_its_pixels():
    image = noise(8, 12)
    seen = Zoomed(plane=plane_of(image), zoom=(0.25, 0.25)).whole()[0]
    np.testing.assert_allclose(seen, image.reshape(2, 4, 3, 4).mean((1, 3)), rtol=1e-6)
    seen = Zoomed(plane=plane_of(image), zoom=(1, 0.25)).whole()[0]
    np.testing.assert_allclose(seen, image.reshape(8, 3, 4).mean(2), rtol=1e-6)


def test_a_larger_image_is_linear_between_pixel_centres():
    ramp = np.arange(6, dtype=np.float32)[:, None] * np.ones(5, np.float32)
    seen = Zoomed(plane=plane_of(ramp), zoom=(2, 1)).whole()[0]
    assert seen.shape == (12, 5)
    np.testing.assert_allclose(seen[1:-1, 3], np.arange(10) / 2 + 0.25, rtol=1e-6)


@given(st.tuples(*[st.sampled_from(ZOOMS)] * 3), st.sampled_from([(13, 16), (5, 7, 9)]))
def test_what_comes_back_has_the_size_of_the_image(zoom, shape):
    zoom = zoom[-len(shape) :]
    there = Zoomed(plane=plane_of(noise(*shape)), zoom=zoom).shape
    even = np.full(there, 77, np.uint8)
    for smooth in (True, False):
        back = bring_back(even, zoom, shape, smooth=smooth)
        assert back.dtype == np.uint8
        np.testing.assert_array_equal(back, np.full(shape, 77))


@given(zooms, st.integers(0, 2**16))
def test_classes_are_never_mixed_on_their_way_back(zoom, seed):
    shape = (16, 24)
    there = Zoomed(plane=plane_of(noise(*shape)), zoom=zoom).shape
    classes = np.random.default_rng(seed).choice(np.array([0, 3, 9], np.uint8), there)
    assert set(np.unique(bring_back(classes, zoom, shape, smooth=False))) <= {0, 3, 9}


def test_a_disc_comes_back_where_it_was():
    rows, columns = np.indices((64, 64))
    disc = (np.hypot(rows - 30, columns - 40) < 16).astype(np.float32)
    zoom = (0.25, 0.5)
    seen = Zoomed(plane=plane_of(disc), zoom=zoom).whole()[0]
    back = bring_back((seen * 255).round().astype(np.uint8), zoom, disc.shape) >= 128
    assert np.count_nonzero(back != (disc > 0)) < 0.05 * disc.sum()


def test_doubling_rounds_and_never_overflows():
    bright = np.full((3, 4), 255, np.uint8)
    np.testing.assert_array_equal(doubled(bright, 0), np.full((6, 4), 255))
    np.testing.assert_array_equal(doubled(np.array([0, 4], np.uint8), 0), [0, 1, 3, 4])


@given(zooms, st.integers(1, 30), st.integers(1, 30), st.integers(0, 2**16))
def test_no_stroke_is_lost(zoom, height, width, seed):
    rng = np.random.default_rng(seed)
    said = rng.random((height, width)) < 0.05
    labels = np.where(said, rng.integers(0, 4, (height, width)), 0)
    found, anywhere = zoom_paint(labels, said, zoom)
    assert found.shape == Zoomed(plane=plane_of(noise(height, width)), zoom=zoom).shape
    for place in np.argwhere(said):
        assert anywhere[tuple(np.multiply(place, zoom).astype(int))]
    assert set(np.unique(found[anywhere])) <= set(np.unique(labels[said]))
    assert not found[~anywhere].any()


def test_of_joined_pixels_the_most_central_counts():
    labels = np.zeros((4, 4), int)
    labels[0, 0], labels[1, 1] = 7, 5
    found, said = zoom_paint(labels, labels > 0, (0.25, 0.25))
    assert (found.tolist(), said.tolist()) == ([[5]], [[True]])
    found, said = zoom_paint(labels, labels > 0, (1, 0.25))
    assert found.tolist() == [[7], [5], [0], [0]]


@given(st.floats(0.5, 2000))
def test_the_fitting_zoom_brings_objects_between_the_known_sizes(diameter):
    zoom = fitting_zoom(diameter, (7.0, 64.0))
    assert zoom in ZOOMS
    assert zoom in (min(ZOOMS), max(ZOOMS)) or 7 <= diameter * zoom <= 64
    if 7 <= diameter <= 64:
        assert zoom == 1


def test_without_objects_there_is_no_reason_to_zoom():
    assert fitting_zoom(0, (7.0, 64.0)) == 1


@pytest.mark.parametrize("zoom", [0.3, 0, -1, None, (1.0,), (1.0, 1.0, 1.0), (1.0, 0.3), ()])
def test_a_zoom_that_is_none_is_refused_in_a_sentence(zoom):
    known = r"zoom must be one of 0\.125, 0\.25, 0\.5, 1, 2, or one for each of 2 axes, got "
    with pytest.raises(UnetError, match=known + re.escape(repr(zoom))):
        check_zoom(zoom, 2)


def test_zooms_are_words():
    words = ["1/8 of its size", "1/4 of its size", "1/2 of its size", "its own size", "2 times its size"]
    assert [zoom_text(zoom) for zoom in ZOOMS] == words
    assert [zoom_text((zoom, zoom)) for zoom in ZOOMS] == words
    assert zoom_text((1.0, 0.25, 0.25)) == "1 x 1/4 x 1/4 of its size"
    assert zoom_text((2.0, 0.5)) == "2 x 1/2 times its size"


@given(zooms)
def test_a_zoom_is_one_number_in_files_where_all_axes_are_alike(zoom):
    kept = json.loads(json.dumps(short_zoom(zoom)))
    assert isinstance(kept, float) == (zoom[0] == zoom[1])
    assert stored_zoom(kept) == short_zoom(zoom)
    assert is_own_size(zoom) == is_own_size(short_zoom(zoom)) == (zoom == (1, 1))


@pytest.mark.parametrize("shape", [(90, 70), (9, 30, 40)])
@pytest.mark.parametrize("zoom", [(0.125,) * 3, (0.5, 2, 0.25), (1, 0.25, 0.25), (2, 1, 0.5)])
def test_pixels_are_read_band_by_band_with_the_same_result(monkeypatch, shape, zoom):
    zoom = zoom[: len(shape)]
    seen = Zoomed(plane=plane_of(noise(*shape)), zoom=zoom)
    window = tuple(slice(-2, length + 2) for length in seen.shape)
    at_once = seen.read(window)
    monkeypatch.setattr("napari_unet.arrays.zoom.MAX_PIXELS_AT_ONCE", 1)
    np.testing.assert_array_equal(seen.read(window), at_once)


def test_a_result_says_only_what_is_unusual():
    assert zoom_note(1) == zoom_note((1, 1)) == ""
    assert "1/4" in zoom_note(0.25)
    assert "1 x 1/4" in zoom_note((1.0, 0.25))
    assert [downsampling(zoom) for zoom in ZOOMS] == [8, 4, 2, 1, 1]


def test_the_last_bit_of_a_mean_does_not_depend_on_how_wide_a_window_is():
    seen = Zoomed(plane=plane_of(noise(32, 8)), zoom=(0.125, 1.0))
    whole = seen.whole()
    for column in range(8):
        alone = seen.read((slice(0, 4), slice(column, column + 1)))
        np.testing.assert_array_equal(alone, whole[:, :, column : column + 1])
