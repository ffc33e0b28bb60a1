"""Which axis is which, and what one sample means."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_unet.errors import UnetError
from napari_unet.files.tiff import read_tiff

PLANE = np.arange(5 * 7, dtype=np.uint8).reshape(5, 7)
VOLUME = np.arange(6 * 5 * 7, dtype=np.uint16).reshape(6, 5, 7)


@pytest.mark.parametrize(
    ("shape", "axes"), [((6, 5, 7), "ZYX"), ((3, 6, 5, 7), "TZYX"), ((5, 7), "YX"), ((1, 6, 1, 5, 7), "ZYX")]
)
def test_pages_without_names_are_z_or_t_and_z(tmp_path, shape, axes):
    stack = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint16)
    tifffile.imwrite(tmp_path / "plain.tif", stack, photometric="minisblack")
    image = read_tiff(tmp_path / "plain.tif")
    assert image.axes == axes
    np.testing.assert_array_equal(image.array, stack.squeeze())


def test_three_axes_without_names_need_the_user(tmp_path):
    stack = np.zeros((2, 3, 6, 5, 7), np.uint16)
    tifffile.imwrite(tmp_path / "plain.tif", stack, photometric="minisblack")
    with pytest.raises(UnetError, match=r"3 axes it does not name.*TCZYX"):
        read_tiff(tmp_path / "plain.tif")


def test_three_planes_that_their_writer_took_for_rgb_are_a_stack_on_the_users_word(tmp_path):
    stack = np.random.default_rng(0).integers(0, 255, (3, 5, 7)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="rgb", planarconfig="separate")
    image = read_tiff(tmp_path / "a.tif", axes="ZYX")
    assert image.axes == "ZYX"
    np.testing.assert_array_equal(image.array, stack)


def test_a_file_that_names_no_plane_needs_the_user(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", VOLUME, photometric="minisblack", metadata={"axes": "ZTC"})
    with pytest.raises(UnetError, match="holds no image plane Y, X, but axes 'ZTC'"):
        read_tiff(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_tiff(tmp_path / "a.tif", axes="ZYX").array, VOLUME)


def test_an_unnamed_axis_takes_t_where_the_file_has_z(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2, 3, 5, 7), np.uint8), metadata={"axes": "QZYX"})
    assert read_tiff(tmp_path / "a.tif").axes == "TZYX"


def test_size_one_axes_go_but_a_single_row_stays(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((1, 1, 7), np.uint8), metadata={"axes": "CYX"})
    assert read_tiff(tmp_path / "a.tif").array.shape == (1, 7)


def test_axes_of_the_user_replace_those_of_the_file(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", VOLUME)
    image = read_tiff(tmp_path / "a.tif", axes="tyx")
    assert image.axes == "TYX"
    np.testing.assert_array_equal(image.array, VOLUME)


@pytest.mark.parametrize("axes", ["YX", "TZYX", "ZZX", "ZYQ", "ZYZ", "CZT"])
def test_axes_that_cannot_fit_are_refused_with_an_example(tmp_path, axes):
    tifffile.imwrite(tmp_path / "a.tif", VOLUME)
    with pytest.raises(UnetError, match=f"{axes}.*for example ZYX"):
        read_tiff(tmp_path / "a.tif", axes=axes)


def test_planar_rgb_becomes_rgb_last_and_the_user_may_call_its_planes_channels(tmp_path):
    rgb = np.random.default_rng(0).integers(0, 255, (3, 5, 7)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", rgb, photometric="rgb", planarconfig="separate")
    image = read_tiff(tmp_path / "a.tif")
    assert image.axes == "YXS"
    np.testing.assert_array_equal(image.array, np.moveaxis(rgb, 0, -1))
    named = read_tiff(tmp_path / "a.tif", axes="CYX")
    assert named.axes == "CYX"
    np.testing.assert_array_equal(named.array, rgb)
    same = read_tiff(tmp_path / "a.tif", axes="SYX")
    assert same.axes == "YXS"
    np.testing.assert_array_equal(same.array, image.array)


def test_many_samples_are_channels_first_and_the_user_may_have_them_last(tmp_path):
    samples = np.random.default_rng(0).integers(0, 255, (5, 7, 6)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="minisblack", planarconfig="contig")
    image = read_tiff(tmp_path / "a.tif")
    assert image.axes == "CYX"
    np.testing.assert_array_equal(image.array, np.moveaxis(samples, -1, 0))
    last = read_tiff(tmp_path / "a.tif", axes="YXC")
    assert last.axes == "YXC"
    np.testing.assert_array_equal(last.array, samples)
    with pytest.raises(UnetError, match="name it C"):
        read_tiff(tmp_path / "a.tif", axes="YXS")


def test_the_alpha_of_gray_is_dropped_but_a_second_channel_is_kept(tmp_path):
    two = np.stack([PLANE, PLANE + 1], axis=-1)
    tifffile.imwrite(tmp_path / "a.tif", two, photometric="minisblack", extrasamples=["unassalpha"])
    tifffile.imwrite(tmp_path / "c.tif", two, photometric="minisblack", extrasamples=["unspecified"])
    np.testing.assert_array_equal(read_tiff(tmp_path / "a.tif").array, PLANE)
    channels = read_tiff(tmp_path / "c.tif")
    assert channels.axes == "CYX"
    np.testing.assert_array_equal(channels.array, np.moveaxis(two, -1, 0))


def test_samples_beside_channels_are_refused(tmp_path):
    data = np.zeros((2, 5, 7, 2), np.uint8)
    tifffile.imwrite(
        tmp_path / "a.tif", data, photometric="minisblack", planarconfig="contig", extrasamples=["unspecified"],
        metadata={"axes": "CYXS"},
    )  # fmt: skip
    with pytest.raises(UnetError, match="channels of 2 samples each"):
        read_tiff(tmp_path / "a.tif")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, bool])
def test_inverted_gray_is_turned_to_black_is_zero(tmp_path, dtype):
    stored = (PLANE % 2).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="miniswhite")
    largest = 1 if dtype is bool else np.iinfo(dtype).max
    array = read_tiff(tmp_path / "a.tif").array
    assert array.dtype == dtype
    np.testing.assert_array_equal(array.astype(int), largest - stored.astype(int))


def test_inverted_gray_of_signed_or_floating_values_stays(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", PLANE.astype(np.float32), photometric="miniswhite")
    np.testing.assert_array_equal(read_tiff(tmp_path / "a.tif").array, PLANE)


RAMP = np.arange(256, dtype=np.uint16) * 257
ZERO = np.zeros(256, np.uint16)


@pytest.mark.parametrize("palette", [(RAMP, RAMP, RAMP), (ZERO, RAMP, ZERO)], ids=["gray", "green"])
def test_a_palette_that_shows_intensity_leaves_the_values(tmp_path, palette):
    tifffile.imwrite(tmp_path / "a.tif", PLANE, photometric="palette", colormap=np.stack(palette))
    image = read_tiff(tmp_path / "a.tif")
    assert image.axes == "YX"
    np.testing.assert_array_equal(image.array, PLANE)


def test_a_palette_of_colours_is_applied(tmp_path):
    palette = np.stack([RAMP, RAMP[::-1], ZERO])
    tifffile.imwrite(tmp_path / "a.tif", PLANE, photometric="palette", colormap=palette)
    image = read_tiff(tmp_path / "a.tif")
    assert image.axes == "YXS"
    np.testing.assert_array_equal(image.array, np.stack([PLANE, 255 - PLANE, PLANE * 0], axis=-1))


def test_a_palette_of_inverted_gray_gives_the_gray(tmp_path):
    palette = np.stack([RAMP[::-1]] * 3)
    tifffile.imwrite(tmp_path / "a.tif", PLANE, photometric="palette", colormap=palette)
    image = read_tiff(tmp_path / "a.tif")
    assert image.axes == "YX"
    np.testing.assert_array_equal(image.array, 255 - PLANE)


def test_a_palette_of_imagej_is_a_display_setting(tmp_path):
    palette = np.stack([RAMP[::-1], RAMP, ZERO])
    tifffile.imwrite(tmp_path / "a.tif", PLANE, imagej=True, colormap=palette >> 8)
    image = read_tiff(tmp_path / "a.tif")
    assert image.axes == "YX"
    np.testing.assert_array_equal(image.array, PLANE)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_cmyk_becomes_rgb(tmp_path, dtype):
    largest = 255 if dtype is np.uint8 else 1
    ink = np.zeros((5, 7, 4), dtype)
    ink[0, 0] = (largest, 0, 0, 0)
    ink[1, 1] = (0, 0, 0, largest)
    tifffile.imwrite(tmp_path / "a.tif", ink, photometric="separated")
    image = read_tiff(tmp_path / "a.tif")
    assert image.axes == "YXS"
    assert image.array.dtype == dtype
    assert image.array[0, 0].tolist() == [0, largest, largest]
    assert image.array[1, 1].tolist() == [0, 0, 0]
    assert image.array[2, 2].tolist() == [largest] * 3


def test_colours_that_would_pass_for_rgb_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((5, 7, 3), np.uint8), photometric="cielab")
    with pytest.raises(UnetError, match=r"a\.tif holds CIELAB colours.*save it"):
        read_tiff(tmp_path / "a.tif")


@pytest.mark.parametrize(
    "options",
    [
        {"byteorder": ">"},
        {"bigtiff": True},
        {"tile": (16, 16)},
        {"compression": "zlib", "predictor": True},
        {"compression": "lzw"},
        {"compression": "zstd"},
    ],
    ids=str,
)
def test_the_way_of_storing_does_not_show(tmp_path, options):
    tifffile.imwrite(tmp_path / "a.tif", VOLUME[0], **options)
    array = read_tiff(tmp_path / "a.tif").array
    assert array.dtype == np.uint16
    assert array.dtype.isnative
    np.testing.assert_array_equal(array, VOLUME[0])


def test_complex_numbers_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", PLANE.astype(np.complex64))
    with pytest.raises(UnetError, match=r"complex64 values: save its magnitude"):
        read_tiff(tmp_path / "a.tif")


def test_of_several_series_the_first_is_read_and_their_number_is_kept(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(PLANE, metadata=None)
        writer.write(VOLUME[0, :3], metadata=None)
    image = read_tiff(tmp_path / "a.tif")
    np.testing.assert_array_equal(image.array, PLANE)
    assert image.metadata == {"series": 2}
    assert image.remarks == ("the file holds 2 images: the first was read",)


def test_of_a_pyramid_the_full_resolution_is_read(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as writer:
        writer.write(np.tile(PLANE, (8, 8)), subifds=1, metadata={"axes": "YX"})
        writer.write(np.tile(PLANE, (4, 4)), subfiletype=1)
    image = read_tiff(tmp_path / "a.ome.tif")
    assert image.array.shape == (40, 56)
    assert "series" not in image.metadata
