"""The typical size: of drawn discs and ellipsoids, along each axis, and specks do not decide it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.arrays.typical_size import is_alike, object_extents, typical_extents


def ellipsoids(*extents, count=3):
    """Return labels (*spatial) with ellipsoids of these extents in pixels side by side along the last axis."""
    sides = [round(extent) + 4 for extent in extents]
    places = np.indices(sides).reshape(len(sides), -1).T - (np.array(sides) - 1) / 2
    one = (np.square(places / (np.array(extents) / 2)).sum(1) <= 1).reshape(sides)
    return np.concatenate([one * number for number in range(1, count + 1)], axis=-1).astype(np.int32)


@given(st.lists(st.floats(8, 24), min_size=2, max_size=2))
def test_discs_and_ellipses_are_as_wide_as_a_disc_of_their_area(extents):
    found = typical_extents(*object_extents(ellipsoids(*extents)))
    assert found[0] == found[1] == pytest.approx(np.sqrt(np.prod(extents)), rel=0.05)


@given(st.integers(3, 24), st.integers(8, 24))
def test_volumes_are_measured_along_each_axis(height, width):
    counts, extents = object_extents(ellipsoids(height, width, width))
    assert extents.shape == (3, 3)
    found = typical_extents(counts, extents)
    assert found[0] == pytest.approx(height, abs=1)
    assert found[1] == found[2] == pytest.approx(width, rel=0.2)


def test_a_ball_of_21_voxels_is_21_voxels_wide():
    assert typical_extents(*object_extents(ellipsoids(21, 21, 21))) == pytest.approx((21, 21, 21), rel=0.02)


def test_specks_do_not_decide_what_is_typical():
    labels = np.zeros((60, 200), np.int32)
    labels[::4, ::4] = np.arange(1, 15 * 50 + 1).reshape(15, 50)
    labels[10:40, 50:80] = 900
    assert typical_extents(*object_extents(labels)) == pytest.approx((np.sqrt(4 / np.pi * 900),) * 2)


@pytest.mark.parametrize("shape", [(8, 9), (3, 8, 9)])
def test_nothing_has_no_size(shape):
    counts, extents = object_extents(np.zeros(shape, np.int32))
    assert typical_extents(counts, extents) == (0,) * len(shape)


def test_sizes_are_alike_where_no_axis_differs_by_more():
    assert is_alike((10, 10), (12, 9), 1.3)
    assert not is_alike((10, 10), (12, 14), 1.3)
    assert not is_alike((10, 14), (12, 10), 1.3)
