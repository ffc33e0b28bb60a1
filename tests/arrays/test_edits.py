"""What was changed by hand is counted in objects."""

import numpy as np
import pytest

from napari_unet.arrays.edits import count_edits


@pytest.mark.parametrize(
    ("edit", "counts"),
    [
        (lambda after: None, (0, 0, 0)),
        (lambda after: np.put(after, [0], 1), (1, 0, 0)),
        (lambda after: after.__setitem__(after == 2, 0), (0, 0, 1)),
        (lambda after: after.__setitem__((slice(9, 11), 0), 77), (0, 1, 0)),
        (lambda after: after.__setitem__(after == 2, 1), (1, 0, 1)),
        (lambda after: after.__setitem__((slice(1, 3), slice(1, 3)), 66), (1, 1, 0)),
        (lambda after: after.__setitem__(after == 2, 99), (0, 0, 0)),
    ],
    ids=["nothing", "grown", "deleted", "drawn", "merged", "split", "renamed"],
)
def test_objects_are_counted_as_a_person_changed_them(touching_cells, edit, counts):
    after = touching_cells.copy()
    edit(after)
    assert tuple(count_edits(touching_cells, after).values()) == counts


def test_two_objects_that_swap_their_ids_are_unchanged(touching_cells):
    after = touching_cells.copy()
    after[touching_cells == 4], after[touching_cells == 5] = 5, 4
    assert not any(count_edits(touching_cells, after).values())
    assert count_edits(touching_cells, np.where(touching_cells == 4, 5, touching_cells)) == {
        "changed": 1, "added": 0, "removed": 1,
    }  # fmt: skip


def test_of_classes_pixels_are_counted(touching_cells):
    after = touching_cells.copy()
    after[:2, :2] = 3
    assert count_edits(touching_cells, after, classes=True) == {"pixels_changed": 4}
