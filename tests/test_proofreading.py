"""Corrections by hand: each is taken back exactly, and touches no other object; and what each is for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_unet import UnetError
from napari_unet.proofreading import (
    delete,
    fill_holes,
    free_ids,
    merge,
    outside,
    renumber,
    smooth,
    split_along,
    split_by_level,
    touching_border,
)
from tests.arrays.test_object_figures import blobs
from tests.conftest import TOUCHING_CELLS, drawn

SHAPES = [(40, 50), (6, 20, 25)]


def disc(shape, centre, radius):
    return sum((axis - at) ** 2 for axis, at in zip(np.indices(shape), centre, strict=True)) < radius**2


def two_discs(shape=(30, 50)):
    """Return one object of two discs that overlap, and another one beside them."""
    middle = tuple(length // 2 for length in shape[:-1])
    labels = np.zeros(shape, np.uint16)
    labels[disc(shape, (*middle, 14), 9) | disc(shape, (*middle, 29), 9)] = 3
    labels[..., -4:] = 8
    return labels


def done(labels, edit):
    """Return the labels with an edit applied, after checks that hold for every edit."""
    after, other = labels.copy(), labels.copy()
    edit.apply(after)
    indices, values = edit.changes()
    other[indices] = values
    np.testing.assert_array_equal(after, other)
    assert len(values) == np.count_nonzero(after != labels)
    edit.revert(other)
    np.testing.assert_array_equal(other, labels)
    return after


EDITS = {
    "delete": delete,
    "merge": merge,
    "fill": fill_holes,
    "smooth": smooth,
    "split along": lambda labels, ids: split_along(labels, ids[0], _through(labels, ids[0])),
    "split by level": lambda labels, ids: split_by_level(labels, ids[0]),
}


def _through(labels, number):
    """Return a line along the last but one axis through the middle of an object."""
    middle = round(np.argwhere(labels == number)[:, -1].mean())
    return np.array([[0, middle], [labels.shape[-2] - 1, middle]])


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.parametrize("shape", SHAPES, ids=["2D", "3D"])
@settings(max_examples=12)
@given(seed=st.integers(0, 10**6))
def test_every_edit_is_taken_back_and_leaves_the_others(name, shape, seed):
    labels = blobs(seed, shape, 1.5)
    rng = np.random.default_rng(seed)
    ids = rng.permutation(np.arange(1, labels.max() + 1))[:3].tolist()
    try:
        edit = EDITS[name](labels, ids)
    except UnetError:
        assert name in ("merge", "split along", "split by level")
        return
    after = done(labels, edit)
    others = (labels > 0) & ~np.isin(labels, ids)
    np.testing.assert_array_equal(after[others], labels[others])
    if "split" in name:
        np.testing.assert_array_equal(after > 0, labels > 0)


def test_delete_and_merge():
    labels = drawn(TOUCHING_CELLS)
    assert set(np.unique(done(labels, delete(labels, [2, 5, 77])))) == {0, 1, 3, 4}
    merged = done(labels, merge(labels, [3, 1]))
    np.testing.assert_array_equal(merged == 3, (labels == 1) | (labels == 3))
    with pytest.raises(UnetError, match="two objects at least, got 1"):
        merge(labels, [3, 77])
    assert delete(labels, [77]).is_empty
    assert not delete(labels, []).changes()[1].size


@pytest.mark.parametrize("shape", [(30, 50), (12, 30, 50)], ids=["2D", "3D"])
@pytest.mark.parametrize("line", [[(0, 21), (29, 22)], [(14, 21), (16, 21)], [(5, 18), (15, 21), (29, 24)]])
def test_a_line_divides_also_where_it_ends_within(shape, line):
    labels = two_discs(shape)
    after = done(labels, split_along(labels, 3, np.array(line)))
    parts = [np.count_nonzero(after == number) for number in (3, 9)]
    assert min(parts) > 0.4 * sum(parts)
    assert parts[0] >= parts[1], "the larger one keeps the id"
    assert ndimage.label(after == 3)[1] == ndimage.label(after == 9)[1] == 1
    np.testing.assert_array_equal(after == 8, labels == 8)


def test_a_line_is_drawn_in_any_two_axes():
    labels = two_discs((12, 30, 50)).transpose(2, 0, 1)  # X Z Y
    after = done(labels, split_along(labels, 3, np.array([[21, 0], [21, 11]]), axes=(0, 1)))
    assert np.count_nonzero(after == 9) > 0
    turned = done(labels, split_along(labels, 3, np.array([[0, 21], [11, 21]]), axes=(1, 0)))
    np.testing.assert_array_equal(after, turned)


def test_a_line_beside_an_object_divides_nothing():
    with pytest.raises(UnetError, match="does not divide object 3"):
        split_along(two_discs(), 3, np.array([[0, 45], [29, 45]]))
    with pytest.raises(UnetError, match="no object 5"):
        split_along(two_discs(), 5, np.array([[0, 45], [29, 45]]))


@pytest.mark.parametrize("shape", [(30, 50), (20, 30, 50)], ids=["2D", "3D"])
def test_two_discs_are_divided_at_their_waist(shape):
    labels = two_discs(shape)
    after = done(labels, split_by_level(labels, 3, spacing=(0.5,) * len(shape)))
    left, right = (np.argwhere(after == number)[:, -1].mean() for number in (3, 9))
    assert {round(left), round(right)} == {13, 29} or abs(abs(left - right) - 15) < 2
    single = np.where(disc(shape, tuple(length // 2 for length in shape), 8), 4, 0)
    with pytest.raises(UnetError, match="object 4 stays whole: its shape has no waist"):
        split_by_level(single, 4)


def test_the_probability_divides_where_the_shape_does_not():
    labels = np.zeros((20, 40), np.uint16)
    labels[5:15, 5:35] = 2
    probability = np.full(labels.shape, 200.0)
    probability[:, 12] = 140
    after = done(labels, split_by_level(labels, 2, probability))
    assert np.count_nonzero(after[:, :12] == 3) in (70, 80)
    assert set(np.unique(after[5:15, 14:35])) == {2}
    with pytest.raises(UnetError, match="no threshold of the probability"):
        split_by_level(labels, 2, np.full(labels.shape, 200.0))


def test_holes_are_filled_but_not_those_of_others():
    labels = np.zeros((20, 20), np.uint8)
    labels[2:18, 2:18] = 1
    labels[5:8, 5:8] = 0
    labels[10:14, 10:14] = 0
    labels[11, 11] = 2
    after = done(labels, fill_holes(labels, [1]))
    assert np.count_nonzero(after == 0) == 400 - 256
    assert after[11, 11] == 2


def test_planes_of_a_stack_are_filled_one_by_one():
    stack = np.zeros((3, 12, 12), np.uint8)
    stack[1:, 2:10, 2:10] = 1
    stack[1, 5, 5] = 0
    assert fill_holes(stack[:2], [1], spatial=(1, 2)).changes()[1].tolist() == [1]
    assert fill_holes(stack[:2], [1]).is_empty, "through Z it is open"


def test_smoothing_takes_spikes_away_and_lets_nothing_vanish():
    labels = np.where(disc((40, 40), (20, 20), 10), 1, 0)
    labels[20, 29:38] = 1
    labels[3, 3] = 2
    after = done(labels, smooth(labels, [1, 2]))
    assert after[20, 35] == 0
    assert after[3, 3] == 2
    assert abs(np.count_nonzero(after == 1) / np.count_nonzero(disc((40, 40), (20, 20), 10)) - 1) < 0.1
    cut_off = np.where(disc((40, 40), (0, 20), 10), 1, 0)
    assert done(cut_off, smooth(cut_off, [1]))[0].sum() >= 17, "what the image cuts off is not rounded"


def test_numbers_without_gaps():
    labels = drawn(TOUCHING_CELLS) * 7
    after = done(labels, renumber(labels))
    np.testing.assert_array_equal(after * 7, labels)
    assert renumber(after).is_empty


def test_which_objects_touch_the_border_or_lie_outside():
    labels = np.zeros((4, 20, 20), np.int32)
    labels[0, 5:9, 5:9], labels[1, 0:3, 5:9], labels[:, 12:15, 12:15] = 1, 2, 3
    assert touching_border(labels).tolist() == [1, 2, 3]
    assert touching_border(labels, spatial=(1, 2)).tolist() == [2]
    region = np.zeros((20, 20), bool)
    region[5, 5] = True
    assert outside(labels, region).tolist() == [2, 3]


def test_ids_that_are_free():
    assert free_ids(np.array([[0, 4]], np.uint8), 2) == [5, 6]
    assert free_ids(np.array([[254, 1]], np.uint8), 3) == [2, 3, 4]
    with pytest.raises(UnetError, match="no id left"):
        free_ids(np.arange(256, dtype=np.uint8)[None], 1)
