"""What a model is to learn of strokes, whole objects and classes."""

import numpy as np
import pytest

from napari_unet.models.fresh import fresh_model
from napari_unet.models.training_targets import pixel_targets
from napari_unet.settings.weights import WeightSettings


def test_a_scribble_says_object_but_not_where_the_border_is():
    ids = np.zeros((30, 30), np.int32)
    ids[5:15, 5:15], ids[20:23, 5:20] = 1, 2
    complete = np.array([False, True, False])
    spec = fresh_model().spec
    classes, weights = pixel_targets(ids, ids > 0, complete, spec=spec, settings=WeightSettings())
    assert set(np.unique(classes[ids == 1])) == {1, 2}
    assert set(np.unique(classes[ids == 2])) == {3}
    assert (weights[ids == 0] == 0).all()


def test_classes_are_learnt_as_they_are_without_ridge_or_border():
    ids = np.repeat(np.arange(3, dtype=np.int32), 10)[None].repeat(5, 0)
    spec = fresh_model(classes=("background", "myelin", "axon")).spec
    classes, weights = pixel_targets(
        ids, np.ones(ids.shape, bool), np.zeros(3, bool), spec=spec, settings=WeightSettings()
    )
    np.testing.assert_array_equal(classes, ids)
    assert (weights == 1).all()


def scribbled(ids):
    _, weights = pixel_targets(
        ids,
        ids > 0,
        np.array([False, False]),
        spec=fresh_model().spec,
        settings=WeightSettings(),
    )
    return weights > 0


def test_the_rim_of_a_scribble_does_not_count():
    ids = np.zeros((30, 30), np.int32)
    ids[10:15, 5:20] = 1
    expected = np.zeros(ids.shape, bool)
    expected[11:14, 6:19] = True
    np.testing.assert_array_equal(scribbled(ids), expected)


def test_a_thin_line_counts_whole_and_the_edge_of_the_image_is_no_rim():
    ids = np.zeros((30, 30), np.int32)
    ids[3, 4:20] = 1
    ids[25:30, 10:20] = 1
    expected = ids > 0
    expected[25, 10:20] = expected[:, 10] = expected[:, 19] = False
    expected[3, 10] = expected[3, 19] = True
    np.testing.assert_array_equal(scribbled(ids), expected)


def test_only_gaps_between_whole_objects_weigh_more():
    ids = np.zeros((30, 60), np.int32)
    ids[5:25, 5:18], ids[5:25, 21:35], ids[5:25, 38:50] = 1, 2, 3
    whole = np.array([False, True, True, False])
    everywhere = np.ones(ids.shape, bool)
    _, weights = pixel_targets(ids, everywhere, whole, spec=fresh_model().spec, settings=WeightSettings())
    assert weights[15, 19] > 5
    assert weights[15, 36] == pytest.approx(1, abs=0.2)
