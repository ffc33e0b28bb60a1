"""What cannot be read is refused in one sentence, and never read in part."""

from __future__ import annotations

import contextlib
import errno
import logging

import numpy as np
import pytest
import tifffile

from napari_unet.errors import UnetError
from napari_unet.files.tiff import read_tiff

PLANE = np.arange(5 * 7, dtype=np.uint8).reshape(5, 7)
VOLUME = np.arange(6 * 5 * 7, dtype=np.uint16).reshape(6, 5, 7)
RAMP = np.arange(256, dtype=np.uint16) * 257
ZERO = np.zeros(256, np.uint16)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "looks like a PNG: end its name in .png"),
        (b"\xff\xd8\xff\xe0" + bytes(40), "looks like a JPEG"),
        (b"<!DOCTYPE html>", "download it again"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
        (b"II*\0", "damaged or cut off"),
        (b"nothing known", "is not a TIFF: open it in the program that made it"),
    ],
)
def test_what_is_no_tiff_is_named(tmp_path, content, sentence):
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(UnetError, match=sentence) as refused:
        read_tiff(tmp_path / "a.tif")
    assert "a.tif" in str(refused.value)


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(UnetError, match=r"none\.tif: it does not exist"):
        read_tiff(tmp_path / "none.tif")
    with pytest.raises(UnetError, match="it is a folder"):
        read_tiff(tmp_path)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "no permission to read it"),
        (OSError(errno.EIO, "Input/output error"), "the system says 'Input/output error'"),
        (MemoryError(), "does not fit into memory"),
        (NotImplementedError("fancy codec"), "a compression or pixel type, which cannot be read here"),
        (ValueError("<COMPRESSION.X> requires the 'imagecodecs' package"), "save it as uncompressed"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_failures_below_are_sentences(tmp_path, monkeypatch, error, sentence):
    def fail(*args, **kwargs):
        raise error

    (tmp_path / "a.tif").write_bytes(b"II*\0")
    monkeypatch.setattr(tifffile, "TiffFile", fail)
    with pytest.raises(UnetError, match=sentence):
        read_tiff(tmp_path / "a.tif")


@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "zstd", "jpeg"])
@pytest.mark.parametrize("imagej", [False, True])
def test_a_file_cut_off_anywhere_is_refused_or_whole_and_never_logs(tmp_path, caplog, compression, imagej):
    stack = np.random.default_rng(0).integers(0, 255, (3, 24, 24)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", stack, imagej=imagej, compression=compression)
    content = (tmp_path / "a.tif").read_bytes()
    whole = read_tiff(tmp_path / "a.tif").array
    with caplog.at_level(logging.DEBUG):
        for length in range(1, len(content), max(1, len(content) // 40)):
            (tmp_path / "cut.tif").write_bytes(content[:length])
            with contextlib.suppress(UnetError):
                np.testing.assert_array_equal(read_tiff(tmp_path / "cut.tif").array, whole)
    assert not caplog.records


@pytest.mark.parametrize("side", ["ImageLength", "ImageWidth"])
def test_an_image_of_which_most_strips_or_tiles_are_not_there_is_damage(tmp_path, side):
    """A damaged side claims terabytes; read as zeros, they would keep a computer busy for hours."""
    path = tmp_path / "a.tif"
    tiled = {"tile": (16, 16)} if side == "ImageWidth" else {"rowsperstrip": 8}
    tifffile.imwrite(path, np.ones((48, 48), np.uint8), compression="zlib", **tiled)
    assert read_tiff(path).array.shape == (48, 48)
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tiff.pages[0].tags[side].overwrite(10**9, dtype="I")
    with pytest.raises(UnetError, match="is damaged or cut off"):
        read_tiff(path)


def test_a_palette_lost_with_the_end_of_the_file_is_damage(tmp_path, monkeypatch):
    palette = np.stack([RAMP, RAMP[::-1], ZERO])
    tifffile.imwrite(tmp_path / "a.tif", PLANE, photometric="palette", colormap=palette)
    monkeypatch.setattr(tifffile.TiffPage, "colormap", None)
    with pytest.raises(UnetError, match="damaged"):
        read_tiff(tmp_path / "a.tif")


def test_an_unknown_compression_is_named_as_such(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", PLANE)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        place = file.pages.first.tags["Compression"].valueoffset
    content = bytearray((tmp_path / "a.tif").read_bytes())
    content[place : place + 2] = (54321).to_bytes(2, "little")
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(UnetError, match="a compression or pixel type, which cannot be read here"):
        read_tiff(tmp_path / "a.tif")


def test_a_set_of_files_with_one_missing_is_refused_and_not_filled_with_zeros(tmp_path):
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
        'UUID="urn:uuid:1"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" '
        'SizeX="7" SizeY="5" SizeZ="2" SizeC="1" SizeT="1"><TiffData FirstZ="0" IFD="0" PlaneCount="1">'
        '<UUID FileName="a.ome.tif">urn:uuid:1</UUID></TiffData><TiffData FirstZ="1" IFD="0" PlaneCount="1">'
        '<UUID FileName="b.ome.tif">urn:uuid:2</UUID></TiffData></Pixels></Image></OME>'
    )
    tifffile.imwrite(tmp_path / "a.ome.tif", PLANE, description=xml, metadata=None)
    with pytest.raises(UnetError, match="needs other files of its set"):
        read_tiff(tmp_path / "a.ome.tif")


def test_the_log_of_others_is_left_alone(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", PLANE)
    read_tiff(tmp_path / "a.tif")
    assert logging.getLogger("tifffile").filters == []
