"""Volumes from labels to labels: weights, views, thresholds, learning from dense labels and from a few planes."""

import math
from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from napari_unet import fine_tune, segment
from napari_unet.arrays.annotations import painted
from napari_unet.arrays.boundary_weights import carve, weight_map
from napari_unet.arrays.instances import label_instances
from napari_unet.arrays.neighbours import ridge
from napari_unet.arrays.per_axis import even_sides, in_words, per_axis, relative_spacing
from napari_unet.arrays.source import Source
from napari_unet.cli import main
from napari_unet.errors import UnetError
from napari_unet.exchange import export_bioimageio, import_bioimageio
from napari_unet.finetuning import fine_tune_steps
from napari_unet.models.fresh import fresh_model, plan_arguments
from napari_unet.models.library import load_model
from napari_unet.models.training_image import TrainingImage
from napari_unet.nets.architectures import build_net
from napari_unet.nets.augmentation import draw_warp, warp_labels
from napari_unet.nets.crop import patch_sides, view_sizes
from napari_unet.planning import plan_segmentation
from napari_unet.progress import finish
from napari_unet.segmentation import segment_steps
from napari_unet.settings.augmentation import AugmentationSettings
from napari_unet.settings.finetuning import FineTuningSettings
from napari_unet.settings.instances import InstanceSettings
from napari_unet.settings.prediction import PredictionSettings
from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.settings.training import TrainingSettings
from napari_unet.settings.weights import WeightSettings
from napari_unet.teaching.sampling import loss_weights
from napari_unet.teaching.training_regions import painted_planes, prepare_regions
from napari_unet.training import Training
from napari_unet.widgets.teach.work import annotation_of
from napari_unet.widgets.viewer.layers import LayerImage
from napari_unet.widgets.viewer.paint import CORRECTIONS, Paint

SPACING = (2.5, 1.0, 1.0)


def balls(shape=(12, 32, 32), centres=((3, 9, 9), (8, 9, 9), (6, 22, 20)), radius=6.0, spacing=SPACING):
    """Balls, the first two of which touch along z; each voxel belongs to the nearest."""
    grid = np.indices(shape)
    distances = np.stack(
        [
            np.sqrt(sum(((g - c) * s) ** 2 for g, c, s in zip(grid, centre, spacing, strict=True)))
            for centre in centres
        ]
    )
    return np.where(distances.min(0) < radius, distances.argmin(0) + 1, 0).astype(np.int32)


def imaged(labels, seed=0):
    noise = np.random.default_rng(seed).normal(0, 20, labels.shape)
    return (200 + 800 * (labels > 0) + noise).astype(np.uint16)


@pytest.fixture(scope="module")
def tiny():
    """A fresh network for volumes with the smallest weights."""
    model = fresh_model(axes="ZYX", spacing=SPACING)
    arguments = {**model.spec.arguments, "base_channels": 2, "levels": 2}
    spec = replace(model.spec, arguments={**arguments, **plan_arguments("ZYX", SPACING, levels=2)})
    torch.manual_seed(0)
    return replace(model, net=build_net("padded", spec.arguments).eval(), spec=spec)


# Numbers per axis


def test_one_number_stands_for_all_axes_and_another_count_is_refused():
    assert per_axis(8, 3, "tile") == (8, 8, 8)
    assert per_axis([4, 8], 2, "tile") == (4, 8)
    with pytest.raises(UnetError, match=r"patch must be one number, or one for each of 3 axes, got \(4, 8\)"):
        per_axis((4, 8), 3, "patch")
    assert (in_words((16, 16)), in_words((4, 16, 16))) == ("16", "4 x 16 x 16")


@given(spacing=st.tuples(*[st.floats(0.05, 20)] * 3), unit=st.floats(0.01, 100))
def test_the_unit_of_a_spacing_does_not_matter_and_the_finest_axis_counts_1(spacing, unit):
    relative = relative_spacing(spacing, 3)
    assert min(relative) == 1
    np.testing.assert_allclose(relative, relative_spacing([unit * step for step in spacing], 3))
    lengths = np.multiply(even_sides(100, relative), relative)
    np.testing.assert_allclose(lengths, lengths[0])


