"""Marks: how far a model is believed for what it knew of the strokes."""

import numpy as np
import pytest

from napari_unet.teaching.scores import MAX_ANCHOR, anchor_weight
from tests.teaching.small import image_and_truth, lessons_where, small_model


@pytest.fixture
def model():
    return small_model()


def test_a_model_is_held_on_to_as_far_as_it_was_right_on_the_strokes(model):
    _, truth = image_and_truth()
    blind = lessons_where(np.zeros(truth.shape, bool), truth)
    half = truth > 0
    half[: truth.shape[0] // 2] = False
    nothing = anchor_weight(blind, model.spec)
    between = anchor_weight(lessons_where(half, truth, sure=0.6), model.spec)
    right = anchor_weight(lessons_where(truth > 0, truth, sure=0.6), model.spec)
    assert 1 / blind[0].held_out.count <= nothing < 0.5 < between < right
    assert right == MAX_ANCHOR


def test_a_model_that_is_sure_of_its_objects_is_held_on_to_even_where_it_is_corrected(model):
    _, truth = image_and_truth()
    half = truth > 0
    half[: truth.shape[0] // 2] = False
    unsure, sure = (anchor_weight(lessons_where(half, truth, sure=p), model.spec) for p in (0.6, 0.95))
    assert unsure < 0.5 * sure


def test_without_strokes_a_model_is_held_on_to(model):
    assert anchor_weight([], model.spec) == MAX_ANCHOR
