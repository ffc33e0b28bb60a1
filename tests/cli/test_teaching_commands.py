"""Training and teaching beyond objects: membranes, classes, new networks, reports."""

from argparse import Namespace

import numpy as np
import pytest
import tifffile
from skimage.io import imread, imsave

from napari_unet.cli import main
from napari_unet.cli.fine_tune import read_pairs
from napari_unet.folder_training.folder import read_truths
from napari_unet.folder_training.request import TrainingRequest
from napari_unet.models.library import load_model
from napari_unet.progress import finish
from napari_unet.settings.folder_training import FolderSettings
from napari_unet.training import Training
from tests.teaching.small import small_fresh_model

SMALL = ["--iterations", "4", "--patch", "32", "--base-channels", "4", "--levels", "2", "--batch", "1"]


def write(path, array):
    path.parent.mkdir(exist_ok=True)
    imsave(path, array, check_contrast=False)


@pytest.fixture
def sections(tmp_path):
    """Return a folder of images whose squares are parted by dark lines, with membranes and classes as truth."""
    rng = np.random.default_rng(0)
    for number in range(4):
        lines = np.zeros((64, 64), bool)
        lines[::16], lines[:, ::16] = True, True
        folder = tmp_path / "data"
        folder.mkdir(exist_ok=True)
        image = np.where(lines, 60, 180) + rng.normal(0, 10, lines.shape)
        write(folder / "images" / f"s{number}.png", image.clip(0, 255).astype(np.uint8))
        write(folder / "membranes" / f"s{number}.png", lines.astype(np.uint8) * 255)
        classes = np.zeros((64, 64), np.uint8)
        classes[:, 20:40], classes[:, 40:] = 127, 255
        write(folder / "classes" / f"s{number}.png", classes)
    return tmp_path / "data"


def test_membranes_are_learnt_with_a_report(sections, tmp_path, capsys):
    target, report = tmp_path / "membranes.safetensors", tmp_path / "report"
    arguments = ["train", sections, "--labels", "membranes", "--truth", "membranes", "--preset", "em", *SMALL]
    arguments += ["--validate", "s3", "--report", report, "--output", target]
    assert main([str(argument) for argument in arguments]) == 0
    said = capsys.readouterr().out
    assert "V_Rand of 1 held-out images, borders thinned" in said
    assert (report / "loss_curve.png").stat().st_size > 5000
    assert (report / "montage.png").stat().st_size > 5000
    spec = load_model(target).spec
    assert spec.classes == ("membrane", "object")
    assert spec.training["images"] == 3


def test_classes_are_learnt_from_pictures_of_them(sections, tmp_path, capsys):
    target = tmp_path / "classes.safetensors"
    arguments = ["train", sections, "--labels", "classes", "--truth", "classes", *SMALL, "--output", target]
    assert main([str(argument) for argument in arguments]) == 0
    assert "mean IoU" in capsys.readouterr().out
    assert load_model(target).spec.classes == ("background", "value 127", "value 255")
    assert load_model(target).spec.class_marks == ("0", "127", "255")
    mask = tmp_path / "mask.tif"
    assert (
        main(["segment", str(sections / "images" / "s0.png"), "--model", str(target), "--output", str(mask)]) == 0
    )


def stacked(sections, count):
    """Put the first sections into one stack, and return its folder."""
    folder = sections.parent / "stack"
    for part in ("images", "membranes"):
        planes = [imread(sections / part / f"s{number}.png") for number in range(count)]
        (folder / part).mkdir(parents=True)
        tifffile.imwrite(folder / part / "s.tif", np.squeeze(planes), photometric="minisblack")
    return folder


@pytest.mark.parametrize(("count", "said"), [(4, "some of its planes are held out"), (1, "none is held out")])
def test_of_a_single_stack_planes_are_held_out(sections, tmp_path, capsys, count, said):
    target = tmp_path / "stack.safetensors"
    assert trained(stacked(sections, count), target) == 0
    heard = capsys.readouterr()
    assert f"s.tif is the only image: {said}" in heard.err
    assert ("validation mean AP" in heard.out) == (count > 1)


def test_membranes_of_a_stack_part_objects_in_every_section(sections):
    folder = stacked(sections, 4)
    how = FolderSettings(labels="membranes", truth="membranes")
    given = TrainingRequest(folder=folder, output=folder / "a.safetensors", how=how)
    (objects,) = finish(read_truths(given, "YX"))[0].values()
    assert [len(np.unique(plane)) for plane in objects] == [17] * 4
    (objects,) = finish(read_truths(given, "ZYX"))[0].values()
    assert len(np.unique(objects)) == 17


