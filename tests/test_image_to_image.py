"""Networks with a tanh head give images: in intensities, tiled as whole, and never read as labels."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch

from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.arrays.source import Source
from napari_unet.cli import main
from napari_unet.errors import UnetError
from napari_unet.files.image_list import input_files
from napari_unet.files.image_tiff import write_image
from napari_unet.files.images import read_image
from napari_unet.finetuning import fine_tune
from napari_unet.image_training import ImageTraining
from napari_unet.models.image_pairs import ImagePair, image_pairs_of
from napari_unet.models.library import load_model
from napari_unet.models.prediction_to_image import LINEAR
from napari_unet.models.prediction_to_labels import kept_maps
from napari_unet.models.spec import ModelSpec
from napari_unet.models.validation import score_images
from napari_unet.progress import finish
from napari_unet.segmentation import segment, segment_steps
from napari_unet.settings.optimization import OptimizationSettings
from napari_unet.settings.prediction import PredictionSettings
from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.settings.training import TrainingSettings
from tests.conftest import make_image_model

SMALL = ["--iterations", "3", "--patch", "32", "--base-channels", "2", "--levels", "1", "--batch", "1"]


def noisy(shape=(48, 40), seed=0):
    rng = np.random.default_rng(seed)
    truth = np.zeros(shape, np.float32)
    truth[..., 10:30, 8:28] = 1000
    return (truth + rng.normal(0, 200, shape)).astype(np.float32), truth


@pytest.fixture
def pairs(tmp_path):
    """Return a folder of noisy images and clean ones under `labels`, calibrated."""
    for number in range(3):
        for folder, image in zip(("images", "labels"), noisy(seed=number), strict=True):
            (tmp_path / folder).mkdir(exist_ok=True)
            size = PixelSize({"Y": 0.5, "X": 0.25})
            write_image(tmp_path / folder / f"{number}.tif", image, axes="YX", pixel_size=size, provenance=None)
    return tmp_path


@pytest.mark.parametrize("axes", ["YX", "ZYX", "YXZ"])
def test_an_image_made_in_tiles_is_that_made_at_once(axes):
    model = make_image_model(base_channels=8)
    shape = {"Y": 70, "X": 55, "Z": 2}
    image = np.random.default_rng(1).normal(100, 20, [shape[axis] for axis in axes])
    tiled, whole = (
        segment(image, model, axes=axes, settings=SegmentationSettings(prediction=PredictionSettings(tile=tile)))
        for tile in (16, 512)
    )
    assert (tiled.shape, tiled.dtype) == (image.shape, np.float32)
    assert np.ptp(whole) > 1
    np.testing.assert_allclose(tiled, whole, atol=1e-5 * np.ptp(image), rtol=0)


@pytest.mark.parametrize(("output_range", "middle"), [(None, 150.0), ((-1.0, 3.0), 1.0)])
def test_an_output_of_0_is_the_middle_of_the_input_or_of_the_truth(output_range, middle):
    model = make_image_model()
    with torch.no_grad():
        model.net.head[0].weight.zero_()
        model.net.head[0].bias.zero_()
    image = np.linspace(100, 200, 64 * 64).reshape(64, 64)
    made = segment(image, replace(model, spec=replace(model.spec, output_range=output_range)))
    np.testing.assert_allclose(made, middle, atol=1e-3)


def test_what_gives_images_is_never_read_as_labels():
    model = make_image_model()
    assert (model.spec.is_semantic, model.spec.has_border, model.spec.gives_image) == (False, False, True)
    with pytest.raises(UnetError, match="gives images and no labels"):
        kept_maps(model.spec)
    with pytest.raises(UnetError, match="gives images, which strokes cannot teach"):
        fine_tune(model, [(noisy()[0], np.ones((48, 40), int))])
    with pytest.raises(UnetError, match=r"gives images of the size of its input, got zoom 0\.5"):
        segment(noisy()[0], model, zoom=0.5)
    with pytest.raises(UnetError, match="gives an image, which has no objects to join"):
        finish(segment_steps(noisy((2, 48, 40))[0], model, axes="ZYX", settings=SegmentationSettings(join="Z")))


def test_a_tanh_head_that_a_file_calls_classes_gives_an_image():
    former = make_image_model(out_channels=2)
    spec = replace(former.spec, classes=("background", "foreground"), levels=(0.0, 1.0), maps_to="").checked()
    result = finish(segment_steps(noisy()[0], replace(former, spec=spec)))
    assert (result.labels.shape, result.axes, result.labels.dtype) == ((2, 48, 40), "CYX", np.float32)


@pytest.mark.parametrize("field", [{"maps_to": "denoised"}, {"output_range": (0.0, 1.0)}])
def test_other_networks_map_to_nothing(field):
    with pytest.raises(UnetError, match="only a network with a tanh head maps to"):
        ModelSpec(name="a", architecture="padded", arguments={}, **field)


def test_truth_in_other_units_keeps_its_own_range():
    image, truth = noisy()
    spec = make_image_model().spec
    same, [[plane]] = image_pairs_of([ImagePair(name="a", image=Source.of(image), truth=Source.of(truth))], spec)
    assert same.output_range is None
    assert abs(float(plane.target.max()) - 1) < 0.5
    other = Source.of(truth / 1000 + 7)
    own, [[plane]] = image_pairs_of([ImagePair(name="a", image=Source.of(image), truth=other)], spec)
    assert own.output_range == (7, 8)
    assert (float(plane.target.min()), float(plane.target.max())) == (0, 1)


def test_pairs_that_do_not_match_are_refused():
    pair = ImagePair(name="a", image=Source.of(noisy()[0]), truth=Source.of(np.zeros((5, 6))))
    with pytest.raises(UnetError, match=r"the image is YX \(48, 40\) and its truth YX \(5, 6\): they must match"):
        image_pairs_of([pair], make_image_model().spec)


@pytest.mark.parametrize("loss", ["l1", "l2"])
def test_one_command_learns_and_one_applies_it(pairs, capsys, loss):
    model = pairs / "clean.safetensors"
    command = ["train", str(pairs), "--truth", "images", "--maps-to", "denoised", "--loss", loss, *SMALL]
    assert main([*command, "--output", str(model)]) == 0
    assert "PSNR in dB" in capsys.readouterr().out
    spec = load_model(model).spec
    assert (spec.gives_image, spec.maps_to, spec.normalization) == (True, "denoised", LINEAR)
    assert main(["segment", str(pairs / "images"), "--model", str(model), "--output", str(pairs / "out")]) == 0
    made = read_image(pairs / "out" / "0_image.tif")
    assert (made.array.dtype, made.array.shape, made.pixel_size) == (np.float32, (48, 40), (0.5, 0.25))
    assert made.metadata["provenance"]["values"] == "image"
    assert len(input_files([str(pairs / "out")])[0]) == 3, "images are no masks of a former run"
    assert main([*command[:2], *SMALL[:2], "--start", str(model), "--output", str(pairs / "b.safetensors")]) == 1
    assert "gives images: give --truth images" in capsys.readouterr().err


def test_learning_brings_what_is_made_nearer_to_the_truth():
    start = make_image_model(base_channels=8)
    given = [
        ImagePair(name=str(seed), image=Source.of(image), truth=Source.of(truth))
        for seed in range(3)
        for image, truth in [noisy(seed=seed)]
    ]
    spec, loaded = image_pairs_of(given, start.spec)
    planes = [plane for of_pair in loaded for plane in of_pair]
    quick = OptimizationSettings(learning_rate=5e-3, warmup=1, falling=False, average=False)
    settings = TrainingSettings(iterations=60, batch=2, patch=32, loss="l2", device="cpu", optimization=quick)
    [before] = finish(score_images(start, planes[2:], "cpu"))
    trained = finish(ImageTraining(spec, planes[:2], [], settings, net=start.net).steps())
    [after] = finish(score_images(trained, planes[2:], "cpu"))
    assert after > before + 2


@pytest.mark.parametrize(("name", "kind"), [("a.tif", "is_imagej"), ("a.ome.tif", "is_ome")])
def test_images_are_written_as_floats_with_axes_and_pixel_size(tmp_path, name, kind):
    image = np.random.default_rng(0).normal(0, 1, (3, 8, 9)).astype(np.float32)
    size = PixelSize({"Z": 2.0, "Y": 0.5, "X": 0.25})
    write_image(tmp_path / name, image, axes="ZYX", pixel_size=size, provenance={"values": "image"})
    back = read_image(tmp_path / name)
    assert (back.axes, back.pixel_size) == ("ZYX", (2.0, 0.5, 0.25))
    np.testing.assert_array_equal(back.array, image)
    with tifffile.TiffFile(tmp_path / name) as tiff:
        assert getattr(tiff, kind)
