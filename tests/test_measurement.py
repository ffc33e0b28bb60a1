"""Tables of objects: axes, planes and volumes, calibration, regions, channels, and what is refused."""

import numpy as np
import pytest
from skimage.measure import regionprops_table

from napari_unet import UnetError, measure
from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.arrays.source import Source
from napari_unet.measurement import measure_steps
from napari_unet.progress import finish


@pytest.fixture
def stack():
    """Return labels (3, 20, 24): one object through two planes, and one in the last."""
    labels = np.zeros((3, 20, 24), np.uint16)
    labels[:2, 2:9, 3:11] = 1
    labels[2, 12:18, 14:20] = 2
    return labels


def test_an_object_through_planes_is_a_volume(stack):
    table = measure(stack, axes="ZYX", pixel_size=(2, 0.5, 0.25))
    assert "plane" not in table
    assert table["area"].tolist() == [2 * 7 * 8 * 0.25, 6 * 6 * 0.25]
    expected = regionprops_table(stack, properties=("centroid",), spacing=(2, 0.5, 0.25))
    for name, column in expected.items():
        np.testing.assert_allclose(table[name], column)


def test_planes_with_ids_of_their_own_are_measured_one_by_one(stack):
    stack[1][stack[1] > 0] = 7
    table = measure(stack, axes="ZYX", pixel_size=(2, 0.5, 0.25))
    assert table["label"].tolist() == [1, 7, 2]
    assert table["plane"].tolist() == [0, 1, 2]
    assert table["area"].tolist() == [7.0, 7.0, 4.5]
    assert measure(stack, axes="ZYX", volumes=True)["area"].tolist() == [56, 36, 56]


def test_every_time_is_measured_whatever_the_order_of_axes(stack):
    image = np.random.default_rng(0).normal(size=(3, 20, 2, 24))  # T Y C X
    table = measure(stack, image, axes="TYCX")
    assert table["label"].tolist() == [1, 1, 2]
    assert table["frame"].tolist() == [0, 1, 2]
    assert table["intensity_mean-1"][1] == pytest.approx(image[1, :, 1][stack[1] == 1].mean())
    turned = measure(stack.transpose(2, 0, 1), axes="XTY")
    for name, column in measure(stack, axes="TYX").items():
        np.testing.assert_allclose(turned[name], column, err_msg=name)


def test_a_source_says_axes_and_pixel_size(stack):
    source = Source.of(stack[0] * 3.0, "YX", pixel_size=PixelSize({"Y": 0.5, "X": 0.5}))
    table = finish(measure_steps(stack[0], source))
    assert table.columns["area"].tolist() == [14.0]
    assert table.columns["intensity_max"].tolist() == [3.0]
    assert table.units["area"] == "um^2"
    assert table.units["centroid-0"] == "um"
    assert "eccentricity" not in table.units
    assert finish(measure_steps(stack[0])).units["area"] == "px^2"


def test_images_by_name_are_told_apart(stack):
    plane = stack[0]
    table = measure(plane, {"DAPI": plane * 2.0, "RGB": Source.of(np.stack([plane] * 4, -1), "YXS")}, axes="YX")
    assert table["intensity_mean-DAPI"].tolist() == [2.0]
    assert [name for name in table if name.startswith("intensity_mean-RGB")] == [
        f"intensity_mean-RGB-{number}" for number in range(3)
    ]


def test_an_object_belongs_to_the_region_of_its_centroid(stack):
    regions = np.zeros((20, 24), int)
    regions[:10, :8], regions[10:] = 4, 5
    assert measure(stack, axes="ZYX", regions=regions)["region"].tolist() == [4, 5]
    assert measure(stack, axes="ZYX", regions=regions, pixel_size=(3, 0.1, 0.2))["region"].tolist() == [4, 5]


def test_only_what_is_wanted(stack):
    regions = np.ones((20, 24), int)
    assert list(measure(stack[0], properties=("area",), regions=regions)) == ["label", "region", "area"]


def test_a_lazy_image_is_read_in_parts(stack, monkeypatch):
    monkeypatch.setattr("napari_unet.arrays.object_figures.slabs", lambda shape: [slice(0, 9), slice(9, shape[0])])
    read = []

    class Lazy:
        shape, dtype, ndim = (20, 24), np.dtype(float), 2

        def __getitem__(self, key):
            read.append(key[0])
            return (stack[0] * 5.0)[key]

    assert measure(stack[0], Source.of(Lazy(), "YX"))["intensity_mean"].tolist() == [5.0]
    assert read == [slice(0, 9), slice(9, 20)]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"labels": np.zeros((4, 4)) + 0.5}, "whole numbers"),
        ({"labels": np.full((4, 4), -1)}, "must not be negative"),
        ({"labels": np.zeros(4, int)}, r"Y and X at least"),
        ({"labels": np.zeros((2, 4, 4), int)}, "name its axes"),
        ({"labels": np.zeros((4, 4), int), "image": np.zeros((4, 5))}, r"\(4, 5\)"),
        ({"labels": np.zeros((4, 4), int), "properties": ("size",)}, "'size' cannot be measured: choose from"),
        ({"labels": np.zeros((4, 4), int), "regions": np.zeros((3, 3))}, "regions of shape"),
        ({"labels": np.zeros((4, 4), int), "pixel_size": (1, 2, 3)}, "pixel_size must be 2 numbers"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(given, sentence):
    with pytest.raises(UnetError, match=sentence):
        measure(**given)
