"""The lists of held-out images, and how labels of the pack become instances."""

import csv
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_unet.models.training_image import TrainingImage

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
import data_sets
from recipes import even_chances


def rows():
    with data_sets.HELD_OUT.open(newline="") as file:
        return list(csv.DictReader(file))


def test_no_image_is_in_two_groups():
    names = [(row["data_set"], row["image"]) for row in rows()]
    assert len(set(names)) == len(names)
    assert {row["group"] for row in rows()} == {"own", "experiment"}


@pytest.mark.parametrize(
    ("folder", "own", "experiment"),
    [
        ("dsb2018_fluo", 60, 21),
        ("dsb2018_histology", 11, 28),
        ("bbbc039_u2os_16bit", 5, 15),
        ("phase_t98g", 2, 10),
        ("nuclei3d_bbbc050", 0, 8),
        ("membranes_endothelium", 0, 5),
    ],
)
def test_the_cards_images_stay_and_whole_experiments_are_apart(folder, own, experiment):
    assert len(data_sets.validation_images(folder)) == own
    assert len(data_sets.held_out_experiments(folder)) == experiment


def test_a_plane_is_held_out_with_its_stack():
    assert data_sets.is_held_out("nuclei3d_bbbc050", "Emb05_t051/z10")
    assert not data_sets.is_held_out("nuclei3d_bbbc050", "Emb01_t001/z10")


def lattice(side=96, step=24):
    """Drawn borders (0) between square cells, which all around stay open."""
    drawn = np.full((side, side), 255, np.uint8)
    drawn[step - 2 : side - step + 2 : step, step - 2 : side - step + 2] = 0
    drawn[step - 2 : side - step + 2, step - 2 : side - step + 2 : step] = 0
    return drawn


def test_enclosed_cells_are_found_and_the_open_rim_is_not():
    cells = data_sets.enclosed_cells(lattice())
    assert len(np.unique(cells[cells > 0])) == 4
    assert not cells[:10].any()
    assert not cells[:, -10:].any()


def test_cells_reach_to_the_middle_of_their_borders():
    cells = data_sets.enclosed_cells(lattice())
    assert cells[30:60, 30].all()


def test_the_annotated_part_holds_cells_alone():
    cells = data_sets.enclosed_cells(lattice())
    part = data_sets.annotated_part(cells)
    assert min(cells[part].shape) >= 40
    assert (cells[part] > 0).mean() >= 0.97


def test_every_kind_is_drawn_equally_often():
    images = [
        TrainingImage(
            name=name, image=np.zeros((1, side, side), np.float32), labels=np.ones((side, side), np.int32)
        )
        for name, side in [("a/1", 16), ("a/2", 64), ("b/1", 16), ("phase_t98g/set1", 8), ("phase_t98g/set13", 8)]
    ]
    chances = even_chances(images)
    assert np.allclose([sum(chances[:2]), *chances[2:]], 1 / 4)
    assert np.isclose(chances[1] / chances[0], 64 / 16)  # the root of the area within a kind
