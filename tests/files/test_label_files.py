"""Labels out and back: values, axes, pixel size, provenance; whole or not at all."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.errors import UnetError
from napari_unet.files import tiff as tiff_module
from napari_unet.files.images import read_labels
from napari_unet.files.tiff import read_provenance, read_tiff, write_labels

PLANE = np.arange(5 * 7, dtype=np.uint8).reshape(5, 7)
VOLUME = np.arange(6 * 5 * 7, dtype=np.uint16).reshape(6, 5, 7)
PROVENANCE = {"model": "nucleï", "sha256": "ab12", "settings": {"tile": [256, 256], "note": "two\nlines: é"}}


SHAPES = {"YX": (5, 3), "ZYX": (4, 5, 7), "TYX": (3, 5, 4), "TZYX": (2, 3, 5, 7), "CYX": (2, 5, 7)}
SIZES = {"Z": 0.5, "Y": 0.25, "X": 0.2}
ALL = PixelSize({**SIZES, "T": 30.0})


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
        many = np.uint32 if "ome" in name else np.float32
        assert file.series[0].dtype == (np.uint16 if largest < 65536 else many)
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
    monkeypatch.setattr(tiff_module, "CLASSIC_LIMIT", 100)
    write_labels(tmp_path / "a.tif", VOLUME, axes="ZYX", pixel_size=(1, 1, 1), provenance=PROVENANCE)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.is_bigtiff
        assert file.is_ome
    assert read_tiff(tmp_path / "a.tif").axes == "ZYX"


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (PLANE.astype(np.float32) + 0.5, "whole numbers, got float32"),
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
    monkeypatch.setattr("napari_unet.files.tiff.CLASSIC_LIMIT", 10)
    write_labels(tmp_path / name, PLANE, axes="YX", pixel_size=(0.5, 0.25), provenance=None)
    with tifffile.TiffFile(tmp_path / name) as file:
        assert file.is_bigtiff
        assert not file.is_imagej
    assert read_tiff(tmp_path / name).pixel_size == pytest.approx((0.5, 0.25))


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
@pytest.mark.parametrize("axes", ["YX", "XY", "YXZ", "XYZ", "XZY", "YTX", "TXYZ"])
def test_sizes_go_to_their_axes_whatever_the_order(tmp_path, axes, name):
    """The axes differ in length, so that a transposed array would show."""
    shape = [{"T": 2, "Z": 3, "Y": 5, "X": 7}[axis] for axis in axes]
    labels = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    write_labels(tmp_path / name, labels, axes=axes, pixel_size=ALL, provenance=None)
    image = read_tiff(tmp_path / name)
    order = sorted(axes, key="TZYX".index)
    assert image.axes == "".join(order)
    np.testing.assert_array_equal(image.array, labels.transpose([axes.index(axis) for axis in order]))
    assert image.calibration.by_axis == pytest.approx({axis: ALL.by_axis[axis] for axis in order})
    write_labels(tmp_path / name, labels, axes=axes, pixel_size=sizes_of(order), provenance=None)
    assert read_tiff(tmp_path / name).pixel_size == pytest.approx(sizes_of(order)), "a tuple is (Z, Y, X)"


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
def test_the_frame_interval_comes_back_in_seconds(tmp_path, name):
    write_labels(tmp_path / name, VOLUME, axes="TYX", pixel_size=ALL, provenance=None)
    with tifffile.TiffFile(tmp_path / name) as file:
        assert file.imagej_metadata["finterval"] == 30
        assert ("TimeIncrement" in (file.ome_metadata or "")) == ("ome" in name)
    assert read_tiff(tmp_path / name).calibration.get("T") == 30
    write_labels(tmp_path / name, VOLUME, axes="TYX", pixel_size=PixelSize({"T": 0.5}), provenance=None)
    assert read_tiff(tmp_path / name).calibration.by_axis == {"T": 0.5}, "also without a pixel size"
    assert read_tiff(tmp_path / name).pixel_size is None


def test_an_unknown_spacing_is_written_as_the_pixel_size(tmp_path):
    write_labels(
        tmp_path / "a.tif", VOLUME, axes="ZYX", pixel_size=PixelSize({"Y": 0.25, "X": 0.2}), provenance=None
    )
    assert read_tiff(tmp_path / "a.tif").pixel_size == pytest.approx((0.25, 0.25, 0.2))


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
@pytest.mark.parametrize("size", [None, ALL])
def test_a_part_keeps_its_place(tmp_path, name, size):
    origin = {"Z": 3, "Y": 300, "X": 400}
    write_labels(tmp_path / name, PLANE[None], axes="ZYX", pixel_size=size, provenance=PROVENANCE, origin=origin)
    assert read_provenance(tmp_path / name) == {**PROVENANCE, "origin": origin}
    if "ome" in name:
        plane = tifffile.xml2dict(tifffile.TiffFile(tmp_path / name).ome_metadata)["OME"]["Image"]["Pixels"][
            "Plane"
        ]
        step = {"Z": 1, "Y": 1, "X": 1} if size is None else SIZES
        for axis, start in origin.items():
            assert plane[f"Position{axis}"] == pytest.approx(start * step[axis])
            assert plane[f"Position{axis}Unit"] == ("pixel" if size is None else "µm")


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
@pytest.mark.parametrize("highest", [40, 65536, 2**24])
def test_many_objects_open_in_imagej_with_time_depth_and_colours(tmp_path, name, highest):
    """ImageJ itself is asked in test_imagej.py; it reads the description and the colour table that this finds."""
    labels = np.zeros((3, 4, 5, 7), np.int64)
    labels[1, 2, 3, 4] = highest
    write_labels(tmp_path / name, labels, axes="TZYX", pixel_size=ALL, provenance=PROVENANCE)
    with tifffile.TiffFile(tmp_path / name) as file:
        meta, page = file.imagej_metadata, file.pages.first
        assert (meta["frames"], meta["slices"], meta["spacing"], meta["unit"]) == (3, 4, 0.5, "micron")
        table = np.reshape(page.tags[320].value, (3, 256))
    assert not table[:, 0].any()
    assert len(np.unique(table, axis=1).T) == 256, "a colour of its own for each of 255 ids"
    read = read_labels(tmp_path / name)
    assert (read.array.dtype, read.axes, int(read.array[1, 2, 3, 4])) == (np.int32, "TZYX", highest)
    assert read_provenance(tmp_path / name) == PROVENANCE


def test_ids_beyond_those_of_float32_are_kept_exactly(tmp_path):
    labels = np.array([[2**24 + 1, 0]])
    write_labels(tmp_path / "a.tif", labels, axes="YX", pixel_size=None, provenance=None)
    assert read_labels(tmp_path / "a.tif").array.tolist() == labels.tolist()


def test_labels_saved_as_whole_floating_point_numbers_are_labels(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", PLANE.astype(np.float32))
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif").array, PLANE)
    for values in (PLANE + 0.5, np.where(PLANE > 3, np.nan, PLANE), np.where(PLANE > 3, np.inf, PLANE)):
        tifffile.imwrite(tmp_path / "a.tif", values.astype(np.float32))
        with pytest.raises(UnetError, match="whole numbers"):
            read_labels(tmp_path / "a.tif")
