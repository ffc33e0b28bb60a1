"""The score in objects: those of which nothing was taught, found or not, and what their share says."""

from dataclasses import replace

import numpy as np
import pytest

from napari_unet.arrays.annotations import dense
from napari_unet.arrays.strokes import HeldOut
from napari_unet.progress import finish
from napari_unet.teaching.object_score import ObjectScore, found_objects, scored_objects
from napari_unet.teaching.training_regions import TrainingRegion


def discs(side=200, step=40):
    rows, columns = np.mgrid[:side, :side]
    truth = np.zeros((side, side), np.int32)
    for number, (row, column) in enumerate(np.ndindex(side // step, side // step), start=1):
        truth[(rows - step * row - 20) ** 2 + (columns - step * column - 20) ** 2 < 100] = number
    return truth


def lesson_of(truth, held, image=None):
    """Return a lesson on complete truth with these objects held out."""
    held_out = HeldOut(strokes=truth, held=tuple(held), apart=bool(len(held)))
    image = np.where(truth > 0, 0.9, 0.1) if image is None else image
    return TrainingRegion(
        name="one", image=image[None].astype(np.float32), annotation=dense(truth), held_out=held_out, previous=None
    )


def test_held_out_objects_are_found_or_not_each_once(bright_model):
    truth = discs()
    image = np.where((truth > 0) & (truth != 7), 0.9, 0.1)
    image[truth == 1] = 0.1
    held = [1, 2, 3, 7, 25]
    lessons = [lesson_of(truth, held, image), lesson_of(truth, [4])]
    assert finish(found_objects(bright_model, lessons, "cpu")).tolist() == [False, True, True, False, True, True]


def test_an_object_of_which_a_stroke_taught_is_not_scored():
    truth = discs()
    lesson = lesson_of(truth, [2, 3])
    strokes = truth.copy()
    strokes[:20][truth[:20] == 3] = 99  # another stroke of the same object
    split = replace(lesson, held_out=HeldOut(strokes=strokes, held=(2, 3), apart=True))
    assert scored_objects(lesson).tolist() == [2, 3]
    assert scored_objects(split).tolist() == [2]


@pytest.mark.parametrize(
    ("score", "share"),
    [
        (ObjectScore(painted=14, before=2, after=11), "52% to 92% of such objects"),
        (ObjectScore(painted=10, before=0, after=10), "72% to 100% of such objects"),
        (ObjectScore(painted=9, before=0, after=9), "too few to trust"),
        (ObjectScore(painted=1, before=0, after=0), "too few to trust"),
    ],
)
def test_the_share_has_an_interval_from_ten_objects_on(score, share):
    assert score.share() == share
    assert score.counts("held-out objects").startswith(f"{score.after} of {score.painted} held-out objects found")
    low, high = score.interval
    assert 0 <= low <= score.after / score.painted <= high <= 1
