"""Segmenting: the labels have the image's axes, every object its own id, and odd images are no fault."""

import dask.array as da
import numpy as np
import pytest
import zarr

from napari_unet.errors import UnetError
from napari_unet.models.library import load_model
from napari_unet.progress import finish
from napari_unet.segmentation import segment, segment_steps
from napari_unet.settings.instances import InstanceSettings
from napari_unet.settings.prediction import PredictionSettings
from napari_unet.settings.segmentation import SegmentationSettings
from tests.conftest import make_bright_model


def settings(tile=None, **options):
    return SegmentationSettings(prediction=PredictionSettings(device="cpu", tile=tile), **options)


def squares(*lead, side=40):
    """Two bright squares in every plane (*lead, side, side) uint16."""
    plane = np.full((side, side), 100, np.uint16)
    plane[5:15, 5:15] = plane[20:35, 25:35] = 900
    return np.broadcast_to(plane, (*lead, side, side)).copy()


def test_bright_objects_are_found_exactly(bright_model):
    image = squares()
    labels = segment(image, bright_model, settings=settings())
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels > 0, image > 500)
    assert labels.max() == 2


@pytest.mark.parametrize("axes", ["TZYX", "TCZYX", "ZYX", "TYX"])
def test_labels_have_the_axes_of_the_image_less_channels(bright_model, axes):
    lengths = {"T": 2, "C": 1, "Z": 3}
    lead = tuple(lengths[axis] for axis in axes[:-2])
    result = finish(segment_steps(squares(*lead), bright_model, axes=axes, settings=settings()))
    assert result.axes == axes.replace("C", "")
    assert result.labels.shape == tuple(n for n, axis in zip((*lead, 40, 40), axes, strict=True) if axis != "C")


def test_every_object_of_every_plane_has_its_own_id(bright_model):
    image = squares(2, 3)
    image[0, 1] = 100
    result = finish(segment_steps(image, bright_model, axes="TZYX", settings=settings()))
    assert result.count == 10
    assert len(np.unique(result.labels)) == 11
    owners = [set(np.unique(plane[plane > 0])) for plane in result.labels.reshape(6, 40, 40)]
    assert sum(len(ids) for ids in owners) == 10
    assert not owners[1]


def test_objects_that_overlap_from_plane_to_plane_can_be_joined(bright_model):
    image = squares(2, 3)
    image[0, 1] = 100  # what is gone for a plane comes back as another object
    image[1, :, 20:35, 25:35] = 100

    def joined(axes, stack=image, named="TZYX"):
        return finish(segment_steps(stack, bright_model, axes=named, settings=settings(join=axes)))

    through_z = joined("Z")
    assert through_z.found == "5 objects joined through Z in 2 volumes, each counted by itself"
    assert [len(np.unique(volume)) - 1 for volume in through_z.labels] == [4, 1]
    assert len(np.unique(through_z.labels[1, :, 10, 10])) == 1
    both = joined("TZ")
    assert both.found == "4 objects joined through Z and T"
    assert (both.labels[0, 0, 10, 10] == both.labels[1, :, 10, 10]).all()
    through_t = joined("T")
    assert [len(np.unique(through_t.labels[:, z])) - 1 for z in range(3)] == [2, 1, 2]
    turned = joined("Z", image.transpose(2, 1, 3, 0), "YZXT")
    np.testing.assert_array_equal(turned.labels.transpose(3, 1, 0, 2), through_z.labels)


def test_what_no_plane_parts_is_not_joined(bright_model):
    with pytest.raises(UnetError, match="cannot be joined through Z: the planes of TYX are YX"):
        segment(squares(2), bright_model, axes="TYX", settings=settings(join="Z"))
    with pytest.raises(UnetError, match="must be Z, T or ZT, got 'C'"):
        settings(join="C")


@pytest.mark.parametrize("axes", ["XY", "YXT", "XTY"])
def test_any_order_of_axes_is_answered_in_the_same_order(bright_model, axes):
    places = {"Y": 0, "X": 1, "T": 2}
    image = squares()[:30, :, None].repeat(2, 2)
    turned = image[..., 0].T if axes == "XY" else image.transpose([places[axis] for axis in axes])
    labels = segment(turned, bright_model, axes=axes, settings=settings())
    np.testing.assert_array_equal(labels > 0, turned > 500)