@pytest.mark.parametrize("spacing", [(1, 1), (0, 1, 1), (1, -1, 1), (1, 1, math.inf), (math.nan, 1, 1)])
def test_no_spacing_is_refused_in_a_sentence(spacing):
    with pytest.raises(UnetError, match="spacing must be 3 numbers above 0, one per axis"):
        fresh_model(axes="ZYX", spacing=spacing)


def test_the_usual_patch_of_planes_is_a_square_and_of_volumes_a_box_as_long_along_all_axes():
    flat, deep = fresh_model().net, fresh_model(axes="ZYX", spacing=SPACING).net
    assert patch_sides(flat, None, 256, ()) == (256, 256)
    assert patch_sides(flat, None, 128, ()) == (128, 128)
    patch = patch_sides(deep, None, 256, SPACING)
    assert all(side % step == 0 for side, step in zip(patch, deep.geometry.stride, strict=True))
    assert patch == (28, 72, 72)
    assert patch_sides(deep, 16, 256, SPACING) == (16, 16, 16)
    view, inside, outside = view_sizes(deep, patch, 2.0, SPACING)
    assert inside == outside == patch
    assert view == (28 + 2 * 2, 72 + 2 * 6, 72 + 2 * 6)


# What is stored


def test_kernels_poolings_and_spacing_come_back_from_the_model_file_as_tuples(tiny, tmp_path):
    again = load_model(tiny.save(tmp_path / "tiny.safetensors").path).spec
    assert again.arguments == tiny.spec.arguments
    assert again.arguments["pooling"] == ((1, 2, 2), (2, 2, 2))
    assert again.spacing == SPACING
    assert "spacing" not in fresh_model().spec.to_json()  # older versions read what needs none


def test_the_smallest_volume_is_a_ball_as_wide_as_the_smallest_disc():
    disc = 2 * math.sqrt(InstanceSettings().min_size / math.pi)
    even = fresh_model(axes="ZYX").spec.instances.min_size
    assert (6 * even / math.pi) ** (1 / 3) == pytest.approx(disc, rel=0.02)
    assert fresh_model(axes="ZYX", spacing=SPACING).spec.instances.min_size == pytest.approx(even / 2.5, abs=1)
    assert fresh_model().spec.instances == InstanceSettings()


# Ridge, weights, instances


def test_weights_in_a_volume_larger_than_their_reach_equal_one_distance_transform_a_ball():
    labels = balls((20, 40, 40), ((4, 9, 9), (9, 9, 9), (15, 30, 30)))
    cells = [ndimage.distance_transform_edt(labels != n, sampling=SPACING) for n in (1, 2, 3)]
    first, second = np.sort(np.stack(cells), axis=0)[:2]
    found = weight_map(labels, WeightSettings(sigma=1.2), spacing=SPACING)
    np.testing.assert_allclose(found, 1 + 10 * np.exp(-((first + second) ** 2) / (2 * 1.2**2)), atol=1e-5, rtol=0)
    assert found.min() == 1


def test_balls_that_touch_along_z_come_back_from_their_carved_map():
    labels = balls()
    touching = ridge(labels)
    assert {5, 6} >= set(np.nonzero(touching)[0]) != set()  # between the first two alone
    found = finish(label_instances((carve(labels) > 0).astype(np.uint8) * 255, InstanceSettings()))
    assert found.max() == 3
    np.testing.assert_array_equal((found > 0)[labels > 0], True)
    assert ndimage.median(found, labels, [1, 2, 3]).tolist() == [found[3, 9, 9], found[8, 9, 9], found[6, 22, 20]]


# Views


@given(seed=st.integers(0, 10**6))
def test_planes_stay_planes_in_a_view(seed):
    """Rotation about z, in-plane displacements, flips and shifts along z never mix two planes within one."""
    numbered = torch.arange(9)[:, None, None].expand(9, 24, 24) + 1
    rng = np.random.default_rng(seed)
    view = warp_labels(numbered, draw_warp(rng, (4, 12, 12), AugmentationSettings(), SPACING), (5, 10, 10))
    assert (view == view[:, :1, :1]).all()


