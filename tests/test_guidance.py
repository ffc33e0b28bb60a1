"""Where painting helps most: unsure, not visited yet, unlike what was visited."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_unet.files.images import read_image
from napari_unet.guidance import describe_cells, rank_places, survey_steps, uncertainty
from napari_unet.models.library import load_model
from napari_unet.progress import finish
from napari_unet.samples import FOLDER

PLANE = (slice(None), slice(None))


def cells_of(probability, image=None, index=PLANE, side=16):
    image = np.zeros(probability.shape, np.float32) if image is None else image
    return describe_cells(index, probability, image, side=side)


def blank(shape=(64, 64)):
    return np.zeros(shape, np.uint8)


def test_the_least_certain_place_comes_first_and_says_why():
    probability = blank()
    probability[16:32, 32:48] = 128
    probability[48:64, 0:16] = 230
    first, second = rank_places([cells_of(probability)], [np.zeros((64, 64), bool)])
    assert first.box == (slice(16, 32), slice(32, 48))
    assert second.box == (slice(48, 64), slice(0, 16))
    assert "more than anywhere else" in first.reason
    assert first.worth > second.worth


def test_rims_of_objects_are_no_uncertain_places():
    probability = blank()
    probability[20:44, 20:44] = 128
    probability[22:42, 22:42] = 255
    assert uncertainty(probability).max() == 0
    assert rank_places([cells_of(probability)], [np.zeros((64, 64), bool)]) == []


@given(arrays(np.uint8, (40, 40)), arrays(bool, (40, 40), elements=st.sampled_from([False] * 9 + [True])))
def test_no_place_is_suggested_twice_or_where_somebody_was(probability, visited):
    places = rank_places([cells_of(probability, side=10)], [visited], most=20)
    boxes = [place.box for place in places]
    assert len({str(box) for box in boxes}) == len(boxes)
    assert not any(visited[box].any() for box in boxes)
    assert all(place.worth > 0 for place in places)


def test_of_two_uncertain_places_the_one_unlike_the_visited_ones_comes_first():
    probability, image = blank(), np.zeros((64, 64), np.float32)
    for row, column, bright in ((0, 0, 1.0), (0, 48, 1.0), (48, 48, 9.0)):
        probability[row : row + 16, column : column + 16] = 128
        image[row : row + 16, column : column + 16] = bright
    probability[0:16, 48:64] = 120
    visited = np.zeros((64, 64), bool)
    visited[3, 3] = True
    cells = [cells_of(probability, image)]
    first, second = rank_places(cells, [visited], most=2)
    assert first.box == (slice(48, 64), slice(48, 64))
    assert "unlike" in first.reason
    assert second.box == (slice(0, 16), slice(48, 64))
    assert "unlike" not in second.reason


def test_in_an_image_that_the_model_does_not_know_places_come_in_any_order_and_all_of_them():
    probability = np.tile(np.arange(64, dtype=np.uint8), (64, 1))
    known = cells_of(probability)
    nowhere = [np.zeros((64, 64), bool)]
    by_doubt = [place.box for place in rank_places([known], nowhere, most=16, novelty=False)]
    columns = [box[1].start for box in by_doubt]
    assert columns == sorted(columns, reverse=True)
    foreign = [replace(known, known=False)]
    places = rank_places(foreign, nowhere, most=16, novelty=False)
    assert {str(place.box) for place in places} == {str(box) for box in by_doubt}
    assert [place.box[1].start for place in places] != columns
    assert all("does not know" in place.reason for place in places)
    visited = nowhere[0].copy()
    visited[places[0].box] = True
    assert rank_places(foreign, [visited], most=15)[0].box == places[1].box, "the order stays as it was"


@pytest.mark.parametrize(("kind", "known"), [("u2os_nuclei.tif", True), ("stripes", False), ("nothing", True)])
def test_a_model_knows_the_images_in_which_it_is_sure_of_what_it_finds(kind, known):
    if kind == "stripes":
        stripes = np.tile(100.0 * (np.arange(256) % 40 >= 20), (256, 1))
        image = stripes + np.random.default_rng(0).normal(0, 10, stripes.shape)
    else:
        image = np.zeros((96, 96)) if kind == "nothing" else read_image(FOLDER / kind).array[:256, :256]
    survey = finish(survey_steps(load_model("nuclei"), image, axes="YX", device="cpu"))
    assert [part.known for part in survey.cells] == [known] * len(survey.cells)


def test_planes_of_a_stack_are_ranked_together():
    sure, unsure = blank((32, 32)), blank((32, 32))
    unsure[:16, 16:] = 128
    cells = [
        cells_of(sure, index=(0, slice(None), slice(None))),
        cells_of(unsure, index=(7, slice(None), slice(None))),
    ]
    [place] = rank_places(cells, [np.zeros((9, 32, 32), bool)])
    assert place.box == (slice(7, 8), slice(0, 16), slice(16, 32))


def test_images_are_ranked_together_and_each_has_its_own_visited_places():
    sure, unsure = blank((32, 32)), blank((48, 48))
    unsure[:16, 16:32], sure[:16, :16] = 128, 40
    cells = [cells_of(sure), replace(cells_of(unsure), image=1)]
    nowhere = [np.zeros((32, 32), bool), np.zeros((48, 48), bool)]
    [place] = rank_places(cells, nowhere, most=1)
    assert (place.image, place.box) == (1, (slice(0, 16), slice(16, 32)))
    nowhere[1][place.box] = True
    [place] = rank_places(cells, nowhere, most=1)
    assert (place.image, place.box) == (0, (slice(0, 16), slice(0, 16)))


def test_cells_cover_every_pixel_once():
    cells = cells_of(blank((70, 33)), side=16)
    count = np.zeros((70, 33), int)
    for box in cells.boxes:
        count[box] += 1
    assert (count == 1).all()
    assert all(side.stop - side.start <= 16 for box in cells.boxes for side in box)
