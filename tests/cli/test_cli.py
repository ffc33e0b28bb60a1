"""The command line as a person uses it: files in, masks and figures out, one plain line if something is wrong."""

import io
import json
import signal
import subprocess
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet.arrays.membranes import between_membranes
from napari_unet.cli import COMMANDS, main
from napari_unet.cli.common import StoppedBetweenSteps, stop_between_steps
from napari_unet.files.images import read_image, read_labels
from napari_unet.files.tiff import write_labels
from napari_unet.models.library import load_model
from napari_unet.progress import Progress, finish
from napari_unet.samples import SAMPLES
from napari_unet.segmentation import segment_steps
from napari_unet.teaching.learning import Learning
from napari_unet.teaching.result import FineTuneResult


@pytest.fixture
def model(bright_model, tmp_path):
    return str(bright_model.save(tmp_path / "bright.safetensors").path)


@pytest.fixture
def image(tmp_path):
    pixels = np.zeros((40, 50), np.uint16)
    pixels[5:15, 5:15] = pixels[20:35, 30:45] = 900
    path = tmp_path / "cells.tif"
    tifffile.imwrite(path, pixels, imagej=True, resolution=(2, 2), metadata={"unit": "um", "axes": "YX"})
    return path


def fails(capsys, *arguments):
    """Run a command that must fail, and return its one line."""
    assert main([str(argument) for argument in arguments]) == 1
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1
    assert said.startswith("napari-unet:")
    return said


def test_segment_writes_a_calibrated_mask(model, image, tmp_path, capsys):
    assert main(["segment", str(image), "--model", model, "--output", str(tmp_path / "mask.tif")]) == 0
    mask = read_labels(tmp_path / "mask.tif")
    assert mask.array.max() == 2
    assert mask.pixel_size == pytest.approx((0.5, 0.5))
    assert mask.metadata["provenance"]["model"] == "bright"
    assert "2 objects" in capsys.readouterr().out


