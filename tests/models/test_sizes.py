"""Object sizes: the zoom follows the objects of the whole image, and results have the image's own size."""

import json
from dataclasses import replace

import numpy as np
import pytest

from napari_unet.errors import UnetError
from napari_unet.models.model import Model
from napari_unet.models.spec import ModelSpec
from napari_unet.progress import finish
from napari_unet.segmentation import segment_steps
from napari_unet.settings.instances import InstanceSettings
from napari_unet.settings.prediction import PredictionSettings
from napari_unet.settings.segmentation import SegmentationSettings
from tests.conftest import make_bright_model
from tests.nets.small import small_net

SIZES = (7.0, 64.0)


def sized_model(sizes=SIZES, **changes):
    model = make_bright_model()
    thresholds = InstanceSettings(core_threshold=0.7, edge_threshold=0.5, min_size=4)
    return replace(model, spec=replace(model.spec, sizes=sizes, instances=thresholds, **changes))


def discs(diameter, *, count=9, spacing=1.6):
    """Return an image with a square of `count` bright discs."""
    row = round(count**0.5)
    step = round(spacing * diameter)
    rows, columns = np.indices((row * step, row * step))
    inside = np.hypot(rows % step - step / 2, columns % step - step / 2) < diameter / 2
    return (inside * 900 + 100).astype(np.uint16)


def segmented(image, model, *, zoom=None, tile=None, region=None, axes="YX"):
    prediction = PredictionSettings(device="cpu", tile=tile)
    settings = SegmentationSettings(zoom=zoom, prediction=prediction)
    return finish(
        segment_steps(image, model, axes=axes, settings=settings, region=region, keep_probabilities=True)
    )


@pytest.mark.parametrize(("diameter", "zoom"), [(20, 1), (50, 1), (90, 0.5), (200, 0.25), (400, 0.125)])
def test_large_objects_are_seen_smaller(diameter, zoom):
    image = discs(diameter)
    result = segmented(image, sized_model())
    assert result.zoom == zoom
    assert result.count == 9
    assert result.labels.shape == image.shape
    wrong = np.count_nonzero((result.labels > 0) != (image > 500))
    assert wrong < 0.05 * np.count_nonzero(image > 500)


def test_tiny_objects_are_seen_larger():
    result = segmented(discs(5, count=25), sized_model())
    assert (result.zoom, result.count) == (2, 25)


def test_where_little_is_seen_the_image_stays_as_it_is():
    assert segmented(discs(300, count=1), sized_model()).zoom == 1
    assert segmented(np.full((64, 64), 5, np.uint8), sized_model()).zoom == 1


def test_a_model_without_sizes_looks_at_nothing_first():
    assert segmented(discs(200), sized_model(sizes=None)).zoom == 1
    assert segmented(discs(200), sized_model(sizes=None, zoom=0.5)).zoom == 0.5


def test_the_users_zoom_counts_more_than_the_models():
    assert segmented(discs(200), sized_model(), zoom=1).zoom == 1


