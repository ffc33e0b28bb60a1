"""Corrections survive segmenting anew: objects stay pixel by pixel, and are found again as often as one likes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_unet.arrays.corrections import find_corrections, merge_classes, merge_corrections, object_origins
from napari_unet.errors import UnetError

SHAPE = (8, 9)
labels = arrays(np.int32, SHAPE, elements=st.integers(0, 4))


def squares(*places, side=4, shape=(24, 24)):
    """Return squares, numbered from 1."""
    layer = np.zeros(shape, np.int32)
    for number, (row, column) in enumerate(places, start=1):
        layer[row : row + side, column : column + side] = number
    return layer


def pixels(layer):
    """Return each object as the set of its pixels."""
    return {
        frozenset(zip(*(i.tolist() for i in np.nonzero(layer == n)), strict=True)) for n in np.unique(layer) if n
    }


@settings(max_examples=60, deadline=None)
@given(labels, labels, labels)
def test_merging_keeps_every_correction_and_forgets_none(before, after, found):
    corrections = find_corrections(before, after)
    merged = merge_corrections(found, corrections)
    assert set(np.unique(merged.labels)) - {0} == set(range(1, merged.labels.max() + 1)), "ids without gaps"
    untouched = pixels(before) & pixels(after)
    assert pixels(after) - untouched <= pixels(merged.labels), "kept, pixel by pixel"
    assert not merged.labels[(before > 0) & (after == 0)].any(), "what was erased stays so"
    outside = ~corrections.area
    assert not ((merged.labels > 0) & (found == 0))[outside].any(), "nothing is invented"
    again = find_corrections(merged.before, merged.labels)
    np.testing.assert_array_equal(again.objects, corrections.objects)
    np.testing.assert_array_equal(again.erased, corrections.erased)
    assert again.origins == corrections.origins


@settings(max_examples=30, deadline=None)
@given(labels, labels)
def test_labels_that_nobody_touched_are_those_found(before, found):
    merged = merge_corrections(found, find_corrections(before, before * 3))
    assert pixels(merged.labels) == pixels(found)
    np.testing.assert_array_equal(merged.before, merged.labels)
    assert merged.kept == merged.erased == 0


@pytest.mark.parametrize(
    ("edit", "origins"),
    [
        (lambda after: None, ["found", "found"]),
        (lambda after: after.__setitem__(after == 1, 9), ["found", "found"]),  # a new id is no change
        (lambda after: after.__setitem__((slice(2, 8), slice(2, 8)), 1), ["edited", "found"]),  # grown
        (lambda after: after.__setitem__((slice(15, 20), slice(15, 20)), 7), ["found", "found", "drawn"]),
        (lambda after: after.__setitem__((slice(2, 4), slice(2, 6)), 7), ["edited", "found", "edited"]),  # split
        (
            lambda after: after.__setitem__((slice(5, 12), slice(5, 12)), 7),
            ["edited", "found", "drawn"],
        ),  # drawn over
        (lambda after: after.__setitem__(after == 2, 1), ["edited"]),  # merged
        (lambda after: after.__setitem__(after == 2, 0), ["found"]),  # erased
    ],
    ids=["nothing", "renamed", "grown", "drawn", "split", "drawn over a corner", "merged", "erased"],
)
def test_every_object_says_where_it_comes_from(edit, origins):
    before = squares((2, 2), (2, 12))
    after = before.copy()
    edit(after)
    assert sorted(object_origins(before, after).values()) == sorted(origins)


def test_an_object_found_again_around_a_corrected_one_gives_way_and_a_neighbour_stays():
    before = squares((4, 4))
    after = squares((4, 4), side=5)  # grown
    found = squares((3, 3), (3, 9), side=6)
    found[3:9, 9:15] = 2
    merged = merge_corrections(found, find_corrections(before, after))
    assert merged.labels.max() == 2
    assert pixels(after) <= pixels(merged.labels)
    np.testing.assert_array_equal(merged.labels == 1, found == 2)


def test_a_large_object_loses_what_was_erased_of_it():
    before = np.zeros((40, 20), np.int32)
    before[:6] = 1
    merged = merge_corrections(np.ones_like(before), find_corrections(before, np.zeros_like(before)))
    np.testing.assert_array_equal(merged.labels, before == 0)


def test_of_classes_corrected_pixels_stay_and_are_remembered():
    before = np.zeros(SHAPE, np.int32)
    after, found = before.copy(), np.ones(SHAPE, np.int32)
    after[0, :3] = 2
    merged = merge_classes(found, before, after)
    assert merged.kept == 3
    np.testing.assert_array_equal(merged.labels, np.where(after > 0, 2, 1))
    again = merge_classes(found * 0, merged.before, merged.labels)
    np.testing.assert_array_equal(again.labels, after)


def test_labels_of_another_image_are_refused():
    with pytest.raises(UnetError, match="of one image"):
        merge_corrections(np.zeros((3, 3), int), find_corrections(np.zeros((4, 4), int), np.ones((4, 4), int)))
