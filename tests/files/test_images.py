"""One door for all image files; labels keep their numbers."""

from __future__ import annotations

import contextlib
import errno
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet.errors import UnetError
from napari_unet.files.images import read_image, read_labels

PLANE = np.arange(5 * 7, dtype=np.uint8).reshape(5, 7)
RGB = np.stack([PLANE, PLANE + 50, PLANE + 100], axis=-1)


def paletted(indices, colours):
    picture = Image.fromarray(indices.astype(np.uint8))
    picture = picture.convert("L")
    result = Image.new("P", picture.size)
    result.putdata(indices.ravel().tolist())
    result.putpalette([value for colour in colours for value in colour])
    return result


@pytest.mark.parametrize("name", ["a.tif", "a.TIF", "a.tiff", "a.png", "a.PNG", "a.bmp"])
def test_the_ending_in_either_case_leads_to_the_same_pixels(tmp_path, name):
    if name.lower().startswith("a.tif"):
        tifffile.imwrite(tmp_path / name, PLANE)
    else:
        Image.fromarray(PLANE).save(tmp_path / name)
    image = read_image(tmp_path / name)
    assert image.axes == "YX"
    assert image.pixel_size is None
    np.testing.assert_array_equal(image.array, PLANE)


def test_a_path_may_be_text_with_blanks_and_greek(tmp_path):
    path = tmp_path / "näme Ω µm (1).png"
    Image.fromarray(PLANE).save(path)
    np.testing.assert_array_equal(read_image(str(path)).array, PLANE)


def test_a_jpeg_is_read(tmp_path):
    Image.fromarray(np.full((16, 16, 3), 90, np.uint8)).save(tmp_path / "a.jpg")
    image = read_image(tmp_path / "a.jpg")
    assert image.axes == "YXS"
    assert abs(int(image.array[8, 8, 0]) - 90) < 5


@pytest.mark.parametrize("samples", [3, 4])
def test_colour_pictures_have_their_samples_last(tmp_path, samples):
    pixels = np.dstack([RGB, PLANE])[..., :samples]
    Image.fromarray(pixels).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert image.axes == "YXS"
    np.testing.assert_array_equal(image.array, pixels)


def test_the_alpha_of_gray_is_dropped(tmp_path):
    Image.merge("LA", [Image.fromarray(PLANE), Image.fromarray(PLANE + 1)]).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert image.axes == "YX"
    np.testing.assert_array_equal(image.array, PLANE)


def test_sixteen_bits_stay_in_gray_and_in_colour(tmp_path):
    gray = PLANE.astype(np.uint16) * 1000
    Image.fromarray(gray).save(tmp_path / "gray.png")
    deep = RGB.astype(np.uint16) * 400
    (tmp_path / "deep.png").write_bytes(imagecodecs.png_encode(deep))
    np.testing.assert_array_equal(read_image(tmp_path / "gray.png").array, gray)
    assert read_image(tmp_path / "gray.png").array.dtype == np.uint16
    np.testing.assert_array_equal(read_image(tmp_path / "deep.png").array, deep)


def test_one_bit_is_bool(tmp_path):
    Image.fromarray(PLANE % 2 == 1).save(tmp_path / "a.png")
    array = read_image(tmp_path / "a.png").array
    assert array.dtype == bool
    np.testing.assert_array_equal(array, PLANE % 2 == 1)


def test_a_palette_is_applied_to_images_and_left_to_labels(tmp_path):
    indices = PLANE % 3
    colours = [(0, 0, 0), (255, 0, 9), (3, 200, 0)]
    paletted(indices, colours).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert image.axes == "YXS"
    np.testing.assert_array_equal(image.array, np.array(colours, np.uint8)[indices])
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png").array, indices)


def test_a_palette_of_grays_gives_gray(tmp_path):
    paletted(PLANE % 3, [(9, 9, 9), (90, 90, 90), (5, 5, 5)]).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert image.axes == "YX"
    np.testing.assert_array_equal(image.array, np.array([9, 90, 5], np.uint8)[PLANE % 3])


def test_a_cmyk_jpeg_becomes_rgb(tmp_path):
    Image.new("CMYK", (8, 8), (0, 0, 0, 0)).save(tmp_path / "a.jpg")
    image = read_image(tmp_path / "a.jpg")
    assert image.axes == "YXS"
    assert image.array.shape == (8, 8, 3)
    assert image.array.min() > 250


def test_axes_of_the_user_name_the_samples_channels(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png", axes="YXC").axes == "YXC"
    with pytest.raises(UnetError, match=r"got 'YX' for a\.png of shape \(5, 7, 3\): give 3 letters"):
        read_image(tmp_path / "a.png", axes="YX")


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.jpg", "a.xyz", "a"])
def test_a_missing_file_is_named_whatever_its_ending(tmp_path, name):
    with pytest.raises(UnetError, match=f"{name}: it does not exist"):
        read_image(tmp_path / name)


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.zarr"])
def test_a_folder_is_no_image(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(UnetError, match="it is a folder"):
        read_image(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\x89HDF\r\n", "an HDF5 file: .*save it as TIFF"),
        (b"text", "a.dat is not a known image"),
        (b"", "is empty"),
    ],
)
def test_what_is_no_image_is_named(tmp_path, content, sentence):
    (tmp_path / "a.dat").write_bytes(content)
    with pytest.raises(UnetError, match=sentence):
        read_image(tmp_path / "a.dat")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "is empty"), (b"II*\0" + bytes(30), "holds no image"), (b"%PDF-1.5", "looks like a PDF")],
)
def test_what_is_no_picture_is_named(tmp_path, content, sentence):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UnetError, match=sentence):
        read_image(tmp_path / "a.png")


