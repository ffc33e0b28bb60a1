"""Whatever the order of its axes, an image comes apart into planes that a network can read."""

from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.arrays.axes import Plane, check_axes, planes, restrict, result_axes
from napari_unet.arrays.channels import single
from napari_unet.arrays.image_array import as_image
from napari_unet.arrays.intensities import sample_blocks
from napari_unet.arrays.normalization import FittedNormalization, Range, Smooth
from napari_unet.errors import UnetError

LENGTHS = {"T": 2, "C": 3, "Z": 4, "Y": 5, "X": 6, "S": 3}


def counted(axes):
    """An array with these axes in which every pixel is different."""
    shape = tuple(LENGTHS[axis] for axis in axes)
    return np.arange(np.prod(shape)).reshape(shape)


def read_all(plane):
    return plane.read(tuple(slice(0, length) for length in plane.shape))


def test_two_axes_need_no_name():
    assert check_axes(None, (4, 5)) == "YX"
    assert check_axes("tcyx", (1, 2, 3, 4)) == "TCYX"


@pytest.mark.parametrize(
    ("axes", "shape", "sentence"),
    [
        (None, (2, 3, 4), "ambiguous"),
        ("YX", (2, 3, 4), "name 2 axes, the image has 3"),
        ("YYX", (2, 3, 4), "different letters"),
        ("QYX", (2, 3, 4), "different letters out of"),
        ("TZX", (2, 3, 4), "must name Y and X"),
    ],
)
def test_unclear_axes_are_refused_in_a_sentence(axes, shape, sentence):
    with pytest.raises(UnetError, match=sentence):
        check_axes(axes, shape)


@pytest.mark.parametrize("given", [[[1, 2], [3, 4]], torch.tensor([[1, 2], [3, 4]]), np.array([[1, 2], [3, 4]])])
def test_what_numpy_can_read_is_an_image(given):
    np.testing.assert_array_equal(as_image(given), [[1, 2], [3, 4]])


def test_lazy_arrays_stay_lazy():
    lazy = da.zeros((4, 5))
    assert as_image(lazy) is lazy


@pytest.mark.parametrize("given", [[[1, 2], [3]], torch.zeros(2, 2, requires_grad=True)])
def test_what_is_no_array_is_a_sentence(given):
    with pytest.raises(UnetError, match=r"the image is no array .*: convert it"):
        as_image(given)


def test_labels_have_no_channels_or_samples():
    assert [result_axes(axes) for axes in ("TCZYX", "YXS", "YX")] == ["TZYX", "YX", "YX"]


@pytest.mark.parametrize("axes", ["TZYX", "ZTYX", "YXT", "XTZY"])
def test_planes_walk_every_other_axis_in_order(axes):
    image = counted(axes)
    found = list(planes(image, axes, spatial="YX", channels=1))
    loops = [axis for axis in axes if axis not in "YX"]
    assert len(found) == np.prod([LENGTHS[axis] for axis in loops])
    for plane in found:
        index = tuple(plane.index.get(axis, slice(None)) for axis in axes)
        expected = image[index] if axes.index("Y") < axes.index("X") else image[index].T
        np.testing.assert_array_equal(read_all(plane)[0], expected)


def test_a_volume_network_sees_volumes():
    image = counted("TZYX")
    found = list(planes(image, "TZYX", spatial="ZYX", channels=1))
    assert [plane.shape for plane in found] == [(4, 5, 6)] * 2
    np.testing.assert_array_equal(read_all(found[1])[0], image[1])


def test_the_chosen_channel_is_read_wherever_the_channel_axis_stands():
    for axes in ("CYX", "YCX", "YXC"):
        image = counted(axes)
        (plane,) = planes(image, axes, spatial="YX", channels=1, chosen=(2,))
        np.testing.assert_array_equal(read_all(plane)[0], np.take(image, 2, axis=axes.index("C")))


def test_a_colour_network_reads_the_channels_in_order():
    image = counted("YXC")
    (plane,) = planes(image, "YXC", spatial="YX", channels=3)
    np.testing.assert_array_equal(read_all(plane), image.transpose(2, 0, 1))


@pytest.mark.parametrize("samples", [3, 4])
def test_rgb_becomes_grey_for_one_channel_and_alpha_is_left_out(samples):
    image = np.zeros((5, 6, samples), np.uint8)
    image[..., :3] = 100
    (plane,) = planes(image, "YXS", spatial="YX", channels=1)
    np.testing.assert_allclose(read_all(plane), np.full((1, 5, 6), 100), rtol=1e-6)
    (plane,) = planes(image, "YXS", spatial="YX", channels=3)
    assert read_all(plane).shape == (3, 5, 6)


