"""Lessons of strokes far apart: each is cut out by itself, and what is held out is chosen among all of them."""

from dataclasses import replace

import numpy as np
import pytest

from napari_unet.arrays.annotations import corrected, painted
from napari_unet.arrays.axes import planes
from napari_unet.arrays.intensities import measure_intensity
from napari_unet.arrays.normalization import InvertBrightBackground, Normalization, Percentile
from napari_unet.finetuning import fine_tune_steps
from napari_unet.models.fresh import fresh_model
from napari_unet.progress import finish
from napari_unet.settings.finetuning import FineTuningSettings
from napari_unet.teaching.sampling import BatchSampler
from napari_unet.teaching.scores import stroke_tables
from napari_unet.teaching.training_regions import CONTEXT, check_polarity, painted_planes, prepare_regions
from tests.teaching.small import QUICK, planes_of

SETTINGS = FineTuningSettings(device="cpu", batch=2, patch=32)
CORNERS = [(40, 40), (40, 1500), (1500, 40), (1500, 1500)]


@pytest.fixture(scope="module")
def model():
    return fresh_model(seed=0)


def painted_corners(shape, corners=CORNERS, strokes=2):
    """An annotation of a few short strokes, objects and background in turn, in each of some places."""
    layer = np.zeros(shape, np.uint16)
    for number, (*plane, row, column) in enumerate(corners):
        for stroke in range(strokes):
            part = (*plane, slice(row + 12 * stroke, row + 12 * stroke + 4), slice(column, column + 20))
            layer[part] = 1 if stroke % 2 else number * strokes + stroke + 2
    return painted(layer)


def lessons_on(model, image, said, axes="YX"):
    planes = finish(painted_planes(model.spec, [(image, said)], axes=axes, channels=None))
    return finish(prepare_regions(model, planes, SETTINGS))


def test_strokes_in_the_corners_of_a_large_image_are_small_lessons(model):
    image = np.random.default_rng(0).integers(0, 255, (1600, 1600), np.uint8)
    said = painted_corners(image.shape)
    lessons = lessons_on(model, image, said)
    assert len(lessons) == 4
    assert max(lesson.image.size for lesson in lessons) <= (2 * CONTEXT + 40) ** 2
    taught = np.zeros(image.shape, bool)
    for lesson in lessons:
        assert not taught[lesson.place].any()
        taught[lesson.place] |= lesson.annotation.annotated
    np.testing.assert_array_equal(taught, said.annotated)


def test_held_out_strokes_are_chosen_among_all_lessons_and_nothing_else_is_scored(model):
    image = np.random.default_rng(0).integers(0, 255, (1600, 1600), np.uint8)
    lessons = lessons_on(model, image, painted_corners(image.shape))
    held = [len(lesson.held_out.held) for lesson in lessons]
    assert sum(held) == 2  # a fifth of eight strokes: an object and a piece of background
    assert [lesson.scored.any() for lesson in lessons] == [number > 0 for number in held]
    tables = finish(stroke_tables(model, lessons, "cpu"))
    assert tables.shape == (2, 2, 2)
    assert tables.sum() == sum(np.count_nonzero(lesson.scored) for lesson in lessons)


def test_strokes_are_held_out_among_planes_and_planes_without_others_are_not_drawn(model):
    stack = np.random.default_rng(0).integers(0, 255, (8, 64, 64), np.uint8)
    layer = np.zeros(stack.shape, np.uint16)
    for plane in range(8):  # one stroke each
        layer[plane, 20:24, 20:40] = 1 if plane % 2 else plane + 2
    lessons = lessons_on(model, stack, painted(layer), axes="ZYX")
    held = np.array([len(lesson.held_out.held) for lesson in lessons])
    assert (len(lessons), held.sum()) == (8, 2)
    chances = BatchSampler(lessons, [], model, SETTINGS)._chances
    np.testing.assert_allclose(chances, (1 - held) / 6)


def test_lessons_are_drawn_by_their_strokes_and_planes_alike(model):
    stack = np.random.default_rng(0).integers(0, 255, (2, 1400, 64), np.uint8)
    said = painted_corners(stack.shape, [(0, 20, 20), (0, 40, 20), (0, 60, 20), (0, 1300, 20), (1, 20, 20)])
    lessons = lessons_on(model, stack, said, axes="ZYX")
    chances = BatchSampler(lessons, [], model, SETTINGS)._chances
    strokes = [lesson.held_out.count - len(lesson.held_out.held) for lesson in lessons]
    assert chances[2] == pytest.approx(0.5)
    assert chances[0] / chances[1] == pytest.approx(strokes[0] / strokes[1])
    assert chances.sum() == pytest.approx(1)


def test_strokes_predicted_one_by_one_score_as_they_do_together(model, monkeypatch):
    image = np.random.default_rng(0).integers(0, 255, (700, 600), np.uint8)
    corners = [(17, 33), (331, 210), (633, 551), (30, 500), (500, 71)]
    lessons = lessons_on(model, image, painted_corners(image.shape, corners))
    apart = finish(stroke_tables(model, lessons, "cpu"))
    monkeypatch.setattr("napari_unet.teaching.scores.MIN_GAP", 10**4)
    np.testing.assert_array_equal(finish(stroke_tables(model, lessons, "cpu")), apart)


