"""The zoom comes from the pixel sizes of image and model, where both are known, else from the objects."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.arrays.source import Source
from napari_unet.arrays.zoom import Zoomed
from napari_unet.models.pixel_zoom import common_pixel_size, zoom_of_pixels
from napari_unet.models.spec import ModelSpec
from napari_unet.planning import plan_segmentation
from napari_unet.progress import finish
from napari_unet.provenance import segmentation_provenance
from napari_unet.segmentation import segment_steps
from napari_unet.settings.prediction import PredictionSettings
from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.settings.zooms import ZOOMS
from tests.conftest import make_bright_model


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
        assert zoom_of_pixels(of(0.5 * zoom * off), model.spec) == (zoom, zoom)


@pytest.mark.parametrize("um", [1e-6, 1e6])
def test_no_zoom_is_beyond_those_on_offer(model, um):
    assert zoom_of_pixels(of(um), model.spec) in ((min(ZOOMS),) * 2, (max(ZOOMS),) * 2)


def learnt(*um):
    axes = "ZYX"[-len(um) :]
    arguments = {"dims": len(um)}
    return ModelSpec(name="any", architecture="padded", arguments=arguments, axes=axes, pixel_size=um)


@given(*[st.sampled_from(ZOOMS)] * 3, st.floats(0.8, 1.25), st.floats(0.8, 1.25))
def test_each_axis_is_zoomed_by_itself(deep, high, wide, off, beside):
    """An off factor on top changes nothing, as long as no other power of two is nearer."""
    stored = PixelSize({"Z": 2.0 * deep * beside, "Y": 0.5 * high * off, "X": 0.5 * wide * off})
    assert zoom_of_pixels(stored, learnt(2.0, 0.5, 0.5)) == (deep, high, wide)
    assert zoom_of_pixels(stored, learnt(0.5, 0.5)) == (high, wide), "planes of a stack are no axis of the model"


def test_pixels_that_are_nearly_square_are_zoomed_alike():
    either = PixelSize({"Y": 0.36, "X": 0.34})  # 0.72 and 0.68: 1 and 1/2 are the nearest powers of two
    assert zoom_of_pixels(either, learnt(0.5, 0.5)) == (0.5, 0.5)
    assert zoom_of_pixels(PixelSize({"Y": 0.125, "X": 0.5}), learnt(0.5, 0.5)) == (0.25, 1)


def test_an_axis_of_unknown_size_stays_as_it_is():
    assert zoom_of_pixels(of(0.25), learnt(2.0, 0.5, 0.5)) == (1, 0.5, 0.5)
    assert zoom_of_pixels(PixelSize({"Z": 1.0}), learnt(2.0, 0.5, 0.5)) is None


@pytest.mark.parametrize(("um", "planes"), [(2.0, 12), (1.0, 12), (0.5, 6)])
def test_a_thin_stack_keeps_its_planes_where_they_lie_as_far_apart_as_the_model_knows(um, planes):
    """Twelve planes of pixels four times as small as the model's: they are joined within planes alone."""
    spec = replace(make_bright_model(axes="ZYX").spec, pixel_size=(1.0, 1.0, 1.0))
    model = replace(make_bright_model(axes="ZYX"), spec=spec)
    image = np.zeros((12, 64, 64), np.uint8)
    image[2:10, 8:28, 8:28] = image[2:10, 36:60, 36:60] = 200
    source = Source.of(image, "ZYX", pixel_size=PixelSize({"Z": um, "Y": 0.25, "X": 0.25}))
    result = finish(segment_steps(source, model))
    assert result.zoom == (um, 0.25, 0.25)
    seen = Zoomed(plane=result.plan.planes()[0], zoom=result.zoom).shape
    assert seen == (planes * max(1, um), 16, 16)
    assert np.count_nonzero((result.labels > 0) != (image > 0)) < 0.2 * np.count_nonzero(image)


@pytest.mark.parametrize("size", [None, PixelSize({"T": 3.0}), of(0.25, stated=False)])
def test_what_nobody_states_chooses_no_zoom(model, size):
    assert zoom_of_pixels(size, model.spec) is None
    assert zoom_of_pixels(of(0.25), replace(model.spec, pixel_size=None)) is None


@pytest.mark.parametrize("times", [1, 2, 4, 8])
def test_an_image_of_smaller_pixels_gives_the_same_objects_at_its_own_size(model, times):
    image = np.kron(squares(), np.ones((times, times)))
    result = finish(segment_steps(Source.of(image, pixel_size=of(0.5 / times)), model))
    assert (result.zoom, result.plan.zoom_from, result.count) == ((1 / times,) * 2, "pixel size", 2)
    truth = np.kron(squares(), np.ones((times, times)))
    assert (result.labels > 0)[truth > 0].mean() > 0.95
    found = np.argwhere(result.labels > 0)
    centre = np.argwhere(truth > 0).mean(0)
    assert np.abs(found.mean(0) - centre).max() <= 0.5, "placed exact to half a pixel"


def test_the_objects_choose_where_that_is_asked_for_or_a_zoom_by_hand(model):
    source = Source.of(np.kron(squares(), np.ones((2, 2))), pixel_size=of(0.25))

    def plan(**settings):
        return finish(plan_segmentation(source, model, SegmentationSettings(**settings)))

    assert (plan().zoom, plan().zoom_from) == ((0.5, 0.5), "pixel size")
    assert (plan(zoom_from="objects").zoom, plan(zoom_from="objects").zoom_from) == ((1, 1), "model")
    assert (plan(zoom=2.0).zoom, plan(zoom=2.0).zoom_from) == ((2, 2), "user")
    assert (plan(zoom=(1.0, 0.5)).zoom, plan(zoom=[1, 0.5]).zoom) == ((1, 0.5), (1, 0.5))
    measured = replace(model, spec=replace(model.spec, sizes=(8.0, 32.0)))
    by_objects = SegmentationSettings(zoom_from="objects", prediction=PredictionSettings(tile=64))
    assert finish(plan_segmentation(source, measured, by_objects)).zoom_from == "objects"
    said = segmentation_provenance(plan(), source="a.tif")["settings"]
    assert (said["zoom"], said["zoom_by"]) == (0.5, "pixel size")
    uneven = segmentation_provenance(plan(zoom=(1.0, 0.5)), source="a.tif")["settings"]
    assert uneven["zoom"] == json.loads(json.dumps(uneven))["zoom"] == [1, 0.5]


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
