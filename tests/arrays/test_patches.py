"""Patches are drawn where there is something to learn."""

import numpy as np

from napari_unet.arrays.patches import PatchCentres, PatchDensity


def draw(centres, count=400, seed=0):
    rng = np.random.default_rng(seed)
    return np.array([centres.draw(rng) for _ in range(count)])


def test_centres_fall_on_foreground_ten_times_as_often_per_pixel(touching_cells):
    found = draw(PatchCentres(touching_cells), 4000)
    on_cells = (touching_cells[tuple(found.T)] > 0).mean()
    cells, ground = (touching_cells > 0).sum(), (touching_cells == 0).sum()
    assert abs(on_cells - cells / (cells + 0.1 * ground)) < 0.03


def test_every_annotated_pixel_can_be_a_centre_and_no_other(touching_cells):
    annotated = np.zeros((12, 12), bool)
    annotated[1:4, 4:10] = True
    found = {tuple(centre) for centre in draw(PatchCentres(touching_cells, annotated=annotated), 2000)}
    assert found == {tuple(place) for place in np.argwhere(annotated)}


def test_background_can_be_left_out(touching_cells):
    found = draw(PatchCentres(touching_cells, density=PatchDensity(background=0)))
    assert touching_cells[tuple(found.T)].all()


def test_an_image_without_cells_still_gives_patches():
    found = draw(PatchCentres(np.zeros((4, 5), int)), 50)
    assert found.max(axis=0).tolist() == [3, 4]


def test_the_same_seed_draws_the_same_centres(touching_cells):
    centres = PatchCentres(touching_cells)
    np.testing.assert_array_equal(draw(centres, seed=3), draw(centres, seed=3))
    assert (draw(centres, seed=3) != draw(centres, seed=4)).any()


def test_the_count_tells_where_nothing_can_be_drawn(touching_cells):
    nowhere = np.zeros((12, 12), bool)
    assert PatchCentres(touching_cells, annotated=nowhere).count == 0
    assert PatchCentres(touching_cells).count == 144


def test_volumes_give_positions_of_three_numbers():
    assert draw(PatchCentres(np.ones((3, 4, 5), int)), 10).shape == (10, 3)