def test_a_volume_model_finds_objects_across_planes():
    image = np.zeros((6, 20, 20), np.uint8)
    image[1:5, 4:12, 4:12] = 255
    labels = segment(image, make_bright_model(axes="ZYX"), axes="ZYX", settings=settings())
    np.testing.assert_array_equal(labels, (image > 0).astype(int))


def test_several_channels_ask_which_one(bright_model):
    image = np.stack([np.full((40, 40), 100, np.uint16), squares()])
    with pytest.raises(UnetError, match="2 channels, the model takes one: say which channel, 0 to 1"):
        segment(image, bright_model, axes="CYX", settings=settings())
    assert segment(image, bright_model, axes="CYX", settings=settings(channels=(1,))).max() == 2


def test_colour_images_are_segmented_in_grey(bright_model):
    rgb = np.repeat((squares() // 4).astype(np.uint8)[..., None], 3, axis=-1)
    result = finish(segment_steps(rgb, bright_model, axes="YXS", settings=settings()))
    assert (result.axes, result.labels.shape, result.count) == ("YX", (40, 40), 2)


def test_a_model_of_three_channels_takes_colour_and_grey():
    model = make_bright_model(in_channels=3)
    rgb = np.repeat(squares()[..., None], 3, axis=-1)
    assert segment(rgb, model, axes="YXS", settings=settings()).max() == 2
    assert segment(squares(), model, settings=settings()).max() == 2


@pytest.mark.parametrize(
    ("shape", "axes", "sentence"),
    [
        ((4, 5, 6), None, "ambiguous: name its axes"),
        ((4, 5, 6), "YX", "name 2 axes, the image has 3"),
        ((0, 5), "YX", r"the image is empty: its shape is \(0, 5\)"),
    ],
)
def test_unclear_and_empty_images_are_one_sentence(bright_model, shape, axes, sentence):
    with pytest.raises(UnetError, match=sentence):
        segment(np.zeros(shape), bright_model, axes=axes, settings=settings())


def test_a_plane_for_a_volume_model_is_one_sentence():
    with pytest.raises(UnetError, match="the model works on ZYX, the image's axes are YX"):
        segment(squares(), make_bright_model(axes="ZYX"), settings=settings())


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_not_finite_are_remarked_and_do_no_harm(bright_model, odd):
    image = squares().astype(np.float32)
    image[0, :3] = odd
    result = finish(segment_steps(image, bright_model, settings=settings()))
    assert result.count == 2
    assert not result.labels[0].any()
    assert result.remarks == ("3 sampled pixels were NaN or infinite; they were treated as background.",)


def test_an_image_without_a_number_is_refused(bright_model):
    image = np.full((9, 9), np.nan)
    with pytest.raises(UnetError, match="no pixel of the image is a finite number"):
        segment(image, bright_model)
    image[4, 4] = 7
    assert not segment(image, bright_model).any()


def test_numbers_between_pixels_that_were_not_imaged_are_found(bright_model):
    image = squares().astype(np.float32)
    image[np.indices(image.shape).sum(0) % 2 == 0] = np.nan
    for model in (bright_model, load_model("nuclei")):  # whose range is measured on means of neighbours
        segment(image, model)


@pytest.mark.parametrize("value", [0, 7])
def test_a_constant_image_has_no_objects_and_a_remark(bright_model, value):
    result = finish(
        segment_steps(np.full((9, 9), value), bright_model, settings=settings(), keep_probabilities=True)
    )
    assert result.count == 0
    assert not result.probabilities.any()
    assert "same value everywhere" in result.remarks[-1]


@pytest.mark.parametrize(("shape", "place"), [((100, 20, 20), (1,)), ((9000, 700), (5,))])
def test_few_objects_on_an_empty_ground_are_found(bright_model, shape, place):
    image = np.zeros(shape, np.uint8)
    image[place][-9:-3] = 90
    image[place][0] = 1  # dim, and found first
    result = finish(segment_steps(image, bright_model, axes="TYX"[-image.ndim :], settings=settings()))
    np.testing.assert_array_equal(result.labels > 0, image > 45)
    assert result.remarks == ()


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (2, 3)])
def test_the_smallest_images_are_segmented(bright_model, shape):
    image = np.zeros(shape, np.uint8)
    image.ravel()[: image.size // 2] = 200
    labels = segment(image, bright_model, settings=settings())
    np.testing.assert_array_equal(labels > 0, image > 0)


BOOL = bool


@pytest.mark.parametrize("dtype", [BOOL, np.uint8, np.int16, np.uint32, np.float16, np.float64])
def test_images_of_any_type_are_segmented(bright_model, dtype):
    image = (squares() > 500).astype(dtype)
    assert segment(image, bright_model, settings=settings()).max() == 2


@pytest.mark.parametrize("lazy", [lambda image: da.from_array(image, chunks=(1, 16, 25)), zarr.array])
def test_lazy_images_give_the_same_labels(bright_model, lazy):
    image = squares(2)
    expected = segment(image, bright_model, axes="TYX", settings=settings())
    found = segment(lazy(image), bright_model, axes="TYX", settings=settings())
    np.testing.assert_array_equal(found, expected)


def test_the_tile_changes_nothing(bright_model):
    image = np.random.default_rng(0).random((70, 50))
    whole = segment(image, bright_model, settings=settings(tile=500))
    assert whole.max() > 20
    for tile in (1, 8, 33):
        np.testing.assert_array_equal(segment(image, bright_model, settings=settings(tile=tile)), whole)


def test_probabilities_are_kept_where_asked_for(bright_model):
    image = squares(2)
    steps = segment_steps(image, bright_model, axes="TYX", settings=settings(), keep_probabilities=True)
    kept = finish(steps).probabilities
    assert (kept.shape, kept.dtype) == (image.shape, np.uint8)
    np.testing.assert_array_equal(kept > 127, image > 500)
    assert finish(segment_steps(squares(), bright_model, settings=settings())).probabilities is None


def test_thresholds_of_the_user_take_the_place_of_the_models(bright_model):
    assert SegmentationSettings(core_threshold=0.9).thresholds(bright_model.spec.instances) == InstanceSettings(
        core_threshold=0.9, edge_threshold=0.5, min_size=1
    )
    assert segment(squares(), bright_model, settings=settings(min_size=120)).max() == 1
    with pytest.raises(UnetError, match="must not be above"):
        segment(squares(), bright_model, settings=settings(edge_threshold=0.9))


def test_progress_never_runs_backwards_and_ends_full(bright_model):
    seen = []
    segment(squares(3), bright_model, axes="TYX", settings=settings(tile=16), progress=seen.append)
    shares = [step.done / step.total for step in seen if step.total]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert "plane 2 of 3" in " ".join(step.doing for step in seen)


def test_segmenting_can_be_stopped_and_leaves_image_and_model_alone(bright_model):
    image = squares(3)
    before, weights = image.copy(), [p.clone() for p in bright_model.net.parameters()]
    steps = segment_steps(image, bright_model, axes="TYX", settings=settings(tile=16))
    for _ in range(4):
        next(steps)
    steps.close()
    np.testing.assert_array_equal(image, before)
    assert all((a == b).all() for a, b in zip(weights, bright_model.net.parameters(), strict=True))


def test_a_name_in_place_of_a_model_is_one_sentence():
    with pytest.raises(UnetError, match=r"load_model\('nuclei'\)"):
        segment(squares(), "nuclei")


def test_a_colour_image_without_axes_is_told_its_likely_ones(bright_model):
    with pytest.raises(UnetError, match="for example axes='YXS'"):
        segment(np.zeros((20, 30, 3), np.uint8), bright_model)


@pytest.mark.parametrize(
    ("image", "options", "said"),
    [
        ("cells.tif", {}, "got the name 'cells.tif': read the file first"),
        (np.ma.masked_less(np.arange(9.0).reshape(3, 3), 2), {}, "masked pixels"),
        (da.from_array(np.ones((8, 8)))[da.from_array(np.ones(8)) > 0], {}, "unknown shape"),
        (np.ones((8, 8)), {"axes": ["Y", "X"]}, "axes are one letter each"),
    ],
)
def test_what_is_no_image_or_axes_gets_a_sentence(bright_model, image, options, said):
    with pytest.raises(UnetError, match=said):
        segment(image, bright_model, **options)


def test_image_and_model_in_the_wrong_order_get_a_sentence(bright_model):
    with pytest.raises(UnetError, match="got a ndarray for the model"):
        segment(bright_model, squares())
