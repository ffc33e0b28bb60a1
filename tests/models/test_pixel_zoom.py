"""The zoom comes from the pixel sizes of image and model, where both are known, else from the objects."""

from dataclasses import replace

import numpy as np
import pytest

from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.arrays.source import Source
from napari_unet.models.pixel_zoom import common_pixel_size, zoom_of_pixels
from napari_unet.planning import plan_segmentation
from napari_unet.progress import finish
from napari_unet.provenance import segmentation_provenance
from napari_unet.segmentation import segment_steps
from napari_unet.settings.prediction import PredictionSettings
from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.settings.zooms import ZOOMS


def of(um, **more):
    return PixelSize({"Y": um, "X": um}, **more)


@pytest.fixture
def model(bright_model):
    return replace(bright_model, spec=replace(bright_model.spec, pixel_size=(0.5, 0.5)))


def squares():
    image = np.zeros((64, 96))
    image[8:24, 8:40] = image[32:56, 48:80] = 100
    return image


@pytest.mark.parametrize("zoom", ZOOMS)
@pytest.mark.parametrize("off", [0.75, 1.0, 1.4])
def test_the_nearest_zoom_is_chosen(model, zoom, off):
    if min(ZOOMS) <= zoom * off <= max(ZOOMS):
        assert zoom_of_pixels(of(0.5 * zoom * off), model.spec) == zoom


@pytest.mark.parametrize("um", [1e-6, 1e6])
def test_no_zoom_is_beyond_those_on_offer(model, um):
    assert zoom_of_pixels(of(um), model.spec) in (min(ZOOMS), max(ZOOMS))


def test_long_pixels_count_by_their_geometric_mean_and_planes_not_at_all(model):
    assert zoom_of_pixels(PixelSize({"Z": 9.0, "Y": 0.125, "X": 0.5}), model.spec) == 0.5
    volume = replace(model.spec, axes="ZYX", arguments={"dims": 3}, pixel_size=(2.0, 0.5, 0.5))
    assert zoom_of_pixels(PixelSize({"Z": 9.0, "Y": 0.25, "X": 0.25}), volume) == 0.5


@pytest.mark.parametrize("size", [None, PixelSize({"T": 3.0}), of(0.25, stated=False)])
def test_what_nobody_states_chooses_no_zoom(model, size):
    assert zoom_of_pixels(size, model.spec) is None
    assert zoom_of_pixels(of(0.25), replace(model.spec, pixel_size=None)) is None


@pytest.mark.parametrize("times", [1, 2, 4, 8])
def test_an_image_of_smaller_pixels_gives_the_same_objects_at_its_own_size(model, times):
    image = np.kron(squares(), np.ones((times, times)))
    result = finish(segment_steps(Source.of(image, pixel_size=of(0.5 / times)), model))
    assert (result.zoom, result.plan.zoom_from, result.count) == (1 / times, "pixel size", 2)
    truth = np.kron(squares(), np.ones((times, times)))
    assert (result.labels > 0)[truth > 0].mean() > 0.95
    found = np.argwhere(result.labels > 0)
    centre = np.argwhere(truth > 0).mean(0)
    assert np.abs(found.mean(0) - centre).max() <= 0.5, "placed exact to half a pixel"


def test_the_objects_choose_where_that_is_asked_for_or_a_zoom_by_hand(model):
    source = Source.of(np.kron(squares(), np.ones((2, 2))), pixel_size=of(0.25))

    def plan(**settings):
        return finish(plan_segmentation(source, model, SegmentationSettings(**settings)))

    assert (plan().zoom, plan().zoom_from) == (0.5, "pixel size")
    assert (plan(zoom_from="objects").zoom, plan(zoom_from="objects").zoom_from) == (1.0, "model")
    assert (plan(zoom=2.0).zoom, plan(zoom=2.0).zoom_from) == (2.0, "user")
    measured = replace(model, spec=replace(model.spec, sizes=(8.0, 32.0)))
    by_objects = SegmentationSettings(zoom_from="objects", prediction=PredictionSettings(tile=64))
    assert finish(plan_segmentation(source, measured, by_objects)).zoom_from == "objects"
    said = segmentation_provenance(plan(), source="a.tif")["settings"]
    assert (said["zoom"], said["zoom_by"]) == (0.5, "pixel size")


@pytest.mark.parametrize(
    ("sizes", "found"),
    [
        ([of(0.5), of(0.5)], (0.5, 0.5)),
        ([of(0.5), of(0.52)], (0.5099, 0.5099)),
        ([of(0.5), of(0.6)], None),
        ([of(0.5), None], None),
        ([of(0.5, stated=False)], None),
        ([], None),
    ],
)
def test_a_training_keeps_the_pixel_size_that_all_its_images_have(sizes, found):
    known = common_pixel_size(sizes, "YX")
    assert known == pytest.approx(found, rel=1e-4) if found else known is None
