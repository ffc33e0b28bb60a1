"""The border class: inside instances, as wide as they can bear, and never the whole of one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.arrays.borders import BORDER, INSIDE, class_targets
from napari_unet.arrays.boundary_weights import carve


def disc(radius, size=121):
    rows, columns = np.indices((size, size)) - size // 2
    return (rows**2 + columns**2 <= radius**2).astype(int)


def test_without_border_instances_are_one_class_and_the_ridge_is_background():
    labels = np.zeros((10, 12), int)
    labels[2:8, 2:6], labels[2:8, 6:10] = 1, 2
    np.testing.assert_array_equal(class_targets(labels, border=False), carve(labels) > 0)


@pytest.mark.parametrize(("radius", "width"), [(4, 1), (12, 3), (40, 5)])
def test_the_border_is_a_quarter_of_the_radius_from_one_to_five_pixels(radius, width):
    classes = class_targets(disc(radius), border=True)
    row = classes[60]
    assert abs(int((row == BORDER).sum()) - 2 * width) <= 2
    assert (row == INSIDE).sum() > 0


@given(st.integers(1, 6), st.integers(0, 10**6))
def test_every_instance_pixel_is_inside_or_border_and_no_other_is(count, seed):
    rng = np.random.default_rng(seed)
    labels = np.zeros((40, 40), int)
    for number in range(1, count + 1):
        row, column = rng.integers(0, 30, 2)
        labels[row : row + rng.integers(1, 12), column : column + rng.integers(1, 12)] = number
    classes = class_targets(labels, border=True)
    np.testing.assert_array_equal(classes > 0, carve(labels) > 0)


def test_an_instance_of_any_size_keeps_an_inside_unless_it_is_a_line():
    for radius in (2, 3, 5, 8):
        assert (class_targets(disc(radius), border=True) == INSIDE).any()
    line = np.zeros((9, 9), int)
    line[4] = 1
    assert set(np.unique(class_targets(line, border=True))) == {0, BORDER}


def test_an_empty_view_has_no_border():
    assert not class_targets(np.zeros((5, 5), int), border=True).any()
