"""Better means more than chance: one rule for panel, command line and Python."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.teaching.object_score import ObjectScore
from napari_unet.teaching.result import FineTuneResult, paired_spread


def result(model, before, after, strokes=2, spread=0.0, **changes):
    facts = {"held_out": True, "pixels": 400, "iterations": 9, "seconds": 1, **changes}
    return FineTuneResult(model=model, before=before, after=after, strokes=strokes, spread=spread, **facts)


@pytest.mark.parametrize(
    ("before", "after", "strokes", "spread", "verdict"),
    [
        (0.477, 0.478, 2, 0, "too close to tell"),
        (0.08, 0.09, 2, 0, "too close to tell"),
        (0.30, 0.40, 2, 0, "too close to tell"),
        (0.30, 0.40, 10, 0, "better"),
        (0.30, 0.40, 10, 0.1, "too close to tell"),  # one stroke of ten made the difference
        (0.25, 0.81, 2, 0, "better"),
        (0.25, 0.21, 2, 0, "too close to tell"),
        (0.81, 0.25, 2, 0, "worse"),
        (0.5, 0.5, 1000, 0, "too close to tell"),
        (0, 0, 0, 0, "too close to tell"),
    ],
)
def test_better_means_more_than_chance(bright_model, before, after, strokes, spread, verdict):
    tuned = result(bright_model, before, after, strokes, spread)
    assert tuned.verdict == verdict
    assert tuned.improved is (verdict == "better")
    assert f"; {verdict}".replace("worse", "not better") in tuned.sentence()
    assert ("the old model stays" in tuned.sentence()) is not tuned.improved


def test_what_was_too_few_to_tell_is_counted(bright_model):
    assert "Only 2 strokes scored: paint more" in result(bright_model, 0.4, 0.41).sentence()
    assert "Only 1 stroke scored" in result(bright_model, 0.4, 0.41, strokes=1).sentence()


def tables(*right):
    """Return tables of strokes of 100 px, objects and background in turn, with so many right."""
    found = np.zeros((len(right), 2, 2), np.int64)
    for number, count in enumerate(right):
        found[number, number % 2, number % 2] = count
        found[number, number % 2, 1 - number % 2] = 100 - count
    return found


def test_equal_gains_on_all_strokes_have_no_spread_and_a_gain_on_one_has():
    before = tables(*[50] * 10)
    assert paired_spread(before, tables(*[70] * 10)) == pytest.approx(0, abs=1e-12)
    lucky = tables(*[50] * 9, 100)
    assert paired_spread(before, lucky) > 0.02


@settings(max_examples=8)  # each draws 2,000 samples twice
@given(
    st.lists(st.integers(0, 100), min_size=1, max_size=6), st.lists(st.integers(0, 100), min_size=6, max_size=6)
)
def test_the_spread_is_that_of_either_direction(old, new):
    one, other = tables(*old), tables(*new[: len(old)])
    assert paired_spread(one, other) == pytest.approx(paired_spread(other, one))
    assert paired_spread(one, one) == 0


def test_no_strokes_have_no_spread():
    assert paired_spread(np.zeros((0, 2, 2), np.int64), np.zeros((0, 2, 2), np.int64)) == 0


def test_objects_come_first_and_pixels_are_details(bright_model):
    score = ObjectScore(painted=14, before=2, after=11)
    tuned = result(bright_model, 0.39, 0.70, 10, objects=score)
    assert tuned.sentence() == (
        "11 of 14 held-out objects found as one object (2 before), 52% to 92% of such objects; better."
    )
    assert tuned.details() == "Pixel IoU on held-out strokes: 0.39 before, 0.70 after."
    own = result(bright_model, 0.39, 0.70, 10, objects=score, held_out=False)
    assert own.sentence().startswith("11 of 14 painted objects (none could be held out) found as one object")
    assert "52%" not in own.sentence(), "what taught a model says nothing of others"
    assert own.sentence().count("oo few to trust") == 1
    pixels = result(bright_model, 0.39, 0.70, 10)
    assert pixels.sentence() == "Pixel IoU on held-out strokes: 0.39 before, 0.70 after; better."
    assert not pixels.details()
