"""Boxes around marked pixels: all are covered once, near ones share a box, boxes are apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.arrays.boxes import clusters

points = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 139)), min_size=1, max_size=30)


def marked_at(places, shape=(100, 140)):
    marked = np.zeros(shape, bool)
    marked[tuple(np.transpose(places))] = True
    return marked


@given(points, st.integers(1, 40))
def test_every_marked_pixel_lies_in_one_box_and_boxes_are_apart(places, gap):
    boxes = clusters(marked_at(places), (gap, gap))
    covered = np.zeros((100, 140), int)
    for box in boxes:
        covered[box] += 1
        assert marked_at(places)[box].any()
    assert covered.max() == 1
    assert (covered[marked_at(places)] == 1).all()
    for number, one in enumerate(boxes):
        for other in boxes[:number]:
            between = [max(a.start - b.stop, b.start - a.stop) for a, b in zip(one, other, strict=True)]
            assert max(between) >= gap


@pytest.mark.parametrize(("places", "count"), [([(5, 5), (9, 9)], 1), ([(5, 5), (95, 130)], 2)])
def test_far_pixels_have_boxes_of_their_own(places, count):
    assert len(clusters(marked_at(places), (20, 20))) == count


def test_volumes_have_boxes_and_empty_arrays_none():
    marked = np.zeros((40, 50, 60), bool)
    assert clusters(marked, (8, 8, 8)) == []
    marked[2, 3, 4] = marked[39, 49, 59] = True
    assert clusters(marked, (8, 8, 8)) == [
        (slice(2, 3), slice(3, 4), slice(4, 5)),
        (slice(39, 40), slice(49, 50), slice(59, 60)),
    ]