def test_grey_of_a_png_keeps_its_numbers_whatever_its_bits_and_alpha(tmp_path):
    path = tmp_path / "a.png"
    deep = np.arange(144, dtype=np.uint16).reshape(8, 9, 2) * 450
    path.write_bytes(imagecodecs.png_encode(deep))
    np.testing.assert_array_equal(read_image(path).array, deep[..., 0])
    np.testing.assert_array_equal(read_labels(path).array, deep[..., 0])
    for bits, rows in ((2, b"\x1b"), (4, b"\x01\x23")):
        chunks = {b"IHDR": struct.pack(">IIBBBBB", 4, 1, bits, 0, 0, 0, 0), b"IDAT": zlib.compress(b"\0" + rows)}
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(map(chunk, chunks, chunks.values())))
        assert read_labels(path).array.tolist() == [[0, 1, 2, 3]]


def chunk(name, data):
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "deep.png"])
def test_a_picture_cut_off_anywhere_is_refused_or_whole(tmp_path, ending):
    noise = np.random.default_rng(0).integers(0, 255, (32, 32, 3)).astype(np.uint8)
    path = tmp_path / f"a.{ending}"
    if ending == "deep.png":
        path.write_bytes(imagecodecs.png_encode(noise.astype(np.uint16) * 9))
    else:
        Image.fromarray(noise).save(path)
    content, whole = path.read_bytes(), read_image(path).array
    for length in range(1, len(content), len(content) // 40):
        path.write_bytes(content[:length])
        with contextlib.suppress(UnetError):
            np.testing.assert_array_equal(read_image(path).array, whole)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "no permission to read it"),
        (Image.DecompressionBombError("huge"), "too many pixels for a picture: save it as TIFF"),
    ],
    ids=["permission", "size"],
)
def test_failures_below_are_sentences(tmp_path, monkeypatch, error, sentence):
    def fail(*args, **kwargs):
        raise error

    Image.fromarray(PLANE).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(UnetError, match=sentence):
        read_image(tmp_path / "a.png")


# ---------------------------------------------------------------- labels


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.uint32, bool])
def test_labels_are_int32_of_the_same_numbers(tmp_path, dtype):
    stored = (PLANE % 2 if dtype is bool else PLANE).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", stored)
    labels = read_labels(tmp_path / "a.tif")
    assert labels.array.dtype == np.int32
    np.testing.assert_array_equal(labels.array, stored)


def test_labels_keep_palette_indices_and_inverted_gray_of_tiffs(tmp_path):
    palette = np.random.default_rng(0).integers(0, 65535, (3, 256)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "p.tif", PLANE, photometric="palette", colormap=palette)
    tifffile.imwrite(tmp_path / "w.tif", PLANE, photometric="miniswhite")
    np.testing.assert_array_equal(read_labels(tmp_path / "p.tif").array, PLANE)
    np.testing.assert_array_equal(read_labels(tmp_path / "w.tif").array, PLANE)


def test_labels_of_one_bit_are_true_where_tifffile_wrote_true(tmp_path):
    mask = PLANE % 2 == 1
    tifffile.imwrite(tmp_path / "w.tif", mask)
    with tifffile.TiffFile(tmp_path / "w.tif") as file:
        assert file.pages.first.photometric == tifffile.PHOTOMETRIC.MINISWHITE  # tifffile's choice
    np.testing.assert_array_equal(read_labels(tmp_path / "w.tif").array, mask)


def test_labels_keep_axes_and_pixel_size(tmp_path):
    volume = np.zeros((3, 5, 7), np.uint16)
    metadata = {"axes": "ZYX", "spacing": 0.5, "unit": "micron"}
    tifffile.imwrite(tmp_path / "a.tif", volume, imagej=True, resolution=(5, 4), metadata=metadata)
    labels = read_labels(tmp_path / "a.tif")
    assert labels.axes == "ZYX"
    assert labels.pixel_size == pytest.approx((0.5, 0.25, 0.2))
    assert read_labels(tmp_path / "a.tif", axes="TYX").axes == "TYX"


@pytest.mark.parametrize(
    ("stored", "sentence"),
    [
        (PLANE.astype(np.float32) + 0.5, r"whole numbers, got float32 in a\.tif: save them as uint16"),
        (PLANE.astype(np.int16) - 3, "must not be negative, got -3"),
        (np.full((5, 7), 2**31, np.uint32), "below 2147483648, got 2147483648"),
        (RGB, "one number a pixel, but a.tif is a colour picture"),
    ],
)
def test_what_cannot_be_labels_is_refused(tmp_path, stored, sentence):
    tifffile.imwrite(tmp_path / "a.tif", stored)
    with pytest.raises(UnetError, match=sentence):
        read_labels(tmp_path / "a.tif")


def test_a_colour_picture_is_no_label_image(tmp_path):
    Image.fromarray(np.dstack([RGB, PLANE])).save(tmp_path / "a.png")
    with pytest.raises(UnetError, match="colour picture: save them as a 16-bit gray"):
        read_labels(Path(tmp_path / "a.png"))
