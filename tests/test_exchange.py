"""BioImage.IO packages: what is written passes their own test, what is read segments the same."""

import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_unet import load_model, segment
from napari_unet.arrays.axes import Plane
from napari_unet.arrays.normalization import Normalization, Percentile
from napari_unet.cli import main
from napari_unet.errors import UnetError
from napari_unet.exchange import export_bioimageio, import_bioimageio
from napari_unet.files.images import read_image
from napari_unet.models.fresh import fresh_model
from napari_unet.models.library import COMMONEST, entries
from napari_unet.models.model import Model
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.bioimageio_net import ExchangedUNet
from napari_unet.nets.prediction import Predictor, Result, predict
from napari_unet.progress import finish
from napari_unet.samples import SAMPLES
from napari_unet.settings.prediction import PredictionSettings
from tests.nets.small import noise, small_net


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(entry.name, marks=[] if entry.name == COMMONEST else pytest.mark.slow)
        for entry in entries()
        if entry.shipped
    ],
)
def test_every_shipped_model_passes_the_package_test_and_comes_back_the_same(name, tmp_path):
    from bioimageio.core import test_model as examine

    model = load_model(name)
    path = export_bioimageio(model, tmp_path / "package.zip")
    summary = examine(path)
    assert summary.status == "passed", summary.format()
    again = import_bioimageio(path)
    crop = (slice(100, 230), slice(100, 220))
    image = read_image(SAMPLES[0].path).array[crop]
    axes = model.spec.axes
    if axes == "ZYX":
        image = np.stack([image] * 5)
    elif model.spec.in_channels == 3:
        image, axes = np.stack([image] * 3, -1), "YXS"
    np.testing.assert_array_equal(segment(image, again, axes=axes), segment(image, model, axes=axes))


@pytest.mark.parametrize(
    ("kind", "depth", "levels"),
    [
        ("classic", 3, (0.0, 1.0)),
        pytest.param("classic", 2, (), marks=pytest.mark.slow),
        pytest.param("padded", 5, (0.0, 1.0), marks=pytest.mark.slow),
    ],
)
def test_unpadded_and_deep_networks_pass_the_package_test_and_come_back_the_same(tmp_path, kind, depth, levels):
    from bioimageio.core import test_model as examine

    arguments = {"in_channels": 1, "out_channels": 2, "base_channels": 4, "levels": depth}
    spec = ModelSpec(name="own", architecture=kind, arguments=arguments, levels=levels)
    model = Model(net=small_net(kind, **arguments), spec=spec)
    path = export_bioimageio(model, tmp_path / "package.zip")
    summary = examine(path)
    assert summary.status == "passed", summary.format()
    image = read_image(SAMPLES[0].path).array[100:231, 100:190]
    np.testing.assert_array_equal(segment(image, import_bioimageio(path)), segment(image, model))


@pytest.mark.parametrize(("shape", "rotations"), [((40, 40), False), ((33, 7), True), ((1, 90), False)])
def test_an_unpadded_network_answers_for_every_pixel_as_we_do(shape, rotations):
    arguments = {"levels": 2, "base_channels": 4}
    spec = ModelSpec(
        name="classic",
        architecture="classic",
        arguments=arguments,
        normalization=Normalization(steps=(Percentile(),)),
    )
    net = ExchangedUNet(spec.architecture, arguments, spec.normalization.to_dict(), spec.levels, rotations).eval()
    image = noise(*shape).numpy()
    image = (image - image.min()) / (image.max() - image.min())
    plane = Plane(array=image[None], axes="CYX", index={}, spatial="YX", channels=1)
    with torch.inference_mode():
        theirs = net(torch.from_numpy(image)[None, None])[0].numpy()
    predictor = Predictor(net.net, PredictionSettings(device="cpu", tile=16, rotations=rotations))
    ours = finish(predict(predictor, plane, Result(dtype="float32")))
    np.testing.assert_allclose(theirs, ours, atol=1e-5)


