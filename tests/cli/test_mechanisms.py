"""Every mechanism of the papers has a command: skips, weights, dropout, epochs, VGG16 from a file, shapes."""

import json

import pytest
import torch
from safetensors.torch import save_file

from napari_unet.cli import main
from napari_unet.models.library import load_model
from napari_unet.nets.vgg16 import PUBLIC_LAYERS_NORM, Vgg16UNet
from tests.cli.test_teaching_commands import SMALL, sections, trained  # noqa: F401 - a fixture


@pytest.fixture(scope="module")
def public_weights(tmp_path_factory):
    """Return a file as torchvision's vgg16_bn has it, of a narrow network."""
    torch.manual_seed(0)
    net = Vgg16UNet(3, base_channels=4, levels=4, norm=True)
    layers = [layer for layer in net.down.modules() if isinstance(layer, torch.nn.Conv2d)]
    norms = [layer for layer in net.down.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    state = {}
    for layer, norm, position in zip(layers, norms, PUBLIC_LAYERS_NORM, strict=True):
        for offset, part in ((0, layer), (1, norm)):
            state |= {f"features.{position + offset}.{name}": value for name, value in part.state_dict().items()}
    path = tmp_path_factory.mktemp("public") / "vgg16_bn.safetensors"
    save_file({name: value.contiguous() for name, value in state.items()}, path)
    return path


def test_vgg16_with_batch_norm_takes_public_weights(sections, tmp_path, public_weights, capsys):  # noqa: F811
    vgg = ["--architecture", "vgg16", "--levels", "4", "--encoder", str(public_weights)]
    assert trained(sections, tmp_path / "a.safetensors", *vgg, "--norm") == 0
    assert load_model(tmp_path / "a.safetensors").spec.arguments["norm"] is True
    assert trained(sections, tmp_path / "b.safetensors", *vgg) == 1
    assert "the weights are of a VGG16 with batch norm: give --norm too" in capsys.readouterr().err
    assert trained(sections, tmp_path / "c.safetensors", "--norm") == 1
    assert "--norm is for --architecture vgg16, got padded" in capsys.readouterr().err


def test_skips_weights_dropout_and_epochs(sections, tmp_path):  # noqa: F811
    several = ["--skip", "add", "--weights", "falk", "--dropout", "0.3", "--epochs", "1"]
    command = SMALL[2:]  # without iterations
    given = ["train", str(sections), "--truth", "membranes", "--labels", "membranes"]
    assert main([*given, *command, *several, "--output", str(tmp_path / "a.safetensors")]) == 0
    net = load_model(tmp_path / "a.safetensors").net
    assert (net.skip, net.dropout.p) == ("add", 0.3)


def test_the_shapes_of_the_paper_are_printed(capsys):
    assert main(["info", "nuclei", "--trace", "64"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[-5:] == ["1", "x", "64", "x", "64"]
    assert lines[-1].split()[0] == "output"
    assert main(["info", "nuclei", "--trace", "64", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0] == {"layer": "input", "channels": 1, "sides": [64, 64]}
    assert main(["info", "nuclei", "--trace", "3"]) == 1
    assert "this network takes 16 px per axis at least, got 3" in capsys.readouterr().err
    assert main(["info", "image.tif", "--trace", "64"]) == 1
    assert "--trace takes a model or one of classic, padded, vgg16" in capsys.readouterr().err
