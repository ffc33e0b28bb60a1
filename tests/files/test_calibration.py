"""The size of a pixel in micrometres, or None."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_unet.files.tiff import read_provenance, read_tiff
from napari_unet.files.units import number, seconds_per, um_per

PLANE = np.arange(5 * 7, dtype=np.uint8).reshape(5, 7)
VOLUME = np.arange(6 * 5 * 7, dtype=np.uint16).reshape(6, 5, 7)


def test_the_calibration_of_imagej_is_read_in_micrometres(tmp_path):
    for unit, factor in [("micron", 1), ("um", 1), ("\\u00B5m", 1), ("nm", 1e-3), ("mm", 1e3)]:
        tifffile.imwrite(
            tmp_path / "a.tif", VOLUME, imagej=True, resolution=(1 / 0.2, 1 / 0.25),
            metadata={"axes": "ZYX", "spacing": 0.5, "unit": unit},
        )  # fmt: skip
        size = read_tiff(tmp_path / "a.tif").pixel_size
        assert size == pytest.approx((0.5 * factor, 0.25 * factor, 0.2 * factor))


def test_planes_from_the_top_down_have_their_distance_too(tmp_path):
    metadata = {"axes": "ZYX", "unit": "micron", "spacing": -2.0}
    tifffile.imwrite(tmp_path / "a.tif", VOLUME, imagej=True, resolution=(5, 5), metadata=metadata)
    assert read_tiff(tmp_path / "a.tif").pixel_size == pytest.approx((2.0, 0.2, 0.2))


def test_imagej_leaves_a_spacing_of_one_unit_out(tmp_path):
    metadata = {"axes": "ZYX", "unit": "micron"}
    tifffile.imwrite(tmp_path / "a.tif", VOLUME, imagej=True, resolution=(5, 5), metadata=metadata)
    assert read_tiff(tmp_path / "a.tif").pixel_size == pytest.approx((1.0, 0.2, 0.2))


@pytest.mark.parametrize("unit", ["", "pixel", "parsec"])
def test_imagej_without_a_unit_of_length_is_not_calibrated(tmp_path, unit):
    tifffile.imwrite(tmp_path / "a.tif", PLANE, imagej=True, resolution=(5, 5), metadata={"unit": unit})
    assert read_tiff(tmp_path / "a.tif").pixel_size is None


@pytest.mark.parametrize(
    ("unit", "um"), [("nm", 1e-3), ("µm", 1), ("mm", 1e3), ("cm", 1e4), ("m", 1e6), ("in", 25400), ("Å", 1e-4)]
)
def test_the_calibration_of_ome_is_converted_to_micrometres(tmp_path, unit, um):
    units = {f"PhysicalSize{axis}Unit": unit for axis in "XYZ"}
    sizes = {"PhysicalSizeX": 2.0, "PhysicalSizeY": 3.0, "PhysicalSizeZ": 4.0}
    tifffile.imwrite(tmp_path / "a.ome.tif", VOLUME, metadata={"axes": "ZYX", **sizes, **units})
    assert read_tiff(tmp_path / "a.ome.tif").pixel_size == pytest.approx((4 * um, 3 * um, 2 * um))


def test_a_series_in_time_that_is_a_stack_has_no_known_spacing(tmp_path):
    facts = {"axes": "TYX", "unit": "um"}
    tifffile.imwrite(tmp_path / "a.tif", VOLUME, imagej=True, resolution=(5, 5), metadata=facts)
    image = read_tiff(tmp_path / "a.tif", axes="ZYX")
    assert image.pixel_size == pytest.approx((0.2, 0.2, 0.2))
    assert "assumed 0.2 um" in image.metadata["assumed"]


def test_what_is_no_pixels_size_is_none(tmp_path):
    sizes = {"PhysicalSizeX": 1e-12, "PhysicalSizeY": 1e-12}
    tifffile.imwrite(tmp_path / "a.ome.tif", PLANE, metadata={"axes": "YX", **sizes})
    assert read_tiff(tmp_path / "a.ome.tif").pixel_size is None


def test_an_unknown_z_spacing_is_assumed_and_said_so(tmp_path):
    sizes = {"PhysicalSizeX": 0.2, "PhysicalSizeY": 0.3}
    tifffile.imwrite(tmp_path / "a.ome.tif", VOLUME, metadata={"axes": "ZYX", **sizes})
    image = read_tiff(tmp_path / "a.ome.tif")
    assert image.pixel_size == pytest.approx((0.3, 0.3, 0.2))
    assert "assumed 0.3 um" in image.metadata["assumed"]


@pytest.mark.parametrize("sizes", [{"PhysicalSizeX": 0.2}, {"PhysicalSizeY": 0.2}])
def test_ome_with_one_side_of_the_pixel_means_a_square(tmp_path, sizes):
    tifffile.imwrite(tmp_path / "a.ome.tif", PLANE, metadata={"axes": "YX", **sizes})
    assert read_tiff(tmp_path / "a.ome.tif").pixel_size == pytest.approx((0.2, 0.2))


@pytest.mark.parametrize("size", [0.0, -1.0, float("nan"), float("inf"), "wide"])
def test_a_pixel_size_that_is_no_length_does_not_count(tmp_path, size):
    sizes = {"PhysicalSizeX": size, "PhysicalSizeY": size}
    tifffile.imwrite(tmp_path / "a.ome.tif", PLANE, metadata={"axes": "YX", **sizes})
    assert read_tiff(tmp_path / "a.ome.tif").pixel_size is None


def test_broken_ome_xml_leaves_the_pixels_readable(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", PLANE, description='<OME xmlns="x"><Image</OME>', metadata=None)
    image = read_tiff(tmp_path / "a.tif")
    np.testing.assert_array_equal(image.array, PLANE)
    assert image.pixel_size is None
    assert read_provenance(tmp_path / "a.tif") is None


@pytest.mark.parametrize(
    ("resolution", "unit", "size"),
    [
        (50000, "CENTIMETER", 0.2),
        (127000, "INCH", 0.2),
        (72, "INCH", None),
        (96, "INCH", None),
        (300, "INCH", None),
        (1, "INCH", None),
        (1, "CENTIMETER", None),
        (118.11, "CENTIMETER", None),
        (2400, "INCH", None),
        (4800, "INCH", None),
        (5, "NONE", None),
    ],
)
def test_plain_resolution_counts_where_it_can_be_a_microscopes(tmp_path, resolution, unit, size):
    tifffile.imwrite(tmp_path / "a.tif", PLANE, resolution=(resolution, resolution), resolutionunit=unit)
    expected = None if size is None else pytest.approx((size, size))
    assert read_tiff(tmp_path / "a.tif").pixel_size == expected


@pytest.mark.parametrize(
    ("unit", "um"),
    [
        ("femtometer", 1e-9), ("am", 1e-12), ("pm", 1e-6), ("Mm", 1e12), ("mm", 1e3), ("MM", 1e3), ("dam", 1e7),
        ("Kilometre", 1e9), ("UM", 1), ("Âµm", 1), ("\\u00B5m", 1), ("μm", 1), ("Micron", 1), ("foot", 304800),
        ("yd", 914400), ("li", 25400 / 12), ("pt", 25400 / 72), ("thou", 25.4), ("Ångstrom", None), ("Å", 1e-4),
        ("reference frame", None), ("pixel", None), ("", None), (None, None), ("second", None), ("um^2", None),
    ],
)  # fmt: skip
def test_every_unit_of_ome_and_ngff_is_known_and_case_counts_where_it_decides(unit, um):
    assert um_per(unit) == (um if um is None else pytest.approx(um))


@pytest.mark.parametrize(
    ("unit", "seconds"), [("ms", 1e-3), ("Ms", 1e6), ("µs", 1e-6), ("us", 1e-6), ("Hour", 3600), ("um", None)]
)
def test_units_of_time_are_known_too(unit, seconds):
    assert seconds_per(unit) == (seconds if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize("text", ["1_0", "１", "0x10", "1,5", "", "one"])
def test_what_python_alone_takes_for_a_number_is_none(text):
    assert number(text) is None
    assert (number(" 1e-1 "), number(2)) == (0.1, 2)


def test_imagej_may_have_another_unit_along_every_axis(tmp_path):
    facts = {"axes": "ZYX", "unit": "um", "yunit": "nm", "zunit": "mm", "spacing": 0.002}
    tifffile.imwrite(tmp_path / "a.tif", VOLUME, imagej=True, resolution=(5, 0.01), metadata=facts)
    assert read_tiff(tmp_path / "a.tif").pixel_size == pytest.approx((2, 0.1, 0.2))