def test_classes_travel_too(tmp_path):
    model = fresh_model(classes=("background", "myelin", "axon"))
    again = import_bioimageio(export_bioimageio(model, tmp_path / "package.zip"))
    assert again.spec.classes == model.spec.classes
    assert again.spec.is_semantic


def test_the_commands_write_and_read(tmp_path, capsys):
    package, model = tmp_path / "nuclei.zip", tmp_path / "again.safetensors"
    assert main(["export", "nuclei", "--output", str(package)]) == 0
    assert main(["import", str(package), "--output", str(model)]) == 0
    assert load_model(model).spec.name == "again"


def test_what_is_none_of_ours_gets_a_sentence(tmp_path):
    with pytest.raises(UnetError, match=r"cannot read .*missing.zip"):
        import_bioimageio(tmp_path / "missing.zip")
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(UnetError, match="is not a BioImage"):
        import_bioimageio(tmp_path / "text.zip")
    for number, text in enumerate(("just text", "- a\n- list", "weights: {pytorch_state_dict: 3}\nconfig: 3")):
        odd = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(odd, "w") as package:
            package.writestr("rdf.yaml", text)
        with pytest.raises(UnetError, match="is not a BioImage"):
            import_bioimageio(odd)
    foreign = tmp_path / "foreign.zip"
    with zipfile.ZipFile(foreign, "w") as package:
        package.writestr(
            "rdf.yaml", "weights: {pytorch_state_dict: {source: w.pt, architecture: {callable: UNet2d}}}"
        )
    with pytest.raises(UnetError, match="another program"):
        import_bioimageio(foreign)
    with pytest.raises(UnetError, match=r"must end with \.zip"):
        export_bioimageio(fresh_model(), tmp_path / "model.rdf")


def test_nothing_in_a_package_is_executed(tmp_path):
    good, evil = tmp_path / "good.zip", tmp_path / "evil.zip"
    export_bioimageio(fresh_model(), good)
    pickled = b"cos\nsystem\n(S'touch " + str(tmp_path / "executed").encode() + b"'\ntR."
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(evil, "w") as target:
        for name in source.namelist():
            target.writestr(name, pickled if name.endswith(".pt") else source.read(name))
    with pytest.raises(UnetError):
        import_bioimageio(evil)
    assert not (tmp_path / "executed").exists()


def test_weights_that_are_not_of_the_network_described_are_a_sentence(tmp_path):
    good, odd = tmp_path / "good.zip", tmp_path / "odd.zip"
    export_bioimageio(fresh_model(), good)
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(odd, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, data.replace(b'"base_channels": 16', b'"base_channels": 999999'))
    with pytest.raises(UnetError, match="has shape"):
        import_bioimageio(odd)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("measured", [False, True])
def test_other_programs_see_the_same_intensities_as_we_do(measured, turned):
    model = fresh_model(classes=("background", "nucleus"))
    former = {"foreground": measured, "bright_objects": measured}
    normalization = Normalization.from_dict(former)
    image = read_image(SAMPLES[0].path).array[100:164, 100:196].astype(np.float64)
    image = image.max() - image if turned else image
    ours = torch.from_numpy(normalization.fit([image]).apply(image)[None, None])
    low, high = np.percentile(image, normalization.percentiles)  # their percentile scaling
    theirs = torch.from_numpy((image - low) / (high - low)).float()[None, None]
    net = ExchangedUNet(model.spec.architecture, model.spec.arguments, normalization.to_dict()).eval()
    with torch.inference_mode():
        torch.testing.assert_close(net(theirs), torch.softmax(net.net(ours), 1), atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", ["Modell Größe ä", "tr.2025", "x, y", "a" * 300])
def test_any_name_of_a_model_can_be_packed(tmp_path, name):
    model = fresh_model()
    named = replace(model, spec=replace(model.spec, name=name))
    again = import_bioimageio(export_bioimageio(named, tmp_path / "package.zip"))
    assert again.spec.name == name