def test_what_is_scaled_grows_as_much_along_all_axes():
    labels = torch.from_numpy(balls((24, 60, 60), ((12, 30, 30),), radius=10))
    doubled = AugmentationSettings.none().replace(scale=(2, 2), rotate=True)
    view = warp_labels(labels, draw_warp(np.random.default_rng(1), (12, 30, 30), doubled, SPACING), (24, 60, 60))
    sides = [length.stop - length.start for length in ndimage.find_objects(view)[0]]
    assert np.abs(np.multiply(sides, SPACING) - 40).max() <= 3 * SPACING[0]  # planes are coarse


# Segmenting


def test_a_time_series_is_segmented_volume_by_volume_in_any_order_of_axes(tiny):
    one, other = imaged(balls()), imaged(balls(centres=((6, 15, 15),)))
    series = np.stack([one, other])
    found = finish(segment_steps(series, tiny, axes="TZYX"))
    assert found.labels.shape == series.shape
    turned = segment(series.transpose(2, 0, 3, 1), tiny, axes="YTXZ")
    np.testing.assert_array_equal(turned.transpose(1, 3, 0, 2), found.labels)
    assert "in 2 volumes" in found.found


def test_a_region_of_a_volume_grows_to_the_grid_of_each_axis(tiny):
    plan = finish(plan_segmentation(Source.of(imaged(balls()), "ZYX"), tiny, region={"Z": (3, 5), "Y": (9, 10)}))
    assert plan.part == {"Z": (2, 6), "Y": (8, 12), "X": (0, 32)}


def test_a_stack_that_is_no_volume_is_refused_in_a_sentence(tiny):
    with pytest.raises(UnetError, match="the model works on ZYX, the image's axes are YX"):
        segment(np.zeros((8, 8)), tiny)


# Learning


def test_dense_labels_are_learnt_in_boxes(tiny):
    labels = balls()
    image = TrainingImage(name="balls", image=imaged(labels)[None] / np.float32(1000), labels=labels)
    settings = TrainingSettings(iterations=3, batch=1, patch=(8, 16, 16), validate_every=3, device="cpu")
    training = Training(tiny.spec, [image], [image], settings, net=tiny.net)
    model = finish(training.steps())
    assert model.spec.axes == "ZYX"
    assert training.history[-1]["iteration"] == 3
    with pytest.raises(UnetError, match="patch must be at least 2 x 4 x 4 px for 2 levels, got 1 x 16 x 16"):
        Training(tiny.spec, [image], [], settings.replace(patch=(1, 16, 16)), net=tiny.net)


@pytest.fixture(scope="module")
def few_planes():
    """A volume with strokes in two of its planes."""
    labels = balls()
    layer = np.zeros(labels.shape, np.int32)
    for z in (3, 6):
        layer[z, 4:28, 4:28] = np.where(labels[z] > 0, labels[z] + 1, 1)[4:28, 4:28]
    return imaged(labels), layer


def test_planes_that_nobody_painted_teach_nothing(tiny, few_planes):
    image, layer = few_planes
    settings = FineTuningSettings.from_nothing(device="cpu", held_out=0.0)
    planes = finish(painted_planes(tiny.spec, [(image, painted(layer))], axes="ZYX", channels=None))
    regions = finish(prepare_regions(tiny, planes, settings))
    assert len(regions) == 1, "one volume, not a plane each"
    [weights] = loss_weights(regions, tiny.spec, settings.weights)
    taught = np.zeros(image.shape, bool)
    taught[planes[0].place] = weights > 0
    assert set(np.nonzero(taught)[0]) == {3, 6}
    assert (taught <= (layer > 0)).all()


