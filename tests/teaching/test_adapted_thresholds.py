"""Thresholds of what is taught: lower for unsure objects, higher for specks, unchanged for known images."""

from dataclasses import replace

import numpy as np
import pytest

from napari_unet.arrays.annotations import painted
from napari_unet.finetuning import fine_tune_steps
from napari_unet.progress import finish
from napari_unet.settings.instances import InstanceSettings
from napari_unet.teaching.adapted_thresholds import DOUBT, SMALLER, adapted_thresholds
from napari_unet.teaching.scores import MAX_ANCHOR
from tests.teaching.small import QUICK, image_and_truth, lessons_of, small_model, strokes

SURE = InstanceSettings(core_threshold=0.4, edge_threshold=0.25, min_size=8, min_mean_probability=0.47)


@pytest.fixture
def model():
    model = small_model()
    return replace(model, spec=replace(model.spec, instances=SURE))


def drawn():
    """Whole discs, of which each is far larger than a speck."""
    _, truth = image_and_truth()
    return np.where(truth > 0, truth + 1, strokes(truth) == 1)


def painted_lessons(model):
    return lessons_of(model, [(image_and_truth()[0], painted(drawn()))], QUICK)


def test_unsure_objects_count_and_specks_do_not(model):
    read = adapted_thresholds(model.spec, painted_lessons(model))
    smallest = np.bincount(drawn().ravel())[2:].min()
    assert read == SURE.replace(min_mean_probability=SURE.edge_threshold + DOUBT, min_size=smallest // SMALLER)


def test_thresholds_are_never_stricter_on_certainty_nor_laxer_on_size(model):
    lax = SURE.replace(min_mean_probability=0.1, min_size=500)
    assert adapted_thresholds(replace(model.spec, instances=lax), painted_lessons(model)) == lax


def test_sizes_are_those_in_the_image_however_large_the_network_sees_it(model):
    lessons = painted_lessons(model)
    seen_smaller = adapted_thresholds(replace(model.spec, zoom=0.5), lessons)
    as_it_is = adapted_thresholds(model.spec, lessons)
    assert seen_smaller.min_size == pytest.approx(4 * as_it_is.min_size, abs=3)


@pytest.mark.parametrize(("anchor", "changed"), [(0.1, True), (MAX_ANCHOR, False)])
def test_a_model_that_knows_the_image_keeps_its_thresholds(model, anchor, changed):
    image, truth = image_and_truth()
    settings = QUICK.replace(iterations=2, anchor=anchor)
    result = finish(fine_tune_steps(model, [(image, strokes(truth))], settings=settings))
    assert (result.model.spec.instances != SURE) is changed
