"""Patches are drawn where there is something to learn."""

import numpy as np
import pytest

from napari_unet.arrays.patches import PatchCentres


def draw(centres, count=400, seed=0):
    rng = np.random.default_rng(seed)
    return np.array([centres.draw(rng) for _ in range(count)])


def test_centres_fall_on_foreground_ten_times_as_often_per_pixel(touching_cells):
    found = draw(PatchCentres(touching_cells), 4000)
    on_cells = (touching_cells[tuple(found.T)] > 0).mean()
    cells, ground = (touching_cells > 0).sum(), (touching_cells == 0).sum()
    assert abs(on_cells - cells / (cells + 0.1 * ground)) < 0.03


def test_every_pixel_can_be_a_centre(touching_cells):
    found = {tuple(centre) for centre in draw(PatchCentres(touching_cells), 20_000)}
    assert found == {tuple(place) for place in np.argwhere(touching_cells >= 0)}


@pytest.mark.parametrize("value", [0, 1])
def test_an_image_of_one_kind_still_gives_patches(value):
    found = draw(PatchCentres(np.full((4, 5), value)), 50)
    assert found.max(axis=0).tolist() == [3, 4]


def test_the_same_seed_draws_the_same_centres(touching_cells):
    centres = PatchCentres(touching_cells)
    np.testing.assert_array_equal(draw(centres, seed=3), draw(centres, seed=3))
    assert (draw(centres, seed=3) != draw(centres, seed=4)).any()


def test_volumes_give_positions_of_three_numbers():
    assert draw(PatchCentres(np.ones((3, 4, 5), int)), 10).shape == (10, 3)