@pytest.mark.parametrize("axes", ["YXS", "TYXS", "SYX"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_channel_of_rgb_is_one_of_its_colours(axes, channels):
    image = counted(axes)
    found = list(planes(image, axes, spatial="YX", channels=channels, chosen=(2,)))
    expected = np.take(image, 2, axis=axes.index("S"))
    for plane, wanted in zip(found, expected if "T" in axes else [expected], strict=True):
        np.testing.assert_array_equal(read_all(plane), np.stack([wanted] * channels))


def test_a_colour_of_an_image_that_is_four_pixels_high_has_all_rows():
    image = np.arange(4 * 6 * 4).reshape(4, 6, 4)
    (plane,) = planes(image, "YXS", spatial="YX", channels=1, chosen=(1,))
    np.testing.assert_array_equal(read_all(plane)[0], image[..., 1])


def test_a_part_of_one_colour_is_that_part():
    image = counted("YXS")
    wanted = planes(image, "YXS", spatial="YX", channels=1, chosen=(1,))
    (plane,) = restrict(wanted, {"Y": slice(1, 4), "X": slice(0, 6), "S": slice(0, 3)})
    np.testing.assert_array_equal(read_all(plane)[0], image[1:4, :, 1])


@pytest.mark.parametrize(("axes", "said"), [("YXS", "channels 0 to 2"), ("YX", "one channel, 0")])
def test_a_channel_that_is_not_there_is_a_sentence(axes, said):
    image = np.zeros((5, 6, 4)[: len(axes)])
    with pytest.raises(UnetError, match=f"channel 3 does not exist: the image has {said}"):
        list(planes(image, axes, spatial="YX", channels=1, chosen=(3,)))


def test_grey_is_repeated_for_a_colour_network():
    image = counted("YX")
    (plane,) = planes(image, "YX", spatial="YX", channels=3)
    np.testing.assert_array_equal(read_all(plane), np.stack([image] * 3))


@pytest.mark.parametrize(
    ("channels", "channel", "sentence"),
    [
        (1, None, "3 channels, the model takes one: say which channel, 0 to 2"),
        (2, None, "3 channels, the model takes 2"),
        (1, 3, "channel 3 does not exist"),
        (1, -1, "channel -1 does not exist"),
    ],
)
def test_channels_that_do_not_fit_are_refused_in_a_sentence(channels, channel, sentence):
    with pytest.raises(UnetError, match=sentence):
        list(planes(counted("CYX"), "CYX", spatial="YX", channels=channels, chosen=single(channel)))


def test_samples_that_do_not_fit_are_refused_in_a_sentence():
    (plane,) = planes(np.zeros((4, 4, 2)), "YXS", spatial="YX", channels=1)
    with pytest.raises(UnetError, match="2 channels, the model takes 1"):
        read_all(plane)


def test_windows_beyond_the_image_are_mirrored_and_normalised():
    image = np.array([[0, 10, 20]], np.uint8)
    plane = Plane(
        array=image,
        axes="YX",
        index={},
        spatial="YX",
        channels=1,
        intensity=FittedNormalization.of(Range(low=0, high=20)),
    )
    np.testing.assert_allclose(plane.read((slice(-1, 2), slice(-1, 5)))[0], [[0.5, 0, 0.5, 1, 0.5, 0]] * 3)


@given(st.floats(0.5, 2.5), st.integers(-20, 25), st.integers(1, 20))
def test_windows_of_a_smoothed_image_fit_together_exactly(smoothing, start, length):
    image = np.random.default_rng(1).random((30, 25))
    [plane] = planes(image, "YX", spatial="YX", channels=1)
    plane = replace(plane, intensity=FittedNormalization.of(Smooth(sigma=smoothing)))
    whole = plane.read((slice(-20, 50), slice(-20, 50)))
    part = plane.read((slice(start, start + length), slice(start + 2, start + 3)))
    expected = whole[:, start + 20 : start + 20 + length, start + 22 : start + 23]
    np.testing.assert_array_equal(part, expected)
    np.testing.assert_array_equal(whole[:, 20:50, 20:45], plane.intensity.apply(image[None]))


def test_lazy_arrays_are_read_window_by_window():
    image = counted("TYX")
    _, plane = planes(da.from_array(image, chunks=(1, 2, 2)), "TYX", spatial="YX", channels=1)
    window = plane.read((slice(1, 3), slice(2, 5)))
    assert isinstance(window, np.ndarray)
    np.testing.assert_array_equal(window[0], image[1, 1:3, 2:5])


def test_samples_for_the_intensity_range_stay_within_the_limit():
    (plane,) = planes(np.zeros((300, 200), np.uint8), "YX", spatial="YX", channels=1)
    assert next(sample_blocks(plane)).shape == (1, 300, 200)
    assert sum(block.size for block in sample_blocks(plane, planes_in_all=8000)) <= 750