@pytest.mark.parametrize("parts", [1, 4])
def test_a_mask_of_several_objects_is_refused_and_one_object_an_image_is_not(sections, tmp_path, capsys, parts):
    mask = np.zeros((64, 64), np.uint8)
    mask[:20, :20] = mask[30:50, : 20 * (parts > 1)] = mask[:20, 30 : 30 + 20 * (parts > 1)] = 255
    for number in range(4):
        write(sections / "masks" / f"s{number}.png", mask)
    target = tmp_path / "a.safetensors"
    code = trained(sections, target, "--labels", "masks", "--truth", "objects")
    said = capsys.readouterr().err
    assert code == (parts > 1)
    assert ("s0.png are a mask with one value (255) in 3 places" in said) == (parts > 1)
    assert ("--truth classes" in said) == (parts > 1)
    pair = [sections / "images" / "s0.png", sections / "masks" / "s0.png"]
    arguments = ["fine-tune", *pair, "--dense", "--iterations", "1", "--model", "new", "--output", target]
    assert main([str(argument) for argument in arguments]) == (parts > 1)
    assert ("give --classes" in capsys.readouterr().err) == (parts > 1)


def test_a_validation_image_that_is_not_there_is_named(sections, tmp_path, capsys):
    arguments = ["train", sections, "--labels", "membranes", "--truth", "membranes", *SMALL]
    arguments += ["--validate", "s9", "--output", tmp_path / "a.safetensors"]
    assert main([str(argument) for argument in arguments]) == 1
    assert "s9" in capsys.readouterr().err


def test_a_new_network_is_taught_classes_and_taught_again(sections, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("napari_unet.cli.fine_tune.fresh_model", small_fresh_model)
    image, target = sections / "images" / "s0.png", tmp_path / "mine.safetensors"
    classes = sections / "classes" / "s0.png"
    imsave(image, 40 + imread(classes) // 2, check_contrast=False)  # what can be told apart is learnt for sure
    pair = [str(image), str(classes)]
    begin = ["fine-tune", *pair, "--classes", "--dense", "--output", str(target)]
    assert main([*begin, "--model", "new", "--iterations", "60"]) == 0
    assert target.exists()
    assert load_model(target).spec.is_semantic
    assert (
        main([*begin[:-1], str(tmp_path / "again.safetensors"), "--model", str(target), "--iterations", "8"]) == 0
    )
    assert main([*begin, "--model", "nuclei"]) == 1
    assert "--model new" in capsys.readouterr().err


def test_strokes_of_classes_without_black_keep_them_all(sections, tmp_path):
    bright = np.where(imread(sections / "classes" / "s0.png") > 0, 255, 100).astype(np.uint8)
    write(sections / "strokes" / "s0.png", bright)
    pair = [sections / "images" / "s0.png", sections / "strokes" / "s0.png"]
    given = Namespace(pairs=pair, classes=True, dense=False, axes=None, model="new")
    ((_, annotation),), _, marks = read_pairs(given)
    assert marks == ("100", "255")
    np.testing.assert_array_equal(annotation.labels, bright == 255)
    assert annotation.annotated.all()


def trained(sections, target, *more):
    """Train on membranes or what is said, and return the exit code."""
    arguments = ["train", sections, "--labels", "membranes", "--truth", "membranes", *SMALL, "--output", target]
    return main([str(argument) for argument in (*arguments, *more)])


def test_the_same_seed_gives_the_same_weights(sections, tmp_path):
    files = [tmp_path / f"{number}.safetensors" for number in range(3)]
    for file, seed in zip(files, (5, 5, 6), strict=True):
        assert trained(sections, file, "--seed", seed) == 0
    one, same, other = (load_model(file).net.state_dict()["head.weight"] for file in files)
    assert (one == same).all()
    assert (one != other).any()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--start", "axons"], "axons tells classes: give --truth classes"),
        (["--start", "nuclei", "--truth", "classes"], "nuclei tells objects: give --truth objects"),
        (["--start", "nuclei", "--architecture", "classic"], "--architecture is for a new network"),
        (["--base-channels", "0"], "base_channels (width) must be a whole number of at least 1, got 0"),
        (["--levels", "30"], "levels must be a whole number from 1 to 8, got 30"),
        (["--seed", str(2**63)], "seed must be a whole number from 0"),
        (["--batch", "1", "--patch", "16"], "choose batch 2, or a patch of 32 px"),
        (["--validate", "s"], "s is to be held out and is not among s0.png"),
    ],
)
def test_a_training_that_makes_no_sense_is_one_sentence(sections, tmp_path, capsys, more, said):
    few = [] if "--start" not in more else ["--iterations", "1", "--patch", "32"]
    arguments = ["train", sections, "--labels", "classes", "--truth", "objects", *few, *more]
    assert main([str(argument) for argument in (*arguments, "--output", tmp_path / "a.safetensors")]) == 1
    assert said in capsys.readouterr().err
    assert list(tmp_path.glob("*.safetensors")) == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--seed", "-1"], "seed must be a whole number from 0"),
        (["--seed", str(2**63)], "seed must be a whole number from 0"),
        (["--seconds", "inf"], "must be a number above 0 s, got"),
        (["--seconds", "nan"], "must be a number above 0 s, got"),
        (["--iterations", "0"], "iterations must be a whole number of at least 1"),
        (["--anchor", "nan"], "anchor must be a number of at least 0"),
    ],
)
def test_numbers_that_make_no_sense_are_one_sentence(sections, tmp_path, capsys, more, said):
    pair = [sections / "images" / "s0.png", sections / "membranes" / "s0.png"]
    arguments = ["fine-tune", *pair, "--output", tmp_path / "a.safetensors", *more]
    assert main([str(argument) for argument in arguments]) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "said"),
    [([], "RGB images are learnt in grey"), (["--channels", "3"], ""), (["--channel", "1"], "")],
)
def test_what_is_learnt_of_colours_is_said(sections, tmp_path, capsys, more, said):
    for path in (sections / "images").iterdir():
        image = imread(path)
        imsave(path, np.stack([image, 255 - image, image], -1), check_contrast=False)
    assert trained(sections, tmp_path / "a.safetensors", *more) == 0
    heard = capsys.readouterr().err
    assert said in heard
    assert ("in grey" in heard) == (not more)