def test_a_long_stack_is_read_sparsely_and_seen_as_segmentation_sees_it(model):
    stack = np.random.default_rng(0).random((150, 32, 32)) * np.arange(1, 151)[:, None, None]
    layer = np.zeros(stack.shape, np.int32)
    layer[70, 4:9, 4:9], layer[70, 20:25, 4:9] = 1, 2
    counted = Counted(stack)
    [plane] = finish(painted_planes(model.spec, [(counted, painted(layer))], axes="ZYX", channels=None))
    assert plane.place[0] == 70
    assert len(counted.read) <= 64
    whole = list(planes(stack, "ZYX", spatial="YX", channels=1))
    assert plane.plane.intensity == finish(measure_intensity(whole, model.spec.normalization))


class Counted:
    """A lazy array that remembers which planes were asked for."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.read = array, array.shape, array.dtype, set()

    def __getitem__(self, key):
        self.read.add(key[0])
        return self.array[key]


def test_one_id_in_two_far_places_counts_as_two_objects():
    layer = np.zeros((200, 200), int)
    layer[5:15, 5:15], layer[180:190, 180:190], layer[100] = 2, 2, 1
    assert painted(layer).labels.max() == 2


def test_what_is_visible_may_be_accepted_as_right():
    prediction = np.zeros((40, 40), int)
    prediction[5:10, 5:10], prediction[20:25, 20:25] = 1, 2
    layer = prediction.copy()
    layer[5:10, 5:10] = 0
    said = corrected(prediction, layer, right=(slice(0, 30), slice(0, 40)))
    assert said.annotated[:30].all()
    assert not said.annotated[30:].any()
    assert (said.labels > 0).sum() == 25


def test_images_are_no_longer_turned_over_where_that_makes_painted_objects_dark(bright_model):
    spec = bright_model.spec
    turning = replace(
        bright_model,
        spec=replace(spec, normalization=Normalization(steps=(InvertBrightBackground(), Percentile()))),
    )
    image = np.full((90, 120), 200.0) + np.random.default_rng(0).normal(0, 3, (90, 120))
    image[::30], image[:, ::30] = 20, 20  # dark membranes on a bright ground
    inside, membrane = np.zeros(image.shape, np.int32), np.zeros(image.shape, np.int32)
    inside[5:20, 5:20], inside[30, 5:100] = 2, 1
    membrane[30, 5:100], membrane[5:20, 5:20] = 2, 1
    for layer, turned in ((inside, False), (membrane, True)):
        chosen = check_polarity(turning, planes_of(turning, [(image, painted(layer))]))
        assert chosen.spec.normalization.inverts is turned
    dark_ground = check_polarity(turning, planes_of(turning, [(220 - image, painted(membrane))]))
    assert dark_ground is turning
    result = finish(fine_tune_steps(turning, [(image, inside)], settings=QUICK))
    assert not result.model.spec.normalization.inverts
    assert result.model.spec.parent == turning.sha256 or turning.sha256 == ""


@pytest.mark.parametrize("axes", ["ZYX", "TYX", "YXZ"])
def test_an_object_painted_whole_in_one_plane_of_a_stack_is_as_whole_as_in_a_single_image(model, axes):
    layer = np.zeros((40, 60), np.int32)
    layer[5:30, 5:50] = 1
    layer[10:25, 10:25], layer[10:25, 26:45] = 2, 3
    alone = planes_of(model, [(np.random.default_rng(0).random(layer.shape), painted(layer))])
    stack = np.zeros((9, *layer.shape), np.int32)
    stack[4] = layer
    if axes == "YXZ":
        stack = stack.transpose(1, 2, 0)
    pairs = [(np.random.default_rng(0).random(stack.shape), painted(stack))]
    within = finish(painted_planes(model.spec, pairs, axes=axes, channels=None))
    assert [plane.annotation.complete.tolist() for plane in within] == [[False, True, True]]
    assert alone[0].annotation.complete.tolist() == [False, True, True]


def test_where_no_stroke_is_held_out_objects_and_background_are_scored(model):
    layer = np.zeros((200, 420), np.int32)
    layer[10:14, 10:20] = 1
    for number in range(20):
        layer[150:154, 10 + 20 * number : 20 + 20 * number] = number + 2
    image = np.random.default_rng(0).random(layer.shape)
    planes = planes_of(model, [(image, painted(layer))])
    [lesson] = finish(prepare_regions(model, planes, SETTINGS.replace(held_out=0)))
    assert 2 < len(np.unique(lesson.held_out.strokes[lesson.scored])) <= 12
    assert set(np.unique(lesson.annotation.labels[lesson.scored] > 0)) == {False, True}


@pytest.mark.parametrize("axes", ["XY", "XYZ", "ZXY", "YZX"])
def test_any_order_of_axes_teaches_the_same(model, axes):
    rng = np.random.default_rng(0)
    image, layer = rng.random((2, 300, 400)), np.zeros((2, 300, 400), np.int32)
    layer[1, 20:30, 40:80], layer[1, 250:260, 20:90], layer[1, 100:110, 350:380] = 1, 2, 3
    if "Z" not in axes:
        image, layer = image[1], layer[1]
    straight = "ZYX"[-image.ndim :]
    order = [straight.index(axis) for axis in axes]
    said, turned = painted(layer), painted(layer.transpose(order))
    plain = finish(painted_planes(model.spec, [(image, said)], axes=straight, channels=None))
    other = finish(painted_planes(model.spec, [(image.transpose(order), turned)], axes=axes, channels=None))
    assert len(plain) == len(other) > 0
    for one, two in zip(plain, other, strict=True):
        np.testing.assert_array_equal(one.seen.whole(), two.seen.whole())
        np.testing.assert_array_equal(one.annotation.labels > 0, two.annotation.labels > 0)
        np.testing.assert_array_equal(one.annotation.annotated, two.annotation.annotated)
        assert [one.place[place] for place in order] == list(two.place)
