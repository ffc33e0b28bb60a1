"""Lessons of strokes far apart: each is cut out by itself, and what is held out is chosen among all of them."""

import numpy as np
import pytest

from napari_unet.arrays.annotations import painted
from napari_unet.models.fresh import fresh_model
from napari_unet.progress import finish
from napari_unet.teaching.lessons import AROUND, painted_planes, prepare_lessons
from napari_unet.teaching.marks import score_lessons
from napari_unet.teaching.settings import FineTuningSettings
from napari_unet.teaching.views import Views

SETTINGS = FineTuningSettings(device="cpu", batch=2, patch=32)
CORNERS = [(40, 40), (40, 2900), (2900, 40), (2900, 2900)]


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


def lessons_of(model, image, said, axes="YX"):
    planes = finish(painted_planes(model.spec, [(image, said)], axes=axes, channel=None))
    return finish(prepare_lessons(model, planes, SETTINGS))


def test_strokes_in_the_corners_of_a_large_image_are_small_lessons(model):
    image = np.random.default_rng(0).integers(0, 255, (3000, 3000), np.uint8)
    said = painted_corners(image.shape)
    lessons = lessons_of(model, image, said)
    assert len(lessons) == 4
    assert max(lesson.image.size for lesson in lessons) <= (2 * AROUND + 40) ** 2
    taught = np.zeros(image.shape, bool)
    for lesson in lessons:
        assert not taught[lesson.place].any()
        taught[lesson.place] |= lesson.annotation.annotated
    np.testing.assert_array_equal(taught, said.annotated)


def test_held_out_strokes_are_chosen_among_all_lessons_and_nothing_else_is_scored(model):
    image = np.random.default_rng(0).integers(0, 255, (3000, 3000), np.uint8)
    lessons = lessons_of(model, image, painted_corners(image.shape))
    held = [len(lesson.held_out.held) for lesson in lessons]
    assert sum(held) == 2  # a fifth of eight strokes: an object and a piece of background
    assert [lesson.scored_strokes for lesson in lessons] == held
    assert [lesson.scored_pixels > 0 for lesson in lessons] == [number > 0 for number in held]
    assert 0 <= score_lessons(model, lessons, "cpu") <= 1


def test_one_stroke_a_plane_can_be_held_out_too(model):
    stack = np.random.default_rng(0).integers(0, 255, (8, 64, 64), np.uint8)
    corners = [(plane, 20, 20) for plane in range(8)]
    lessons = lessons_of(model, stack, painted_corners(stack.shape, corners, strokes=2), axes="ZYX")
    assert len(lessons) == 8
    assert sum(len(lesson.held_out.held) for lesson in lessons) == 4


def test_lessons_are_drawn_by_their_strokes_and_planes_alike(model):
    stack = np.random.default_rng(0).integers(0, 255, (2, 1400, 64), np.uint8)
    said = painted_corners(stack.shape, [(0, 20, 20), (0, 40, 20), (0, 60, 20), (0, 1300, 20), (1, 20, 20)])
    lessons = lessons_of(model, stack, said, axes="ZYX")
    chances = Views(lessons, [], model, SETTINGS)._chances
    strokes = [lesson.held_out.count - len(lesson.held_out.held) for lesson in lessons]
    assert chances[2] == pytest.approx(0.5)
    assert chances[0] / chances[1] == pytest.approx(strokes[0] / strokes[1])
    assert chances.sum() == pytest.approx(1)


def test_strokes_predicted_one_by_one_score_as_they_do_together(model, monkeypatch):
    image = np.random.default_rng(0).integers(0, 255, (700, 600), np.uint8)
    corners = [(17, 33), (331, 210), (633, 551), (30, 500), (500, 71)]
    lessons = lessons_of(model, image, painted_corners(image.shape, corners))
    apart = score_lessons(model, lessons, "cpu", everything=True)
    monkeypatch.setattr("napari_unet.teaching.marks.APART", 10**4)
    assert score_lessons(model, lessons, "cpu", everything=True) == apart