def test_one_channel_of_several_is_learnt(sections, tmp_path, capsys):
    for path in (sections / "images").iterdir():
        image = imread(path)
        two = np.stack([np.zeros_like(image), image])
        tifffile.imwrite(path.with_suffix(".tif"), two, imagej=True, metadata={"axes": "CYX"})
        path.unlink()
    assert trained(sections, tmp_path / "a.safetensors") == 1
    assert "say which channel, 0 to 1" in capsys.readouterr().err
    assert trained(sections, tmp_path / "a.safetensors", "--channel", "1") == 0
    assert trained(sections, tmp_path / "b.safetensors", "--channel", "2") == 1
    assert "channel 2 does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["train", "fine-tune"])
def test_a_model_that_cannot_be_written_is_not_learnt(sections, tmp_path, capsys, monkeypatch, command):
    output = tmp_path / "folder.safetensors"
    output.mkdir()
    monkeypatch.setattr("napari_unet.folder_training.preparation.Training", None)
    monkeypatch.setattr("napari_unet.cli.fine_tune.fine_tune_steps", None)
    pair = [sections / "images" / "s0.png", sections / "classes" / "s0.png"]
    what = [sections, "--labels", "classes"] if command == "train" else pair
    assert main([str(word) for word in (command, *what, "--output", output)]) == 1
    assert "it is a folder: add a file name" in capsys.readouterr().err


def stop_at(iteration, monkeypatch):
    """Press Ctrl-C while this step of a training is taken."""
    step = Training._step

    def stopped(self, number):
        if number == iteration:
            raise KeyboardInterrupt
        return step(self, number)

    monkeypatch.setattr(Training, "_step", stopped)


def test_a_training_stopped_too_early_replaces_no_former_model(sections, tmp_path, capsys, monkeypatch):
    """What nothing was validated of is no better than chance, and no reason to lose a model."""
    output = tmp_path / "mine.safetensors"
    output.write_bytes(b"a model of last week")
    command = ["train", str(sections), "--labels", "membranes", "--truth", "membranes", "--preset", "em", *SMALL]
    command += ["--output", str(output)]
    with monkeypatch.context() as context:
        stop_at(0, context)
        assert main(command) == 130
    assert "was not written. The same command goes on" in capsys.readouterr().err
    assert output.read_bytes() == b"a model of last week"
    with monkeypatch.context() as context:
        stop_at(3, context)
        assert main(command) == 0
    assert "keeping the best" in capsys.readouterr().err
    assert 1 <= load_model(str(output)).spec.training["iterations"] <= 3
