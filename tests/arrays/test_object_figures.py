"""Figures of objects equal those of scikit-image, which looks at one object after the other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.measure import regionprops_table

from napari_unet.arrays import object_ids
from napari_unet.arrays.object_figures import INTENSITIES, ONLY_PLANES, PROPERTIES, Channel, object_figures
from napari_unet.progress import finish

pytestmark = pytest.mark.filterwarnings("ignore")  # scikit-image warns of flat objects


def blobs(seed, shape, width=2.0):
    """Return smooth blobs of all sizes, some with holes and some of one pixel."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), width)
    return ndimage.label(noise > 0.3 * noise.std())[0].astype(np.int32)


def figures(labels, spacing, *images, wanted=PROPERTIES, only=None):
    several = len(images) > 1
    channels = [
        Channel(f"-{number}" if several else "", lambda part, image=image: image[part])
        for number, image in enumerate(images)
    ]
    return finish(object_figures(labels, spacing, wanted, channels, only))


def reference(labels, spacing, *images):
    left_out = set() if images else set(INTENSITIES)
    left_out |= set(ONLY_PLANES) if labels.ndim == 3 else set()
    left_out |= {"perimeter"} if len(set(spacing)) > 1 else set()
    names = ["label", *(name for name in PROPERTIES if name not in left_out)]
    image = None if not images else images[0] if len(images) == 1 else np.stack(images, -1)
    return regionprops_table(labels, image, properties=names, spacing=spacing)


def assert_equal(found, expected):
    assert set(found) == set(expected)
    for name, column in expected.items():
        known = np.where(np.isfinite(column), column, np.nan)  # scikit-image divides by no hull at all
        np.testing.assert_allclose(found[name], known, rtol=1e-9, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("spacing", [(1, 1), (0.25, 0.25), (0.3, 0.7)])
@pytest.mark.parametrize("width", [0.5, 3.0])
def test_planes(spacing, width):
    labels = blobs(1, (60, 75), width)
    image = np.random.default_rng(0).integers(0, 4000, labels.shape).astype(np.uint16)
    assert_equal(figures(labels, spacing, image), reference(labels, spacing, image))


@pytest.mark.parametrize("spacing", [(1, 1, 1), (2.0, 0.5, 0.4)])
def test_volumes(spacing):
    labels = blobs(2, (9, 20, 25), 1.5)
    image = np.random.default_rng(0).normal(1e6, 1, labels.shape)
    assert_equal(figures(labels, spacing, image), reference(labels, spacing, image))


def test_channels():
    labels = blobs(3, (40, 50))
    images = [np.random.default_rng(seed).normal(size=labels.shape) for seed in range(3)]
    assert_equal(figures(labels, (1, 1), *images), reference(labels, (1, 1), *images))


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), ids=st.integers(1, 40))
def test_objects_in_many_pieces(seed, ids):
    labels = np.random.default_rng(seed).integers(0, ids + 1, (14, 17))
    assert_equal(figures(labels, (1, 1)), reference(labels, (1, 1)))


def test_parts_change_nothing(monkeypatch):
    labels = blobs(4, (50, 40))
    whole = figures(labels, (1, 1), labels)
    monkeypatch.setattr(object_ids, "slabs", lambda shape: [slice(at, at + 1) for at in range(shape[0])])
    for module in ("object_figures", "perimeters"):
        monkeypatch.setattr(f"napari_unet.arrays.{module}.slabs", object_ids.slabs)
    parts = figures(labels, (1, 1), labels)
    for name, column in whole.items():
        np.testing.assert_allclose(parts[name], column, rtol=1e-12, err_msg=name)


def test_huge_ids_take_no_table_of_all_ids():
    labels = blobs(5, (30, 30)).astype(np.uint32)
    high = np.where(labels > 0, labels + np.uint32(4 * 10**9), 0)
    found, expected = figures(high, (1, 1)), figures(labels, (1, 1))
    np.testing.assert_array_equal(found.pop("label"), expected.pop("label") + 4 * 10**9)
    for name, column in expected.items():
        np.testing.assert_array_equal(found[name], column)


def test_some_ids_alone_have_the_same_figures():
    labels = blobs(6, (50, 50))
    whole = figures(labels, (1, 1), labels)
    few = figures(labels, (1, 1), labels, only=[3, 1, 999999])
    for name, column in whole.items():
        np.testing.assert_array_equal(few[name], column[[0, 2]], err_msg=name)


def test_no_objects_are_an_empty_table():
    for shape in ((5, 6), (3, 5, 6)):
        found = figures(np.zeros(shape, int), (1,) * len(shape), np.zeros(shape))
        assert {len(column) for column in found.values()} == {0}
        assert "solidity" in found
