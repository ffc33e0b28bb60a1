"""Labels out and back: values, axes, pixel size, provenance; whole or not at all."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_unet.errors import UnetError
from napari_unet.files import tiff as tiff_module
from napari_unet.files.tiff import read_provenance, read_tiff, write_labels

PLANE = np.arange(5 * 7, dtype=np.uint8).reshape(5, 7)
VOLUME = np.arange(6 * 5 * 7, dtype=np.uint16).reshape(6, 5, 7)
PROVENANCE = {"model": "nucleï", "sha256": "ab12", "settings": {"tile": [256, 256], "note": "two\nlines: é"}}


SHAPES = {"YX": (5, 3), "ZYX": (4, 5, 7), "TYX": (3, 5, 4), "TZYX": (2, 3, 5, 7), "CYX": (2, 5, 7)}
SIZES = {"Z": 0.5, "Y": 0.25, "X": 0.2}


def sizes_of(axes):
    return tuple(SIZES[axis] for axis in axes if axis in SIZES)


@pytest.mark.parametrize("shape", [(5, 9, 1), (3, 1, 1), (4, 1, 9), (1, 9, 1)])
def test_stacks_one_pixel_wide_come_back(tmp_path, shape):
    labels = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    write_labels(tmp_path / "a.tif", labels, axes="ZYX", pixel_size=(2, 1, 1), provenance=None)
    assert read_tiff(tmp_path / "a.tif").array.squeeze().tolist() == labels.squeeze().tolist()


@pytest.mark.parametrize("axes", SHAPES)
@pytest.mark.parametrize("name", ["a.tif", "a.TIFF", "a.ome.tif"])
@pytest.mark.parametrize("largest", [9, 65535, 65536])
def test_labels_come_back_whole_with_all_that_belongs_to_them(tmp_path, axes, name, largest):
    labels = np.random.default_rng(0).integers(0, 9, SHAPES[axes]).astype(np.int32)
    labels.flat[0] = largest
    write_labels(tmp_path / name, labels, axes=axes, pixel_size=sizes_of(axes), provenance=PROVENANCE)
    with tifffile.TiffFile(tmp_path / name) as file:
        assert file.series[0].axes == axes
        assert file.series[0].dtype == (np.uint16 if largest < 65536 else np.uint32)
        assert file.pages.first.compression == tifffile.COMPRESSION.ADOBE_DEFLATE
        np.testing.assert_array_equal(file.series[0].asarray(), labels)
    image = read_tiff(tmp_path / name)
    assert image.axes == axes
    assert image.pixel_size == pytest.approx(sizes_of(axes))
    assert image.metadata == {"provenance": PROVENANCE}
    assert read_provenance(tmp_path / name) == PROVENANCE


def test_imagej_and_ome_find_the_calibration_in_their_own_places(tmp_path):
    for name in ("a.tif", "a.ome.tif"):
        write_labels(tmp_path / name, VOLUME, axes="ZYX", pixel_size=(0.5, 0.25, 0.2), provenance=PROVENANCE)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.imagej_metadata["unit"] == "micron"
        assert file.imagej_metadata["spacing"] == 0.5
        line = file.imagej_metadata["Info"]
        assert json.loads(line.removeprefix("napari_unet: ")) == PROVENANCE
        assert file.pages.first.resolution == pytest.approx((5, 4))
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        pixels = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
        assert [pixels[f"PhysicalSize{axis}"] for axis in "ZYX"] == [0.5, 0.25, 0.2]
        assert {pixels[f"PhysicalSize{axis}Unit"] for axis in "ZYX"} == {"µm"}


def test_labels_with_z_before_t_are_written_in_the_order_of_imagej(tmp_path):
    labels = np.arange(2 * 3 * 5 * 7).reshape(2, 3, 5, 7)
    write_labels(tmp_path / "a.tif", labels, axes="ZTYX", pixel_size=None, provenance=None)
    image = read_tiff(tmp_path / "a.tif")
    assert image.axes == "TZYX"
    np.testing.assert_array_equal(image.array, labels.swapaxes(0, 1))


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
def test_without_pixel_size_and_provenance_neither_is_written(tmp_path, name):
    write_labels(tmp_path / name, PLANE > 3, axes="YX", pixel_size=None, provenance=None)
    image = read_tiff(tmp_path / name)
    assert image.pixel_size is None
    assert image.metadata == {}
    assert read_provenance(tmp_path / name) is None
    np.testing.assert_array_equal(image.array, PLANE > 3)


def test_provenance_of_others_or_in_pieces_is_none(tmp_path):
    for info in ("Other: 1\n", "napari_unet: {broken\n", "napari_unet: [1]\n"):
        tifffile.imwrite(tmp_path / "a.tif", PLANE, imagej=True, metadata={"Info": info})
        assert read_provenance(tmp_path / "a.tif") is None


def test_labels_beyond_four_gigabytes_become_a_bigtiff(tmp_path, monkeypatch):
    monkeypatch.setattr(tiff_module, "_CLASSIC_LIMIT", 100)
    write_labels(tmp_path / "a.tif", VOLUME, axes="ZYX", pixel_size=(1, 1, 1), provenance=PROVENANCE)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.is_bigtiff
        assert file.is_ome
    assert read_tiff(tmp_path / "a.tif").axes == "ZYX"


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (PLANE.astype(np.float32), "whole numbers, got float32"),
        (PLANE.astype(np.int32) - 1, "must not be negative, got -1"),
        (np.zeros((0, 7), np.int32), r"must have pixels, got shape \(0, 7\)"),
        (PLANE.astype(np.int64) + 2**32, "below 4294967296"),
    ],
)
def test_what_is_no_label_image_is_refused(tmp_path, labels, sentence):
    with pytest.raises(UnetError, match=sentence):
        write_labels(tmp_path / "a.tif", labels, axes="YX", pixel_size=None, provenance=None)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("axes", ["ZYX", "YXS", "Y", "", "YY"])
def test_axes_that_labels_cannot_have_are_refused(tmp_path, axes):
    with pytest.raises(UnetError, match=r"axes of labels.*for example YX"):
        write_labels(tmp_path / "a.tif", PLANE, axes=axes, pixel_size=None, provenance=None)


@pytest.mark.parametrize(
    "size", [(1.0,), (1.0, 1.0, 1.0), (0.0, 1.0), (1.0, float("nan")), (1e-12, 1.0), (1.0, 1e300)]
)
def test_pixel_sizes_that_cannot_be_are_refused(tmp_path, size):
    with pytest.raises(UnetError, match="pixel_size must be 2 numbers from 1e-06 to "):
        write_labels(tmp_path / "a.tif", PLANE, axes="YX", pixel_size=size, provenance=None)


def test_a_name_that_is_no_tiffs_and_values_that_json_lacks_are_refused(tmp_path):
    with pytest.raises(UnetError, match=r"end it in \.tif"):
        write_labels(tmp_path / "a.png", PLANE, axes="YX", pixel_size=None, provenance=None)
    with pytest.raises(UnetError, match="provenance must hold"):
        write_labels(tmp_path / "a.tif", PLANE, axes="YX", pixel_size=None, provenance={"path": tmp_path})


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), UnetError),
        (RuntimeError("encoder"), RuntimeError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
    ids=["disk full", "bug", "Ctrl+C"],
)
def test_a_write_that_fails_midway_leaves_the_former_file(tmp_path, monkeypatch, error, raised):
    write_labels(tmp_path / "a.tif", PLANE, axes="YX", pixel_size=None, provenance=None)

    def half(path, *args, **kwargs):
        Path(path).write_bytes(b"half")
        raise error

    monkeypatch.setattr(tifffile, "imwrite", half)
    with pytest.raises(raised):
        write_labels(tmp_path / "a.tif", PLANE * 0, axes="YX", pixel_size=None, provenance=None)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]
    np.testing.assert_array_equal(read_tiff(tmp_path / "a.tif").array, PLANE)


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
def test_beyond_what_a_classic_tiff_addresses_it_is_a_big_one(tmp_path, monkeypatch, name):
    monkeypatch.setattr("napari_unet.files.tiff._CLASSIC_LIMIT", 10)
    write_labels(tmp_path / name, PLANE, axes="YX", pixel_size=(0.5, 0.25), provenance=None)
    with tifffile.TiffFile(tmp_path / name) as file:
        assert file.is_bigtiff
        assert not file.is_imagej
    assert read_tiff(tmp_path / name).pixel_size == pytest.approx((0.5, 0.25))
