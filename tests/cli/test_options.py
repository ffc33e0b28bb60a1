"""Options that the command line derives from settings: each reaches its setting, and changes what comes out."""

from typing import Literal, get_args, get_origin

import numpy as np
import pytest
import tifffile

from napari_unet.cli import build_parser, main
from napari_unet.errors import UnetError
from napari_unet.files.images import read_labels
from napari_unet.models.library import load_model
from napari_unet.settings.finetuning import FineTuningSettings
from napari_unet.settings.folder_training import FolderSettings
from napari_unet.settings.network import NetworkSettings
from napari_unet.settings.offered import chosen, is_group, offered
from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.settings.training import TrainingSettings
from tests.cli.test_teaching_commands import SMALL, sections, trained  # noqa: F401 - a fixture

NEEDED = {
    "segment": ["image.tif", "--output", "mask.tif"],
    "fine-tune": ["image.tif", "paint.tif", "--output", "a.safetensors"],
    "train": ["folder", "--output", "a.safetensors"],
}
GROUPS = [
    ("segment", SegmentationSettings),
    ("fine-tune", FineTuningSettings),
    ("train", FolderSettings),
    ("train", TrainingSettings),
    ("train", NetworkSettings),
    ("fine-tune", NetworkSettings),
]
OPTIONS = [(command, group, option) for command, group in GROUPS for option in offered(group, command)]


def given_by(command, group, *arguments):
    given = build_parser(command).parse_args([command, *NEEDED[command], *arguments])
    return chosen(group(), command, vars(given))


def found(settings, name):
    """Return a setting by its name, within a group too."""
    if hasattr(settings, name):
        return getattr(settings, name)
    groups = (value for _, value in settings if hasattr(type(value), "model_fields"))
    return next(getattr(group, name) for group in groups if hasattr(group, name))


def example(option):
    """Return an argument that is not the default, and the value that it stands for."""
    if option.switch is not None:
        return [option.argument], option.switch[0]
    if get_origin(option.kind) is tuple:
        if option.name in ("channel", "channels"):
            return [option.argument, "1,5"], (1, 5)
        pairs = get_origin(get_args(option.kind)[0]) is tuple
        return [option.argument, "1,5"], ((1.0, 5.0),) if pairs else (1.0, 5.0)
    values = get_args(option.kind) if get_origin(option.kind) is Literal else option.choices.values()
    values = [value for value in values if value not in ("", option.default)]
    if is_group(option):
        name, value = next((text, value) for text, value in option.choices.items() if value == values[0])
        return [option.argument, name], value
    high = 0.9 if option.kind is float and (option.below or option.maximum) else 3
    value = values[0] if values else option.kind(high)
    return [option.argument, str(value)], value


@pytest.mark.parametrize(("command", "group"), GROUPS)
def test_without_options_the_settings_are_the_usual_ones(command, group):
    assert given_by(command, group) == group()


@pytest.mark.parametrize(("command", "group", "option"), OPTIONS)
def test_every_option_reaches_its_setting_and_no_other(command, group, option):
    arguments, value = example(option)
    settings = given_by(command, group, *arguments)
    assert found(settings, option.name) == value != option.default
    same = [other.name for other in offered(group, command) if other.name != option.name]
    assert [found(settings, name) for name in same] == [found(group(), name) for name in same]


@pytest.mark.parametrize(
    ("command", "group", "name"), [("segment", SegmentationSettings, "tile"), ("train", TrainingSettings, "patch")]
)
def test_a_side_may_be_given_for_each_axis(command, group, name):
    assert found(given_by(command, group, f"--{name}", "16,64,48"), name) == (16, 64, 48)
    assert found(given_by(command, group, f"--{name}", "64"), name) == 64
    with pytest.raises(UnetError, match=f"{name} must be .* or one for each axis, got \\(16, 0\\)"):
        given_by(command, group, f"--{name}", "16,0")


def test_what_is_not_among_the_choices_is_wrong_usage(capsys):
    for arguments in (["--skip", "mean"], ["--weights", "heavy"], ["--levels", "two"]):
        with pytest.raises(SystemExit, match="2"):
            given_by("train", NetworkSettings, *arguments)
    assert "'heavy' is none of paper, falk, none" in capsys.readouterr().err