@pytest.mark.parametrize("axes", ["ZYX", "YX"])
def test_planes_of_a_result_that_nobody_corrected_teach_nothing(axes):
    labels = balls()
    values = labels.copy()
    values[4, 9, 5:13] = 0  # the first ball is cut in one of the planes that it reaches through
    image = LayerImage(array=imaged(labels), axes="ZYX", named=True)
    paint = Paint(name="copy", of="1", image=image, meaning=CORRECTIONS, values=values, prediction=labels)
    said = annotation_of(paint, fresh_model(axes=axes).spec)
    assert set(np.nonzero(said.annotated)[0]) == {4}
    assert said.annotated[4][labels[4] == 1].all()
    ids = np.unique(said.labels[4][said.labels[4] > 0])
    assert set(said.complete[ids]) == {axes == "YX"}, "its border in other planes is unknown"


def test_a_new_network_learns_from_strokes_in_a_few_planes(tiny, few_planes):
    image, layer = few_planes
    settings = FineTuningSettings.from_nothing(
        seconds=None, iterations=3, batch=1, patch=(8, 16, 16), score_every=3, device="cpu"
    )
    result = finish(fine_tune_steps(tiny, [(image, layer)], axes="ZYX", settings=settings))
    assert result.iterations == 3
    assert result.model.spec.axes == "ZYX"
    assert fine_tune(tiny, [(image, layer)], axes="ZYX", settings=settings).spec.spacing == SPACING


# Files and commands


@pytest.fixture
def folder(tmp_path):
    labels = balls((8, 24, 24), ((3, 8, 8), (5, 16, 16)))
    for part, array in (("images", imaged(labels)), ("labels", labels.astype(np.uint16))):
        (tmp_path / part).mkdir()
        for name in ("a", "b"):
            about = {"axes": "ZYX", "spacing": 2.5, "unit": "um"}
            path = tmp_path / part / f"{name}.tif"
            tifffile.imwrite(path, array, imagej=True, metadata=about, resolution=(1.0, 1.0))
    return tmp_path


def test_volumes_of_a_folder_are_trained_on_and_segmented(folder, capsys):
    target = folder / "volumes.safetensors"
    quick = ["--base-channels", "2", "--levels", "1", "--batch", "1", "--patch", "4,8,8", "--iterations", "1"]
    assert main(["train", str(folder), "--dims", "3", *quick, "--output", str(target)]) == 0
    spec = load_model(target).spec
    assert (spec.axes, spec.spacing, spec.arguments["dims"]) == ("ZYX", SPACING, 3)
    assert spec.arguments["kernels"] == ((1, 3, 3), (3, 3, 3))
    masks = folder / "masks.tif"
    assert main(["segment", str(folder / "images" / "a.tif"), "--model", str(target), "--output", str(masks)]) == 0
    assert tifffile.imread(masks).shape == (8, 24, 24)


def test_what_is_not_for_volumes_or_for_a_given_model_is_refused_in_a_sentence(folder, capsys):
    image, labels = (str(folder / part / "a.tif") for part in ("images", "labels"))
    output = ["--output", str(folder / "m.safetensors")]
    assert main(["fine-tune", image, labels, "--dims", "3", *output]) == 1
    assert "--dims and --spacing are for --model new" in capsys.readouterr().err
    assert main(["train", str(folder), "--dims", "3", "--spacing", "2,1", *output]) == 1
    assert "spacing must be 3 numbers above 0" in capsys.readouterr().err
    assert main(["train", str(folder), "--dims", "3", "--spacing", "a,b", *output]) == 1
    assert "such as 2.5,1,1" in capsys.readouterr().err


@pytest.mark.slow
def test_a_network_of_volumes_travels_as_a_package(tiny, tmp_path):
    from bioimageio.core import test_model as examine

    path = export_bioimageio(tiny, tmp_path / "package.zip")
    summary = examine(path)
    assert summary.status == "passed", summary.format()
    again = import_bioimageio(path)
    assert again.spec.arguments == tiny.spec.arguments
    image = imaged(balls())
    np.testing.assert_array_equal(segment(image, again, axes="ZYX"), segment(image, tiny, axes="ZYX"))


def test_a_tile_of_each_axis_can_be_chosen(tiny):
    image = imaged(balls())
    whole = segment(image, tiny, axes="ZYX")
    chosen = SegmentationSettings(prediction=PredictionSettings(device="cpu", tile=(4, 8, 16)))
    np.testing.assert_array_equal(segment(image, tiny, axes="ZYX", settings=chosen), whole)
