"""Learning at another size: lessons are what the network sees, and a taught model stays at the size it learnt."""

from dataclasses import replace

import numpy as np
import pytest

from napari_unet.arrays.annotations import corrected, painted
from napari_unet.arrays.zoom import downsampling
from napari_unet.errors import UnetError
from napari_unet.finetuning import at_one_zoom, fine_tune_steps
from napari_unet.models.library import load_model
from napari_unet.progress import finish
from napari_unet.segmentation import segment_steps
from napari_unet.settings.finetuning import FineTuningSettings
from napari_unet.settings.instances import InstanceSettings
from napari_unet.teaching.training_regions import painted_planes, prepare_regions
from tests.conftest import make_bright_model
from tests.models.test_sizes import discs

QUICK = FineTuningSettings(seconds=None, iterations=6, batch=2, patch=48, device="cpu", score_every=3)


def large_objects():
    """Return nine discs of 90 px, strokes on most of them, and the model that sees them at half their size."""
    image = discs(90)
    layer = np.zeros(image.shape, np.int32)
    for number, (row, column) in enumerate([(72, 72), (72, 216), (216, 72), (216, 216), (360, 72)], start=2):
        layer[row - 3 : row + 3, column - 20 : column + 20] = number
    layer[144:146, 5:400] = 1
    layer[288:290, 5:400] = 1
    model = make_bright_model()
    thresholds = InstanceSettings(core_threshold=0.7, edge_threshold=0.5, min_size=4)
    return image, layer, replace(model, spec=replace(model.spec, sizes=(7.0, 64.0), instances=thresholds))


def test_the_taught_model_sees_images_as_it_saw_its_lessons():
    image, layer, model = large_objects()
    tuned = finish(fine_tune_steps(model, [(image, layer)], settings=QUICK)).model
    assert (tuned.spec.zoom, tuned.spec.sizes) == (0.5, None)
    assert finish(segment_steps(image, tuned)).zoom == (0.5, 0.5)
    assert finish(segment_steps(discs(30), tuned)).zoom == (0.5, 0.5)
    assert model.spec.sizes == (7.0, 64.0)


@pytest.mark.parametrize("zoom", [0.25, 0.5, 1, 2, (0.5, 1.0), (0.25, 2.0)])
def test_lessons_have_the_size_that_the_network_sees(zoom):
    image, layer, model = large_objects()
    fixed = finish(at_one_zoom(model, image, axes=None, settings=QUICK.replace(zoom=zoom)))
    assert (fixed.spec.zoom, fixed.spec.sizes) == (zoom, None)
    planes = finish(painted_planes(fixed.spec, [(image, painted(layer))], axes=None, channels=None))
    [lesson] = finish(prepare_regions(fixed, planes, QUICK))
    box = planes[0].plane.shape
    assert lesson.image.shape[1:] == tuple(round(np.ceil(side)) for side in np.multiply(box, fixed.spec.zooms))
    assert lesson.annotation.labels.shape == lesson.image.shape[1:] == lesson.previous.shape[1:]
    starts = zip(planes[0].plane.region, fixed.spec.zooms, strict=True)
    assert all(side.start % downsampling(one) == 0 for side, one in starts)
    objects = lesson.annotation.labels > 0
    assert lesson.image[0][objects].min() > 0.9, "strokes lie where they were painted"
    assert lesson.image[0][lesson.annotation.annotated & ~objects].max() < 0.1


def test_a_model_that_measures_nothing_is_taught_as_ever(bright_model):
    image, _, _ = large_objects()
    assert finish(at_one_zoom(bright_model, image, axes=None, settings=QUICK)) is bright_model


def test_several_images_are_seen_as_the_first_one():
    image, layer, model = large_objects()
    small = discs(30)
    strokes = np.zeros(small.shape, np.int32)
    strokes[20:28, 20:28], strokes[46:50, 5:100] = 2, 1
    result = finish(fine_tune_steps(model, [(image, layer), (small, strokes)], settings=QUICK))
    assert result.model.spec.zoom == 0.5


def test_corrections_of_a_zoomed_result_are_learnt():
    image, _, model = large_objects()
    result = finish(segment_steps(image, model))
    layer = result.labels.copy()
    layer[layer == layer[72, 72]] = 0
    layer[216:230, 216:230] = 0
    tuned = finish(fine_tune_steps(model, [(image, corrected(result.labels, layer))], settings=QUICK))
    assert tuned.pixels > 0
    assert tuned.model.spec.zooms == result.zoom == (0.5, 0.5)


def test_the_outcome_says_at_which_size_the_new_model_sees():
    image, layer, model = large_objects()
    assert "at 1/2 of its size" in finish(fine_tune_steps(model, [(image, layer)], settings=QUICK)).sentence()
    as_it_is = finish(fine_tune_steps(model, [(image, layer)], settings=QUICK.replace(zoom=1)))
    assert "size" not in as_it_is.sentence()


def test_an_image_without_the_models_axes_is_one_sentence():
    image, layer, _ = large_objects()
    volumes = make_bright_model(axes="ZYX")
    with pytest.raises(UnetError, match="the model works on ZYX, the image's axes are YX"):
        finish(fine_tune_steps(volumes, [(image, layer)], settings=QUICK.replace(zoom=1)))


def test_a_zoom_that_is_none_is_one_sentence():
    with pytest.raises(UnetError, match="zoom must be one of"):
        QUICK.replace(zoom=3.0)


@pytest.mark.parametrize("name", ["nuclei", "nuclei-histology", "cells-phase"])
def test_shipped_models_that_find_separate_objects_measure_them(name):
    smallest, largest = load_model(name).spec.sizes
    assert 4 <= smallest < largest <= 100


def test_the_card_of_a_taught_model_says_at_which_size_it_sees():
    from napari_unet.widgets.segment.model_hint import card_text

    spec = load_model("nuclei").spec
    assert "size" not in card_text(spec)
    assert "at 1/4 of its size" in card_text(replace(spec, zoom=0.25, sizes=None))
