"""Object sizes: the zoom follows the objects of the whole image, and results have the image's own size."""

import json
from dataclasses import replace

import numpy as np
import pytest

from napari_unet.arrays.source import Source
from napari_unet.errors import UnetError
from napari_unet.models.model import Model
from napari_unet.models.spec import ModelSpec
from napari_unet.planning import plan_segmentation
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
    assert result.zoom == (zoom, zoom)
    assert result.count == 9
    assert result.labels.shape == image.shape
    wrong = np.count_nonzero((result.labels > 0) != (image > 500))
    assert wrong < 0.05 * np.count_nonzero(image > 500)


def test_tiny_objects_are_seen_larger():
    result = segmented(discs(5, count=25), sized_model())
    assert (result.zoom, result.count) == ((2, 2), 25)


def test_where_little_is_seen_the_image_stays_as_it_is():
    assert segmented(discs(300, count=1), sized_model()).zoom == (1, 1)
    assert segmented(np.full((64, 64), 5, np.uint8), sized_model()).zoom == (1, 1)


def test_a_model_without_sizes_looks_at_nothing_first():
    assert segmented(discs(200), sized_model(sizes=None)).zoom == (1, 1)
    assert segmented(discs(200), sized_model(sizes=None, zoom=0.5)).zoom == (0.5, 0.5)


def test_the_users_zoom_counts_more_than_the_models():
    assert segmented(discs(200), sized_model(), zoom=1).zoom == (1, 1)


