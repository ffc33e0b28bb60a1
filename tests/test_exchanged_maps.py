"""BioImage.IO's own reader runs our packages: named inputs, images from images; it finds what we find."""

from dataclasses import replace

import numpy as np
import pytest

from napari_unet.arrays.channels import Input
from napari_unet.arrays.normalization import Normalization
from napari_unet.arrays.source import Source
from napari_unet.errors import UnetError
from napari_unet.exchange import export_bioimageio, import_bioimageio
from napari_unet.models.model import Model
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.prediction import Predictor, Result, predict
from napari_unet.planning import plan_segmentation
from napari_unet.progress import finish
from napari_unet.segmentation import segment
from napari_unet.settings.prediction import PredictionSettings
from napari_unet.settings.segmentation import SegmentationSettings
from tests.conftest import make_image_model
from tests.nets.small import small_net

NAMED = (Input("cells"), Input("Nuclei (DNA)", optional=True))


def two_input_model(axes):
    arguments = {"in_channels": 2, "out_channels": 3, "base_channels": 4, "levels": 1, "dims": len(axes)}
    spec = ModelSpec(
        name="two",
        architecture="padded",
        arguments=arguments,
        axes=axes,
        inputs=NAMED,
        classes=("background", "object", "border"),
        levels=(0.0, 1.0, 0.5),
        normalization=Normalization(joint=False),
    )
    return Model(net=small_net("padded", **arguments), spec=spec)


def textures(*shape):
    """Return an image (2, *shape) of a bright and a dim channel."""
    rng = np.random.default_rng(0)
    waves = sum(np.sin(grid / 4) for grid in np.indices(shape))
    return np.stack([waves + rng.random(shape) + 3, 500 * rng.random(shape) + 40]).astype(np.float32)


def require_passed(path):
    """Require that the standard's own test of a package passes, which takes seconds."""
    from bioimageio.core import test_model as examine

    summary = examine(path)
    assert summary.status == "passed", summary.format()


def run_by_their_reader(path, image):
    """Return (what BioImage.IO's reader makes of an image (C, *spatial) without its halo, how wide that is)."""
    from bioimageio.core import create_prediction_pipeline, load_model_description
    from bioimageio.core.digest_spec import create_sample_for_model

    description = load_model_description(path)
    sample = create_sample_for_model(description, inputs=image[None])
    with create_prediction_pipeline(description) as pipeline:
        (answer,) = pipeline.predict_sample_without_blocking(sample, skip_input_padding=True).members.values()
    halos = [getattr(axis, "halo", 0) for axis in description.outputs[0].axes[2:]]
    return answer.data.values[0], (slice(None), *(slice(halo, -halo) for halo in halos))


def our_map(model, image, axes):
    """Return the foreground map (1, *spatial) before instances are read from it."""
    (plane,) = finish(plan_segmentation(Source.of(image, axes), model, SegmentationSettings())).planes()
    predictor = Predictor(model.net, PredictionSettings(device="cpu"))
    return finish(predict(predictor, plane, Result(levels=model.spec.levels, dtype="float32")))


@pytest.mark.parametrize(
    ("axes", "shape"), [pytest.param("YX", (208, 224), marks=pytest.mark.slow), ("ZYX", (20, 22, 24))]
)
def test_named_inputs_are_read_elsewhere_as_here_with_and_without_the_optional_one(axes, shape, tmp_path):
    from bioimageio.core import load_model_description

    model, both = two_input_model(axes), textures(*shape)
    path = export_bioimageio(model, tmp_path / "package.zip")
    if axes == "ZYX":
        require_passed(path)
    (raw,) = load_model_description(path).inputs
    assert raw.axes[1].channel_names == ["cells", "nuclei__dna_"]
    assert "Where there is no image of Nuclei (DNA), give 0 everywhere." in raw.description
    alone = np.stack([both[0], np.zeros_like(both[0])])
    for image, ours in ((both, our_map(model, both, "C" + axes)), (alone, our_map(model, both[0], axes))):
        theirs, inner = run_by_their_reader(path, image)
        np.testing.assert_allclose(theirs, ours[inner], atol=1e-4)
    again = import_bioimageio(path)
    assert again.spec.inputs == NAMED
    np.testing.assert_array_equal(our_map(again, both, "C" + axes), our_map(model, both, "C" + axes))


@pytest.mark.parametrize("output_range", [None, (-3.0, 400.0)])
def test_images_come_out_elsewhere_as_here_in_their_units(output_range, tmp_path):
    model = make_image_model()
    model = replace(model, spec=replace(model.spec, output_range=output_range))
    path = export_bioimageio(model, tmp_path / "package.zip")
    if output_range is not None:
        require_passed(path)
    image = 1000 * textures(208, 224)[:1]
    ours = segment(image[0], model)
    theirs, inner = run_by_their_reader(path, image)
    np.testing.assert_allclose(theirs, ours[None][inner], atol=1e-4 * np.ptp(ours))
    again = import_bioimageio(path)
    assert (again.spec.maps_to, again.spec.output_range) == ("denoised", output_range)
    np.testing.assert_array_equal(segment(image[0], again), ours)


def test_an_image_whose_units_nothing_measures_is_a_sentence(tmp_path):
    model = make_image_model()
    odd = replace(model, spec=replace(model.spec, normalization=Normalization(steps=())))
    with pytest.raises(UnetError, match="in the units of its input, but measures no range of it"):
        export_bioimageio(odd, tmp_path / "package.zip")
