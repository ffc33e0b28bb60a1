"""What was changed by hand is counted in objects."""

import numpy as np
import pytest

from napari_unet.arrays.edits import count_edits, objects_by_hand


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


def test_what_was_drawn_in_an_earlier_session_stays_drawn(touching_cells):
    after = touching_cells.copy()
    after[9:11, 0] = 77
    first = objects_by_hand(touching_cells, after)
    assert first == {"drawn": [77], "edited": []}
    later = after.copy()
    later[0, 0], later[8, 0] = 1, 77
    assert objects_by_hand(after, later, first) == {"drawn": [77], "edited": [1]}
    assert objects_by_hand(after, after, {"drawn": 5, "edited": ["x", 2]}) == {"drawn": [], "edited": [2]}
