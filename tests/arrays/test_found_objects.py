"""Painted objects are found as one object, or not."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_unet.arrays.annotations import dense, painted
from napari_unet.arrays.contingency import contingency
from napari_unet.arrays.found_objects import found_as_one

labels = arrays(np.int32, (7, 8), elements=st.integers(0, 3))


@given(labels, labels.filter(lambda truth: truth.any()))
def test_of_complete_truth_it_is_the_recall(found, truth):
    said = dense(truth)
    recall = contingency(found, said.labels).recall(0.5 + 1e-9)
    assert found_as_one(found, said)[1:].mean() == pytest.approx(recall)
    assert not found_as_one(found, said)[0]


@given(labels, labels.filter(lambda truth: truth.any()))
def test_what_nobody_painted_does_not_count_beside_scribbles(found, truth):
    said = replace(dense(truth), annotated=truth > 0, complete=np.zeros(int(dense(truth).labels.max()) + 1, bool))
    other = np.where(truth > 0, found, 3 - found)
    np.testing.assert_array_equal(found_as_one(found, said), found_as_one(other, said))


def scribbles():
    """Return two scribbles on two objects, with background between them."""
    layer = np.zeros((12, 20), np.int32)
    layer[5, 2:8], layer[5, 12:18], layer[2:10, 10] = 2, 3, 1
    return painted(layer)


@pytest.mark.parametrize(
    ("drawn", "right"),
    [
        ({1: np.s_[2:9, 1:9], 2: np.s_[2:9, 11:19]}, [True, True]),
        ({1: np.s_[2:9, 1:9]}, [True, False]),
        ({1: np.s_[2:9, 1:19]}, [False, False]),  # merged, across the background
        ({1: np.s_[2:9, 1:5], 2: np.s_[2:9, 5:9]}, [False, False]),  # split in the middle
        ({1: np.s_[2:9, 1:6], 2: np.s_[2:9, 6:9]}, [True, False]),  # most of it is one
    ],
    ids=["both", "one", "merged", "split", "a corner split off"],
)
def test_a_scribble_is_found_by_an_object_that_covers_most_of_it_and_nothing_else(drawn, right):
    found = np.zeros((12, 20), np.int32)
    for number, place in drawn.items():
        found[place] = number
    assert found_as_one(found, scribbles())[1:].tolist() == right