def segmented(model, tmp_path, *arguments):
    """Segment two squares, one of foreground probability 1 and one of 0.69 with a rim of 0.4; return the mask."""
    pixels = np.zeros((50, 60), np.uint16)
    pixels[3:9, 3:9] = 1000
    pixels[18:42, 18:42] = 490
    pixels[20:40, 20:40] = 520
    tifffile.imwrite(tmp_path / "cells.tif", pixels)
    path = model.save(tmp_path / "bright.safetensors").path
    mask = tmp_path / "mask.tif"
    command = ["segment", tmp_path / "cells.tif", "--axes", "YX", "--model", path, "--output", mask, *arguments]
    assert main([str(argument) for argument in command]) == 0
    return read_labels(mask)


def test_core_and_edge_probability_decide_what_is_an_object_and_how_far_it_reaches(bright_model, tmp_path):
    usual = segmented(bright_model, tmp_path)
    assert np.bincount(usual.array.ravel())[1:].tolist() == [36]
    lower = segmented(bright_model, tmp_path, "--core", 0.6)
    assert np.bincount(lower.array.ravel())[1:].tolist() == [36, 400]
    wider = segmented(bright_model, tmp_path, "--core", 0.6, "--edge", 0.3)
    assert np.bincount(wider.array.ravel())[1:].tolist() == [36, 576]
    made = wider.metadata["provenance"]["settings"]
    assert (made["core_threshold"], made["edge_threshold"]) == (0.6, 0.3)


def test_an_intensity_range_by_hand_decides_what_is_bright_and_is_in_the_provenance(
    bright_model, tmp_path, capsys
):
    assert segmented(bright_model, tmp_path).array.max() == 1
    brighter = segmented(bright_model, tmp_path, "--range", "0,700")
    assert brighter.array.max() == 2
    made = brighter.metadata["provenance"]
    assert made["settings"]["range"] == [[0, 700]]
    assert made["intensity"]["channels"][0][0] == {"step": "range", "low": 0, "high": 700}
    by_percentiles = segmented(bright_model, tmp_path, "--percentiles", "0,98")
    assert by_percentiles.array.max() == 2
    assert by_percentiles.metadata["provenance"]["settings"]["percentiles"] == [[0, 98]]
    command = ["segment", "a.tif", "--output", "b.tif", "--range", "700,0"]
    assert main(command) == 1
    assert "must be two rising numbers such as 100,4000" in capsys.readouterr().err


def test_thresholds_that_do_not_fit_are_one_sentence(bright_model, tmp_path, capsys):
    command = ["segment", "a.tif", "--output", "b.tif", "--core"]
    assert main([*command, "2"]) == 1
    assert (
        "core_threshold (core probability) must be a number above 0 and below 1, got 2.0"
        in capsys.readouterr().err
    )


def test_skip_and_dropout_make_the_network(sections, tmp_path):  # noqa: F811
    assert trained(sections, tmp_path / "a.safetensors", "--skip", "add", "--dropout", 0.3) == 0
    model = load_model(tmp_path / "a.safetensors")
    assert (model.net.skip, model.net.dropout.p) == ("add", 0.3)


def test_weights_change_what_is_learnt(sections, tmp_path):  # noqa: F811
    losses = {}
    for weights in ("paper", "falk", "none"):
        target = tmp_path / f"{weights}.safetensors"
        assert trained(sections, target, "--weights", weights) == 0
        losses[weights] = load_model(target).spec.training["loss"]
    assert trained(sections, tmp_path / "usual.safetensors") == 0
    assert load_model(tmp_path / "usual.safetensors").spec.training["loss"] == losses["paper"]
    assert len(set(losses.values())) == 3


def test_epochs_say_how_long_to_train(sections, tmp_path, capsys):  # noqa: F811
    target = tmp_path / "a.safetensors"
    command = ["train", sections, "--labels", "membranes", "--truth", "membranes", *SMALL[2:], "--output", target]
    command = [str(argument) for argument in (*command, "--validate", "s3", "--epochs", 2)]
    assert main(command) == 0  # 3 images of 64 px, 4 patches of 32 px each, batch 1
    assert load_model(target).spec.training["iterations"] == 2 * 3 * 4
    assert main([*command, "--iterations", "3"]) == 1
    assert "--epochs and --iterations both say how long to train" in capsys.readouterr().err
    assert main([*command[:-1], "0"]) == 1
    assert "epochs must be a whole number of at least 1, got 0" in capsys.readouterr().err


def test_the_smallest_object_can_be_given(bright_model, tmp_path):
    usual = segmented(bright_model, tmp_path)
    assert usual.metadata["provenance"]["settings"]["min_size"] == 1
    larger = segmented(bright_model, tmp_path, "--core", 0.6, "--smallest", 100)
    assert np.bincount(larger.array.ravel())[1:].tolist() == [400]
    assert larger.metadata["provenance"]["settings"]["min_size"] == 100
