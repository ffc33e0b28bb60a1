"""What strokes mean."""

import numpy as np
import pytest

from napari_unet.arrays.annotations import (
    as_painted,
    corrected,
    dense,
    painted,
    require_two_classes,
    with_background_ring,
)
from napari_unet.arrays.boundary_weights import boundary_weights
from napari_unet.errors import UnetError
from tests.conftest import drawn as drawing


def drawn(text):
    """Return a drawing in which 0 and . both mean 0."""
    return drawing(text.replace("0", "."))


def test_0_says_nothing_1_is_background_and_each_other_number_is_an_instance():
    said = painted(
        drawn("""
        0011100
        0000000
        0220033
    """)
    )
    assert said.pixels == 7
    np.testing.assert_array_equal(
        said.labels,
        drawn("""
        0000000
        0000000
        0110022
    """),
    )
    np.testing.assert_array_equal(said.annotated[0], [0, 0, 1, 1, 1, 0, 0])


def test_an_instance_whose_rim_is_painted_is_complete_and_a_scribble_is_not():
    said = painted(
        drawn("""
        111110000
        122210000
        122210330
        111110000
    """)
    )
    assert said.complete.tolist() == [False, True, False]
    assert set(np.unique(said.whole_instances)) == {0, 1}


def test_two_touching_cells_painted_whole_are_complete_only_with_enough_of_their_rims():
    said = painted(
        drawn("""
        .......
        .22333.
        .22333.
        .22333.
        .......
    """)
    )
    assert not said.complete.any()  # most of both rims is unknown


def test_scribbles_give_no_border_weight():
    said = painted(
        drawn("""
        ........
        .22..33.
        ........
    """)
    )
    assert not boundary_weights(said.whole_instances).any()


BEFORE = drawn("""
    11100000
    11100220
    00000220
    00000000
""")


def test_only_what_was_changed_is_annotated():
    after = BEFORE.copy()
    after[3, :2] = 7  # a new cell
    said = corrected(BEFORE, after)
    np.testing.assert_array_equal(said.annotated, after == 7)
    assert said.complete.tolist() == [True, True]


def test_erased_pixels_are_background_and_the_cut_instance_is_complete():
    after = BEFORE.copy()
    after[:2, 2] = 0
    said = corrected(BEFORE, after)
    assert (said.labels[:2, 2] == 0).all()
    assert said.annotated[:2, 2].all()
    assert (said.labels[:2, :2] == 1).all()
    assert said.pixels == 6


def test_an_instance_erased_whole_is_background_alone():
    after = np.where(BEFORE == 2, 0, BEFORE)
    said = corrected(BEFORE, after)
    assert not said.labels.any()
    assert said.pixels == 4


def test_an_instance_that_was_painted_over_counts_as_touched():
    after = BEFORE.copy()
    after[1, 5:7] = 1
    said = corrected(BEFORE, after)
    assert said.labels.max() == 2
    assert said.annotated[BEFORE > 0].all()


def test_full_truth_annotates_every_pixel():
    said = dense(BEFORE)
    assert said.annotated.all()
    assert said.complete.all()


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (np.zeros((3, 3), int), "empty"),
        (np.full((3, 3), 1.5), "whole numbers"),
        (np.full((3, 3), -1), "negative"),
    ],
)
def test_a_layer_that_says_nothing_or_nonsense_is_refused(layer, said):
    with pytest.raises(UnetError, match=said):
        painted(layer)


def test_an_unchanged_prediction_and_other_shapes_are_refused():
    with pytest.raises(UnetError, match="nothing was corrected"):
        corrected(BEFORE, BEFORE)
    with pytest.raises(UnetError, match=r"\(4, 8\).*\(4, 7\)"):
        corrected(BEFORE, BEFORE[:, :7])


def test_one_class_alone_is_refused_and_a_ring_mends_it():
    cells = painted(np.where(BEFORE > 0, BEFORE + 1, 0))
    with pytest.raises(UnetError, match="only objects"):
        require_two_classes([cells])
    with pytest.raises(UnetError, match="only background"):
        require_two_classes([painted((BEFORE == 0).astype(int))])
    ring = with_background_ring(cells, width=1, sure=np.zeros(BEFORE.shape, bool))
    require_two_classes([ring])
    np.testing.assert_array_equal(ring.labels, cells.labels)
    assert not ring.annotated[3, 0]
    assert ring.annotated[2, 0]


def test_the_ring_leaves_out_what_the_model_is_sure_of():
    cells = painted(np.where(BEFORE == 1, 2, 0))
    ring = with_background_ring(cells, sure=BEFORE == 2)
    assert not ring.annotated[BEFORE == 2].any()


def test_what_is_corrected_in_one_plane_says_nothing_of_the_same_object_in_others():
    joined = np.zeros((4, 12, 12), np.int32)
    joined[:, 2:6, 2:6], joined[:, 8:11, 8:11] = 1, 2
    layer = joined.copy()
    layer[2, 2:6, 2:4] = 0
    said = corrected(joined, layer, through=(0,))
    assert not said.annotated[[0, 1, 3]].any()
    np.testing.assert_array_equal(said.annotated[2], corrected(joined[2], layer[2]).annotated)
    np.testing.assert_array_equal(said.labels[2], corrected(joined[2], layer[2]).labels)
    right = corrected(joined, layer, right=(slice(0, 1), slice(None), slice(0, 7)), through=(0,))
    assert right.annotated[0, :, :7].all()
    assert not right.annotated[[1, 3]].any()


def test_a_body_is_complete_to_a_model_of_volumes_where_all_its_planes_were_corrected():
    before = np.zeros((5, 14, 14), np.int32)
    before[1:4, 2:6, 2:6], before[0:3, 8:12, 8:12] = 1, 2
    layer = before.copy()
    layer[1:4, 2, 2] = 0  # all planes of the first body
    layer[2, 8, 8] = 0  # one of the second
    said = corrected(before, layer, through=(0,), volumes=True)
    assert set(np.nonzero(said.annotated)[0]) == {1, 2, 3}
    assert said.annotated[2][layer[2] == 2].all()
    assert not said.annotated[[0, 1]][before[[0, 1]] == 2].any()
    first, second = said.labels[2, 3, 3], said.labels[2, 10, 10]
    assert said.complete[[first, second]].tolist() == [True, False]


@pytest.mark.parametrize("z", [0, 2])
def test_corrections_kept_as_strokes_stay_in_their_plane(z):
    before = np.zeros((4, 12, 12), np.int32)
    before[z, 3:8, 3:8] = 1
    layer = before.copy()
    layer[z, 3, 3] = 0
    strokes = as_painted(corrected(before, layer, through=(0,)), layer > 0, through=(0,))
    assert set(np.nonzero(strokes)[0]) == {z}
    assert painted(strokes[z]).complete[1:].all()
