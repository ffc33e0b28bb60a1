"""Joining planes: sections of one body are one, no id occurs twice in a plane, nothing else changes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.segmentation import relabel_sequential

from napari_unet.arrays.joining import join_planes
from napari_unet.progress import finish


def apart(stack):
    """Return the stack with ids that differ between planes."""
    highest = int(stack.max()) + 1
    shift = np.arange(len(stack), dtype=np.int32).reshape(-1, *[1] * (stack.ndim - 1)) * highest
    return np.where(stack > 0, stack + shift, 0).astype(np.int32)


def joined(stack, highest=0):
    result = stack.copy()
    last = finish(join_planes(result, highest))
    return result, last


def test_sections_of_bodies_become_these_bodies():
    """Balls touch above one another and beside one another; their last sections are single pixels."""
    z, y, x = np.mgrid[:40, :40, :60]
    bodies = np.zeros((40, 40, 60), np.int32)
    for number, (cz, cy, cx, r) in enumerate(
        [(10, 12, 15, 9), (28, 25, 16, 8), (15, 20, 40, 10), (30, 8, 50, 7)], 1
    ):
        bodies[(z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 <= r**2] = number
    result, last = joined(apart(bodies), 5)
    expected = relabel_sequential(bodies)[0]
    assert last == 9
    assert len(np.unique(result)) == 5
    pairs = np.unique(np.stack([result[bodies > 0], expected[bodies > 0]]), axis=1)
    assert pairs.shape[1] == 4


def test_of_two_halves_one_goes_on():
    stack = np.zeros((2, 4, 4), np.int32)
    stack[0], stack[1, :, :2], stack[1, :, 2:] = 1, 2, 3
    result, last = joined(stack)
    assert last == 2
    assert sorted(np.unique(result[1])) == [1, 2]


def test_a_neighbour_that_only_reaches_over_does_not_stand_between_a_body_and_its_cap():
    stack = np.zeros((2, 1, 100), np.int32)
    stack[0, 0, :50], stack[1, 0, 35:95], stack[1, 0, :4] = 1, 2, 3
    result, _ = joined(stack)
    assert result[1, 0, 0] == result[0, 0, 0] != result[1, 0, 60]


def test_a_corner_in_common_is_no_body():
    stack = np.zeros((2, 9, 9), np.int32)
    stack[0, :5, :5], stack[1, 4:, 4:] = 1, 2
    assert joined(stack)[1] == 2


@given(hnp.arrays(np.int32, (3, 4, 5), elements=st.integers(0, 3)), st.integers(0, 9))
def test_planes_keep_their_objects_and_ids_are_dense(stack, highest):
    parted = apart(stack)
    result, last = joined(parted, highest)
    np.testing.assert_array_equal(result > 0, stack > 0)
    assert set(np.unique(result[result > 0])) == set(range(highest + 1, last + 1))
    for before, after in zip(parted, result, strict=True):
        pairs = np.unique(np.stack([before.ravel(), after.ravel()]), axis=1)
        assert len(np.unique(pairs[0])) == pairs.shape[1] == len(np.unique(pairs[1]))