def test_the_zoom_of_colour_images_is_measured_too():
    rgb = np.repeat((discs(90) // 4).astype(np.uint8)[..., None], 3, axis=-1)
    result = segmented(rgb, sized_model(), axes="YXS")
    assert (result.zoom, result.count, result.labels.shape) == ((0.5, 0.5), 9, rgb.shape[:2])


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
    assert whole.zoom == empty.zoom < (1, 1)


def test_the_planes_of_a_stack_have_one_zoom():
    stack = np.stack([discs(90), np.roll(discs(90), 7, 0), discs(90)])
    result = segmented(stack, sized_model(), axes="ZYX")
    assert (result.zoom, result.count) == ((0.5, 0.5), 27)


def balls(height, width, *, planes, rows=2):
    """Return a stack (Z, Y, X) with rows of bright ellipsoids, one above another as often as the planes allow."""
    deep, step = round(1.4 * height), round(1.6 * width)
    z, y, x = np.indices((planes, rows * step, rows * step))
    place = [z % deep - deep / 2, y % step - step / 2, x % step - step / 2]
    inside = sum((at / side * 2) ** 2 for at, side in zip(place, (height, width, width), strict=True)) < 1
    return (inside * 900 + 100).astype(np.uint16)


def volumes(**changes):
    model = make_bright_model(axes="ZYX")
    thresholds = InstanceSettings(core_threshold=0.7, edge_threshold=0.5, min_size=4)
    return replace(model, spec=replace(model.spec, sizes=(6.0, 32.0), instances=thresholds, **changes))


@pytest.mark.parametrize(
    ("height", "width", "planes", "zoom"),
    [
        (21, 21, 60, (1, 1, 1)),
        (9, 48, 12, (1, 0.5, 0.5)),
        (8, 80, 12, (1, 0.25, 0.25)),
        (40, 40, 100, (0.5, 0.5, 0.5)),
    ],
)
def test_volumes_are_zoomed_along_each_axis_as_their_objects_are_large(height, width, planes, zoom):
    image = balls(height, width, planes=planes)
    plan = finish(plan_segmentation(Source.of(image, "ZYX"), volumes()))
    assert (plan.zoom, plan.zoom_from) == (zoom, "objects")


def test_planes_that_lie_apart_are_no_reason_to_zoom():
    """A ball of 3 planes and 12 pixels is as large along both axes for a model that learnt such voxels."""
    source = Source.of(balls(4, 12, planes=12), "ZYX")
    assert finish(plan_segmentation(source, volumes())).zoom == (2, 1, 1)
    assert finish(plan_segmentation(source, volumes(spacing=(3.0, 1.0, 1.0)))).zoom == (1, 1, 1)


def random_model(kind="padded", axes="YX", depth=2, **spec):
    dims = len(axes)
    arguments = {"in_channels": 1, "out_channels": 2, "base_channels": 4, "levels": depth, "dims": dims}
    described = ModelSpec(name="random", architecture=kind, arguments=arguments, axes=axes, **spec)
    return Model(net=small_net(kind, levels=depth, dims=dims), spec=described)


UNEVEN = [(1, 0.25), (0.5, 2), (2, 0.125)]


@pytest.mark.parametrize("zoom", [0.25, 0.5, 2, *UNEVEN])
@pytest.mark.parametrize("kind", ["padded", "classic"])
def test_tiled_equals_whole_at_every_zoom(zoom, kind):
    image = np.random.default_rng(0).random((203, 170))
    model = random_model(kind)
    whole = segmented(image, model, zoom=zoom, tile=4096).probabilities.astype(int)
    tiled = segmented(image, model, zoom=zoom, tile=32).probabilities.astype(int)
    assert whole.shape == image.shape
    assert np.abs(whole - tiled).max() <= 1  # rounding of float32 sums


@pytest.mark.parametrize("kind", ["padded", "classic"])
@pytest.mark.parametrize("zoom", [(1, 0.5, 0.5), (2, 0.25, 1), (0.5, 1, 2)])
def test_volumes_are_zoomed_by_axis_and_tiled_parts_equal_the_whole(zoom, kind):
    image = np.random.default_rng(0).random((12, 22, 18))
    model = random_model(kind, axes="ZYX", depth=1)
    whole = segmented(image, model, zoom=zoom, tile=512, axes="ZYX").probabilities.astype(int)
    tiled = segmented(image, model, zoom=zoom, tile=(6, 12, 12), axes="ZYX").probabilities.astype(int)
    assert whole.shape == image.shape
    assert np.abs(whole - tiled).max() <= 1  # rounding of float32 sums
    part = segmented(image, model, zoom=zoom, axes="ZYX", region={"Z": (5, 7), "Y": (9, 16), "X": (4, 18)})
    place = tuple(
        slice(start, start + length) for start, length in zip(part.origin, part.labels.shape, strict=True)
    )
    assert part.labels.size < image.size
    assert np.abs(whole[place] - part.probabilities).max() <= 1


@pytest.mark.parametrize("zoom", [0.25, 0.5, 2, *UNEVEN])
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


@pytest.mark.parametrize("zoom", [0.25, 0.5, 2, *UNEVEN])
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
    for name, value in (
        ("zoom", None),
        ("zoom", 0.3),
        ("zoom", [1.0]),
        ("zoom", [1.0, "a"]),
        ("sizes", [5]),
        ("sizes", "large"),
    ):
        with pytest.raises(UnetError):
            ModelSpec.from_json(json.dumps({**described, name: value}))
    with pytest.raises(UnetError, match="knows no sizes"):
        replace(random_model(levels=(), classes=("a", "b")).spec, sizes=SIZES)


def test_sizes_and_zoom_travel_in_the_description():
    for zoom, kept in ((0.5, 0.5), ((0.5, 0.5), 0.5), ((1.0, 0.25), [1.0, 0.25])):
        spec = sized_model(zoom=zoom).spec
        assert json.loads(spec.to_json())["zoom"] == kept
        assert ModelSpec.from_json(spec.to_json()) == spec
        assert spec.zooms == (tuple(kept) if isinstance(kept, list) else (kept, kept))


def test_a_zoom_of_too_many_axes_is_one_sentence():
    with pytest.raises(UnetError, match="zoom must be one number, or one for each of 2 axes"):
        segmented(discs(20), sized_model(), zoom=(1.0, 0.5, 0.5))
