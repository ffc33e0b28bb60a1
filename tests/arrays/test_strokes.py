"""Whole strokes are held out, far apart, and never all of a kind."""

import numpy as np
import pytest

from napari_unet.arrays.annotations import painted
from napari_unet.arrays.strokes import MIN_STROKES, hold_out, number_strokes


def strokes_on_a_grid(rows=3, columns=4):
    layer = np.zeros((rows * 10, columns * 10), np.int32)
    for number in range(rows * columns):
        row, column = divmod(number, columns)
        layer[row * 10 + 2 : row * 10 + 5, column * 10 + 2 : column * 10 + 8] = 1 if number % 2 else number + 2
    return painted(layer)


def test_each_connected_piece_is_a_stroke():
    said = strokes_on_a_grid()
    strokes = number_strokes(said)
    assert strokes.max() == 12
    assert ((strokes > 0) == said.annotated).all()


@pytest.mark.parametrize("seed", range(5))
def test_whole_strokes_of_both_kinds_are_held_out_and_most_stay(seed):
    said = strokes_on_a_grid()
    held = hold_out(said, np.random.default_rng(seed))
    assert 2 <= len(held.held) <= 4
    for number in range(1, 13):
        inside = held.mask[held.strokes == number]
        assert inside.all() or not inside.any()
    assert (said.labels[held.mask] > 0).any()
    assert (said.labels[held.mask] == 0).any()


def test_with_too_few_strokes_none_is_held_out():
    layer = np.zeros((20, 20), np.int32)
    for number in range(MIN_STROKES - 1):
        layer[number * 4, 2:8] = number + 1
    assert hold_out(painted(layer), np.random.default_rng(0)).held == ()


@pytest.mark.parametrize("kinds", [(2, 1, 1, 1, 1), (1, 2, 3, 4, 5), (2, 3, 1, 1, 1)])
@pytest.mark.parametrize("share", [0.2, 0.99])
def test_a_stroke_of_each_kind_stays_in_training(kinds, share):
    layer = np.zeros((50, 20), np.int32)
    for number, kind in enumerate(kinds):
        layer[10 * number : 10 * number + 4, 2:18] = kind
    said = painted(layer)
    for seed in range(5):
        trained = said.annotated & ~hold_out(said, np.random.default_rng(seed), share=share).mask
        assert set(np.unique(said.labels[trained] > 0)) == {False, True}


@pytest.mark.parametrize("seed", range(8))
def test_each_further_held_out_stroke_is_the_farthest_from_those_before(seed):
    layer = np.zeros((12, 300), np.int32)
    for number in range(20):
        layer[2:6, 15 * number : 15 * number + 6] = number + 2
    layer[9, 5:290] = 1
    held = hold_out(painted(layer), np.random.default_rng(seed), share=0.2)
    columns = np.array([np.nonzero(held.strokes == n)[1].mean() for n in range(1, held.count + 1)])
    ground = held.strokes[9, 5]
    columns = np.delete(columns, ground - 1)
    chosen = [np.nonzero(held.strokes == n)[1].mean() for n in held.held if n != ground]
    assert len(chosen) == 4
    for count in range(1, len(chosen)):
        distances = np.abs(columns[:, None] - np.array(chosen[:count])).min(axis=1)
        assert np.abs(np.array(chosen[:count]) - chosen[count]).min() == distances.max()


def test_strokes_around_one_another_are_held_out_once_each():
    layer = np.zeros((80, 80), np.int32)
    for number in range(8):  # rings about one centre
        layer[4 * number : 79 - 4 * number, 4 * number : 79 - 4 * number] = number + 2 if number % 2 else 1
        layer[4 * number + 2 : 77 - 4 * number, 4 * number + 2 : 77 - 4 * number] = 0
    held = hold_out(painted(layer), np.random.default_rng(0), share=0.99).held
    assert len(held) == len(set(held)) > 3
