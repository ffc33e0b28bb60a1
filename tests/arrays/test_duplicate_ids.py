"""One id in two far places is two objects; strokes across one object are not."""

import numpy as np

from napari_unet.arrays.duplicate_ids import ids_in_several_places, split_scattered


def painted(*places):
    labels = np.zeros((200, 200), np.uint16)
    for number, (row, column, size) in places:
        labels[row : row + size, column : column + size] = number
    return labels


def test_far_places_are_found_and_get_ids_of_their_own():
    labels = painted((3, (10, 10, 8)), (3, (150, 150, 8)), (3, (10, 150, 8)), (7, (100, 20, 8)))
    assert list(ids_in_several_places(labels)) == [3]
    split = split_scattered(labels)
    assert len({int(split[spot]) for spot in [(12, 12), (152, 152), (12, 152)]}) == 3
    assert split[12, 12] == 3
    assert (split[labels == 7] == 7).all()
    np.testing.assert_array_equal(split > 0, labels > 0)
    assert not ids_in_several_places(split)


def test_pieces_near_each_other_or_of_a_large_object_stay_together():
    near = painted((2, (10, 10, 5)), (2, (10, 30, 5)))
    large = painted((2, (10, 10, 60)), (2, (10, 120, 60)))
    chain = painted(*((2, (10, 10 + 22 * k, 4)) for k in range(6)))
    for labels in (near, large, chain):
        assert not ids_in_several_places(labels)
        assert split_scattered(labels) is labels