def test_the_zoom_of_colour_images_is_measured_too():
    rgb = np.repeat((discs(90) // 4).astype(np.uint8)[..., None], 3, axis=-1)
    result = segmented(rgb, sized_model(), axes="YXS")
    assert (result.zoom, result.count, result.labels.shape) == (0.5, 9, rgb.shape[:2])


def test_volumes_are_zoomed_along_all_axes():
    image = np.zeros((40, 96, 96), np.uint8)
    image[8:32, 16:48, 16:48] = 255
    labels = segmented(image, make_bright_model(axes="ZYX"), zoom=0.25, axes="ZYX").labels
    assert np.count_nonzero((labels > 0) != (image > 0)) < 0.2 * np.count_nonzero(image)


def test_a_part_is_zoomed_as_the_whole_image_is():
    image = np.zeros((900, 900), np.uint16)
    image[: 9 * 64, : 9 * 64] = np.kron(discs(90, count=4)[:288, :288], np.ones((2, 2), int))[: 9 * 64, : 9 * 64]
    whole = segmented(image, sized_model())
    empty = segmented(image, sized_model(), region={"Y": (700, 800), "X": (700, 800)})
    assert whole.zoom == empty.zoom < 1


def test_the_planes_of_a_stack_have_one_zoom():
    stack = np.stack([discs(90), np.roll(discs(90), 7, 0), discs(90)])
    result = segmented(stack, sized_model(), axes="ZYX")
    assert (result.zoom, result.count) == (0.5, 27)


def random_model(kind="padded", **spec):
    arguments = {"in_channels": 1, "out_channels": 2, "base_channels": 4, "levels": 2}
    described = ModelSpec(name="random", architecture=kind, arguments=arguments, **spec)
    return Model(net=small_net(kind, levels=2), spec=described)


@pytest.mark.parametrize("zoom", [0.25, 0.5, 2])
@pytest.mark.parametrize("kind", ["padded", "classic"])
def test_tiled_equals_whole_at_every_zoom(zoom, kind):
    image = np.random.default_rng(0).random((203, 170))
    model = random_model(kind)
    whole = segmented(image, model, zoom=zoom, tile=4096).probabilities.astype(int)
    tiled = segmented(image, model, zoom=zoom, tile=32).probabilities.astype(int)
    assert whole.shape == image.shape
    assert np.abs(whole - tiled).max() <= 1  # rounding of float32 sums


@pytest.mark.parametrize("zoom", [0.25, 0.5, 2])
def test_a_part_of_a_zoomed_image_is_predicted_as_in_the_whole(zoom):
    image = np.random.default_rng(1).random((300, 260))
    model = random_model()
    whole = segmented(image, model, zoom=zoom).probabilities.astype(int)
    part = segmented(image, model, zoom=zoom, region={"Y": (70, 130), "X": (33, 260)})
    place = tuple(
        slice(start, start + length) for start, length in zip(part.origin, part.labels.shape, strict=True)
    )
    assert np.abs(whole[place] - part.probabilities).max() <= 1


def test_classes_come_back_as_classes():
    model = random_model(levels=(), classes=("ground", "something"))
    labels = segmented(np.random.default_rng(2).random((64, 64)), model, zoom=0.5).labels
    assert labels.shape == (64, 64)
    assert set(np.unique(labels)) <= {0, 1}


@pytest.mark.parametrize("zoom", [0.25, 0.5, 2])
def test_maps_come_back_band_by_band_with_the_same_result(monkeypatch, zoom):
    image, model = np.random.default_rng(3).random((157, 90)), random_model()
    whole = segmented(image, model, zoom=zoom).probabilities
    monkeypatch.setattr("napari_unet.models.prediction_to_labels.BAND", 1)
    np.testing.assert_array_equal(segmented(image, model, zoom=zoom).probabilities, whole)


def test_rotations_and_zoom_go_together():
    image, model = np.random.default_rng(4).random((120, 100)), random_model(rotations=True)
    whole = segmented(image, model, zoom=0.5).probabilities.astype(int)
    part = segmented(image, model, zoom=0.5, region={"Y": (40, 80), "X": (0, 100)})
    assert np.abs(whole[part.origin[0] :][: len(part.labels)] - part.probabilities).max() <= 1


@pytest.mark.parametrize("sizes", [(0.0, 10.0), (10.0, 15.0), (10.0,), (), (1.0, 2.0, 3.0)])
def test_sizes_that_no_zoom_can_meet_are_refused(sizes):
    with pytest.raises(UnetError, match="sizes must be two diameters"):
        sized_model(sizes=sizes)


def test_a_damaged_description_is_one_sentence():
    described = json.loads(sized_model().spec.to_json())
    for name, value in (("zoom", None), ("zoom", 0.3), ("sizes", [5]), ("sizes", "large")):
        with pytest.raises(UnetError):
            ModelSpec.from_json(json.dumps({**described, name: value}))
    with pytest.raises(UnetError, match="knows no sizes"):
        replace(random_model(levels=(), classes=("a", "b")).spec, sizes=SIZES)


def test_sizes_and_zoom_travel_in_the_description():
    spec = sized_model(zoom=0.5).spec
    assert ModelSpec.from_json(spec.to_json()) == spec