def test_segment_takes_folders_patterns_and_several_files(model, image, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for name in ("a", "b"):
        Image.fromarray((read_image(image).array / 4).astype(np.uint8)).save(folder / f"{name}.png")
    (folder / "notes.txt").write_text("not an image")
    assert main(["segment", str(folder), "--model", model, "--output", str(tmp_path / "out")]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a_labels.tif", "b_labels.tif"]
    pattern = str(folder / "*.png")
    assert main(["segment", pattern, str(image), "--model", model, "--output", str(tmp_path / "out2")]) == 0
    assert len(list((tmp_path / "out2").iterdir())) == 3


def test_the_pixel_size_can_be_given_where_the_file_does_not_say(model, tmp_path):
    Image.fromarray(np.eye(30, dtype=np.uint8) * 255).save(tmp_path / "a.png")
    target = tmp_path / "a.tif"
    assert (
        main(
            ["segment", str(tmp_path / "a.png"), "--model", model, "--output", str(target), "--pixel-size", "0.3"]
        )
        == 0
    )
    assert read_labels(target).pixel_size == pytest.approx((0.3, 0.3), rel=1e-4)


def test_probabilities_can_be_written_too(model, image, tmp_path):
    target = tmp_path / "p.tif"
    main(
        [
            "segment",
            str(image),
            "--model",
            model,
            "--output",
            str(tmp_path / "m.tif"),
            "--probabilities",
            str(target),
        ]
    )
    assert read_image(target).array.max() == 255


def test_one_bad_image_does_not_stop_the_others(model, image, tmp_path, capsys):
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"")
    said = fails(capsys, "segment", broken, image, "--model", model, "--output", tmp_path / "out")
    assert "broken.tif" in said
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["cells_labels.tif"]


def test_evaluate_prints_figures_as_text_json_and_csv(model, image, tmp_path, capsys):
    mask = str(tmp_path / "mask.tif")
    main(["segment", str(image), "--model", model, "--output", mask])
    capsys.readouterr()
    assert main(["evaluate", mask, mask, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["mean"]["AP@0.50"] == 1
    assert main(["evaluate", mask, mask]) == 0
    assert "AP@0.50" in capsys.readouterr().out
    assert main(["evaluate", mask, mask, "--csv"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_info_tells_what_made_a_mask_and_a_model(model, image, tmp_path, capsys):
    main(["segment", str(image), "--model", model, "--output", str(tmp_path / "mask.tif")])
    capsys.readouterr()
    assert main(["info", str(tmp_path / "mask.tif"), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["provenance"]["source"] == "cells.tif"
    assert main(["info", model, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sha256"] == facts["provenance"]["model_sha256"]
    assert main(["info", model]) == 0
    assert "architecture: padded" in capsys.readouterr().out


def test_models_lists_the_shipped_ones(capsys):
    assert main(["models", "--json"]) == 0
    assert "nuclei" in [row["name"] for row in json.loads(capsys.readouterr().out)]
    assert main(["models"]) == 0
    assert "shipped" in capsys.readouterr().out


def test_demo_segments_the_sample_and_says_where(tmp_path, capsys):
    assert main(["demo", "--headless", "--output", str(tmp_path / "demo")]) == 0
    said = capsys.readouterr().out
    mask, picture = tmp_path / "demo" / "u2os_nuclei_labels.tif", tmp_path / "demo" / "u2os_nuclei_overlay.png"
    assert str(mask) in said
    assert str(picture) in said
    assert read_labels(mask).array.max() > 50
    assert Image.open(picture).size == read_image(SAMPLES[0].path).array.shape[::-1]


def test_doctor_finds_everything_in_place(capsys):
    assert main(["doctor"]) == 0
    assert "device cpu" in capsys.readouterr().out


def training_folder(tmp_path, count=3):
    rng = np.random.default_rng(0)
    for part in ("images", "labels"):
        (tmp_path / part).mkdir()
    for number in range(count):
        labels = np.zeros((64, 64), np.uint16)
        labels[8:24, 8:24], labels[30:50, 30:50] = 1, 2
        Image.fromarray(((labels > 0) * 150 + rng.integers(0, 50, (64, 64))).astype(np.uint8)).save(
            tmp_path / "images" / f"{number}.png"
        )
        tifffile.imwrite(tmp_path / "labels" / f"{number}.tif", labels)
    return tmp_path


def test_train_writes_a_model_that_segments(tmp_path, capsys):
    folder = training_folder(tmp_path)
    target = tmp_path / "mine.safetensors"
    small = ["--base-channels", "4", "--levels", "2", "--patch", "32", "--batch", "2", "--iterations", "12"]
    assert main(["train", str(folder), "--output", str(target), *small]) == 0
    assert "validation mean AP" in capsys.readouterr().out
    assert [path.name for path in tmp_path.glob(".*")] == []
    mask = tmp_path / "mask.tif"
    assert main(["segment", str(folder / "images" / "0.png"), "--model", str(target), "--output", str(mask)]) == 0
    assert read_labels(mask).array.shape == (64, 64)


def test_train_can_start_from_a_model_and_follow_the_paper(tmp_path, model):
    folder = training_folder(tmp_path)
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    assert (
        main(
            ["train", str(folder), "--output", str(first), "--start", model, "--iterations", "2", "--patch", "32"]
        )
        == 0
    )
    facts = read_spec_of(first)
    assert facts.parent == read_sha(model)
    paper = ["--preset", "paper", "--base-channels", "4", "--levels", "2", "--patch", "32", "--iterations", "2"]
    assert main(["train", str(folder), "--output", str(second), *paper]) == 0
    assert read_spec_of(second).architecture == "classic"


def read_spec_of(path):
    from napari_unet.models.spec import read_spec

    return read_spec(path)


def read_sha(path):
    from pathlib import Path

    from napari_unet.models.model import file_sha256

    return file_sha256(Path(path))


def test_no_new_folder_stays_empty(model, tmp_path, capsys):
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"II*")
    new = tmp_path / "new" / "masks"
    assert "broken.tif" in fails(capsys, "segment", broken, "--model", model, "--output", new)
    assert not new.parent.exists()
    (tmp_path / "old").mkdir()
    fails(capsys, "segment", broken, "--model", model, "--output", tmp_path / "old")
    assert (tmp_path / "old").is_dir()


def test_bad_input_gets_one_plain_line(model, image, tmp_path, capsys):
    out = tmp_path / "m.tif"
    assert "no model" in fails(capsys, "segment", image, "--model", "nonesuch", "--output", out)
    assert "does not exist" in fails(capsys, "segment", tmp_path / "no.tif", "--model", model, "--output", out)
    assert "nothing matches" in fails(capsys, "segment", tmp_path / "*.xyz", "--model", model, "--output", out)
    assert "axes" in fails(capsys, "segment", image, "--axes", "ZYX", "--model", model, "--output", out)
    assert "channel 3" in fails(capsys, "segment", image, "--channel", "3", "--model", model, "--output", out)
    assert "tile" in fails(capsys, "segment", image, "--tile", "0", "--model", model, "--output", out)
    assert "device" in fails(capsys, "segment", image, "--device", "abacus", "--model", model, "--output", out)
    for size in ("-1", "1e-320", "1e300"):
        assert "pixel-size" in fails(
            capsys, "segment", image, "--pixel-size", size, "--model", model, "--output", out
        )
    assert "folder" in fails(capsys, "segment", image, "--model", model, "--output", tmp_path / "no" / "m.tif")
    assert "one file" in fails(capsys, "segment", image, model, "--model", model, "--output", out)
    assert "damaged" in fails(capsys, "segment", image, "--model", damaged(tmp_path), "--output", out)
    assert "images and labels" in fails(capsys, "train", tmp_path, "--output", tmp_path / "a.safetensors")
    assert ".safetensors" in fails(capsys, "train", tmp_path, "--output", tmp_path / "a.pt")
    assert "no such file" in fails(capsys, "evaluate", tmp_path / "no.tif", image)
    assert "no model file" in fails(capsys, "info", tmp_path / "no.safetensors")
    assert not out.exists()


def test_no_image_is_ever_overwritten_by_its_mask(model, image, tmp_path, capsys):
    before = image.read_bytes()
    assert "one of the images" in fails(capsys, "segment", image, "--model", model, "--output", image)
    (tmp_path / "cells_labels.tif").write_bytes(before)
    said = fails(capsys, "segment", tmp_path, "--model", model, "--output", tmp_path)
    assert "one of the images" in said
    assert image.read_bytes() == before
    assert ".tif" in fails(capsys, "segment", image, "--model", model, "--output", tmp_path / "m.png")
    assert not (tmp_path / "m.png").exists()


def test_a_window_that_cannot_open_does_not_spoil_the_demo(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("DISPLAY", ":987")
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    assert main(["demo", "--output", str(tmp_path)]) == 0
    assert "the files above are complete" in capsys.readouterr().err


def test_fine_tune_learns_from_a_painted_file(model, image, tmp_path, capsys):
    annotation = np.zeros((40, 50), np.uint16)
    annotation[5:15, 5:15], annotation[20:35, 30:45], annotation[38] = 2, 3, 1
    tifffile.imwrite(tmp_path / "painted.tif", annotation)
    arguments = ["fine-tune", image, tmp_path / "painted.tif", "--model", model, "--iterations", "3"]
    assert main([*map(str, arguments), "--output", str(tmp_path / "new.safetensors")]) == 0
    assert "before" in capsys.readouterr().out
    assert "pairs" in fails(capsys, "fine-tune", image, "--model", model, "--output", tmp_path / "n.safetensors")


def damaged(tmp_path):
    path = tmp_path / "damaged.safetensors"
    path.write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00 not json at all")
    return path


@pytest.mark.parametrize("error", [ValueError, OverflowError, ZeroDivisionError])
def test_what_nobody_foresaw_is_one_line_too(image, capsys, monkeypatch, error):
    def fail(*_):
        raise error("something\nof no use")

    monkeypatch.setattr("napari_unet.cli.evaluate.evaluate_files_steps", lambda *_, **__: fail())
    assert f"{error.__name__}: something" in fails(capsys, "evaluate", image, image)


def test_nothing_is_made_where_the_model_is_none(image, tmp_path, capsys):
    out = tmp_path / "masks"
    assert "no model" in fails(capsys, "segment", image, "--model", "nonesuch", "--output", out)
    assert not out.exists()


def test_a_mask_that_cannot_be_written_is_not_computed(model, image, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("napari_unet.batch.segment_steps", None)
    (tmp_path / "out" / "cells_labels.tif").mkdir(parents=True)
    assert "it is a folder" in fails(capsys, "segment", image, "--model", model, "--output", tmp_path / "out")


def test_a_folder_with_the_name_of_an_image_is_none(model, image, tmp_path):
    folder, truth = tmp_path / "images", tmp_path / "masks"
    (folder / "x.tif").mkdir(parents=True)
    image.rename(folder / "cells.tif")
    assert main(["segment", str(folder), "--model", model, "--output", str(truth)]) == 0
    assert [path.name for path in truth.iterdir()] == ["cells_labels.tif"]
    (truth / "x.tif").mkdir()
    assert main(["evaluate", str(truth), str(truth)]) == 0


def test_probabilities_are_not_evaluated_as_objects(model, image, tmp_path, capsys):
    mask, maps = str(tmp_path / "m.tif"), str(tmp_path / "p.tif")
    assert main(["segment", str(image), "--model", model, "--output", mask, "--probabilities", maps]) == 0
    capsys.readouterr()
    for pair in ((mask, maps), (maps, mask)):
        assert "p.tif holds probabilities, not objects: give the mask" in fails(capsys, "evaluate", *pair)


def test_ctrl_c_while_a_command_is_loaded_is_no_traceback(capsys, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_unet.cli.import_module", interrupted)
    assert main(["models"]) == 130
    assert capsys.readouterr().err == "napari-unet: stopped\n"


def test_wrong_usage_is_exit_code_2():
    with pytest.raises(SystemExit) as stopped:
        main(["segment"])
    assert stopped.value.code == 2


def test_help_is_there_at_once_and_names_every_command():
    code = (
        "import sys\nfrom napari_unet.cli import main\n"
        "try: main(['--help'])\nfinally: assert 'torch' not in sys.modules"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert all(f"    {name}" in said for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    assert f"napari-unet {name}" in capsys.readouterr().out


def test_classes_are_named_and_have_no_probabilities(tmp_path, capsys):
    image, out = tmp_path / "axons.tif", tmp_path / "mask.tif"
    tifffile.imwrite(image, np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8))
    assert main(["segment", str(image), "--model", "axons", "--output", str(out)]) == 0
    assert "classes background" in capsys.readouterr().out
    more = ("--probabilities", tmp_path / "p.tif")
    assert "gives classes" in fails(capsys, "segment", image, "--model", "axons", "--output", out, *more)


@pytest.mark.parametrize("error", [MemoryError("cannot allocate"), RuntimeError("out of memory")])
def test_an_image_that_memory_does_not_hold_does_not_stop_the_others(
    model, image, tmp_path, capsys, monkeypatch, error
):
    large = tmp_path / "a large one.tif"
    tifffile.imwrite(large, np.zeros((300, 300), np.uint8))
    steps = segment_steps

    def limited(array, *arguments, **options):
        if array.array.shape == (300, 300):
            raise error
        return steps(array, *arguments, **options)

    monkeypatch.setattr("napari_unet.batch.segment_steps", limited)
    arguments = ["segment", str(large), str(image), "--model", model, "--output", str(tmp_path / "out")]
    assert main(arguments) == 1
    assert "choose a smaller tile" in capsys.readouterr().err
    assert (tmp_path / "out" / "cells_labels.tif").exists()


def test_masks_of_a_former_run_are_no_images(model, image, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    image.rename(folder / "cells.tif")
    for _ in range(2):
        assert main(["segment", str(folder), "--model", model, "--output", str(folder)]) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["cells.tif", "cells_labels.tif"]
    command = read_labels(folder / "cells_labels.tif").metadata["provenance"]["command"]
    assert command.startswith("napari-unet")


def test_membranes_and_classes_are_evaluated_as_what_they_are(tmp_path, capsys):
    membranes = np.zeros((60, 60), np.uint8)
    membranes[::20] = membranes[:, ::20] = 255
    found, truth = tmp_path / "found.tif", tmp_path / "membranes.png"
    write_labels(found, between_membranes(membranes), axes="YX", pixel_size=None, provenance=None)
    Image.fromarray(membranes).save(truth)
    assert main(["evaluate", str(found), str(truth), "--membranes", "--thin", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["mean"]["V_Rand"] > 0.95
    image, mask = tmp_path / "axons.tif", tmp_path / "mask.tif"
    tifffile.imwrite(image, np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8))
    assert main(["segment", str(image), "--model", "axons", "--output", str(mask)]) == 0
    capsys.readouterr()
    assert "give --classes" in fails(capsys, "evaluate", mask, mask)
    assert main(["evaluate", str(mask), str(mask), "--classes", "--csv"]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header.startswith("image,mean_IoU,IoU_class_0")
    assert row.startswith("mask.tif,1.0,1.0")


def test_info_knows_models_by_name(capsys):
    assert main(["info", "nuclei"]) == 0
    assert "architecture: padded" in capsys.readouterr().out


def test_ctrl_c_keeps_what_was_learnt(model, image, tmp_path, capsys, monkeypatch):
    painted, out = tmp_path / "painted.tif", tmp_path / "better.safetensors"
    layer = np.zeros((40, 50), np.uint16)
    layer[6:14, 6:14], layer[22:33, 32:43], layer[2:4, 30:45], layer[30:38, 5:10] = 2, 3, 1, 1
    tifffile.imwrite(painted, layer)
    steps, taken = Learning.steps, []

    def interrupted(self):
        for progress in steps(self):
            taken.append(progress)
            if len(taken) == 3:
                signal.raise_signal(signal.SIGINT)
            yield progress

    monkeypatch.setattr(Learning, "steps", interrupted)
    monkeypatch.setattr(FineTuneResult, "improved", True)  # two steps are few
    usual = signal.getsignal(signal.SIGINT)
    learn = ["fine-tune", str(image), str(painted), "--model", model, "--seconds", "600", "--output", str(out)]
    assert main(learn) == 0
    assert len(taken) < 10
    assert load_model(out).spec.training["fine_tuning"]["iterations"] > 0
    assert "Stopping with the best so far" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is usual


@pytest.fixture
def ctrl_c():
    """Let Ctrl-C end Python, as at a terminal: programs in the background of a shell may have it ignored."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_waits_for_the_end_of_a_step():
    done = []

    def steps():
        for number in range(3):
            signal.raise_signal(signal.SIGINT)
            done.append(number)
            yield Progress(done=number, total=3)

    with pytest.raises(StoppedBetweenSteps):
        finish(stop_between_steps(steps()))
    assert done == [0]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_names_that_differ_in_case_alone_are_refused(model, image, tmp_path, capsys):
    folder = tmp_path / "two"
    folder.mkdir()
    for name in ("a.png", "A.tif"):
        (folder / name).write_bytes(image.read_bytes())
    said = fails(capsys, "segment", folder, "--model", model, "--output", tmp_path / "out")
    assert "would both be written to" in said


def test_a_name_that_the_terminal_cannot_show_stops_nothing(model, image, tmp_path, monkeypatch):
    odd, written = image.rename(tmp_path / "Zelle_β.tif"), io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="cp1252"))
    assert main(["segment", str(odd), "--model", model, "--output", str(tmp_path)]) == 0
    sys.stdout.flush()
    assert b"Zelle_" in written.getvalue()


def test_an_empty_name_is_none(model, image, capsys):
    """As of a variable of a script that is not set: not everything that lies here."""
    assert "the name of an image is empty" in fails(capsys, "segment", "", "--model", model, "--output", "out")
    with pytest.raises(SystemExit) as wrong:
        main(["segment", str(image), "--model", str(model), "--output", ""])
    assert wrong.value.code == 2


def test_without_streams_the_commands_work(image, model, tmp_path, monkeypatch):
    """As of a service, or of a window without a console."""
    mask = tmp_path / "mask.tif"
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["segment", str(image), "--model", str(model), "--output", str(mask)]) == 0
    assert mask.exists()


def test_without_docstrings_the_commands_work():
    subprocess.run([sys.executable, "-OO", "-m", "napari_unet", "--help"], check=True, capture_output=True)
