"""Drawn nuclei are found by the shipped model whatever lies around them: filled canvases, empty fields."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, rotate

from napari_unet import evaluate, load_model, segment
from napari_unet.settings.segmentation import SegmentationSettings


@pytest.fixture(scope="module")
def model():
    return load_model("nuclei")


def drawn(side=256, count=24, seed=0):
    """Return discs on a background of 400 with a noise of 40, uint16, and their labels."""
    rng = np.random.default_rng(seed)
    image, labels, places = np.zeros((side, side)), np.zeros((side, side), np.int32), []
    rows, columns = np.indices(image.shape)
    while len(places) < count:
        radius = rng.uniform(6, 10)
        row, column = rng.uniform(radius + 2, side - radius - 2, 2)
        if all((row - r) ** 2 + (column - c) ** 2 > (radius + other + 3) ** 2 for r, c, other in places):
            places.append((row, column, radius))
            disc = (rows - row) ** 2 + (columns - column) ** 2 < radius**2
            labels[disc], image[disc] = len(places), rng.uniform(0.7, 1.2)
    noisy = 400 + 2400 * gaussian_filter(image, 1) + rng.normal(0, 40, image.shape)
    return noisy.clip(0, 65535).astype(np.uint16), labels


def precision(model, image, labels, axes=None, plane=...):
    return evaluate(segment(image, model, axes=axes)[plane], labels).average_precision[0.5]


@pytest.mark.parametrize("value", [0, 100, 65535, np.nan])
def test_half_a_canvas_that_was_never_imaged_changes_nothing(model, value):
    image, labels = drawn()
    canvas = np.full((256, 512), value, np.float32 if np.isnan(value) else np.uint16)
    canvas[:, :256] = image
    assert precision(model, canvas, np.pad(labels, ((0, 0), (0, 256)))) == 1


@pytest.mark.parametrize("value", [0, 100, 65535])
def test_planes_that_were_never_imaged_change_nothing(model, value):
    image, labels = drawn()
    constant = np.full_like(image, value)
    stack = np.stack([constant, constant, image, constant])
    found = segment(stack, model, axes="ZYX")
    assert evaluate(found[2], labels).average_precision[0.5] == 1
    assert not found[[0, 1, 3]].any()


@pytest.mark.parametrize("value", [0, 65535])
def test_corners_and_borders_change_nothing(model, value):
    image, labels = drawn()
    turned, truth = rotate(image, 20, order=1, cval=value), rotate(labels, 20, order=0)
    assert precision(model, turned, truth) > 0.95
    assert precision(model, np.pad(image, 16, constant_values=value), np.pad(labels, 16)) == 1


@pytest.mark.parametrize(("count", "side"), [(1, 512), (2, 1024)])
def test_one_or_two_nuclei_in_a_large_field_are_found(model, count, side):
    image, labels = drawn(side, count, seed=4)
    found = segment(image, model, settings=SegmentationSettings(zoom=1.0))
    assert evaluate(found, labels).recall == 1
    assert found.max() == count
