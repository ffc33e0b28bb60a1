"""Many files: one that fails does not stop the others, nothing is done twice, a killed run goes on."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from imageio.v3 import imwrite

from napari_unet.batch import BatchRequest, batch_steps
from napari_unet.cli import main
from napari_unet.errors import UnetError
from napari_unet.files.batch_row import DONE, FAILED, KEPT, BatchRow
from napari_unet.files.image_list import input_files, mask_files
from napari_unet.files.images import read_labels
from napari_unet.files.provenance import read_provenance
from napari_unet.models.library import load_model
from napari_unet.progress import finish
from napari_unet.settings.segmentation import SegmentationSettings

IMAGES, KILLED_AT = 20, 8
"""How many images there are, and the mask that is half written when the process is killed."""
KILLED = """
import os, signal, sys
import tifffile
from napari_unet.cli import main

LIMIT, write, count = int(sys.argv.pop()), tifffile.imwrite, 0

def write_half(path, *arguments, **options):
    global count
    count += 1
    write(path, *arguments, **options)
    if count == LIMIT:
        os.truncate(path, 100)
        os.kill(os.getpid(), signal.SIGKILL)

tifffile.imwrite = write_half
main(sys.argv[1:])
"""
"""A process that dies, as by a power cut, in the middle of a file."""


@pytest.fixture
def model(bright_model, tmp_path):
    return bright_model.save(tmp_path / "bright.safetensors").path


def cells(seed):
    image = np.zeros((24, 28), np.uint8)
    image[3:9, 3:9] = image[12:20, 10 : 18 + seed % 8] = 200
    return image


@pytest.fixture
def folder(tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for number in range(IMAGES):
        tifffile.imwrite(images / f"{number:02}.tif", cells(number))
    (images / "03 cut.tif").write_bytes((images / "03.tif").read_bytes()[:60])
    (images / "13 text.tif").write_text("no image")
    (images / "23 empty.png").write_bytes(b"")
    tifffile.imwrite(
        images / "33 channels.tif", np.zeros((2, 24, 24), np.uint8), imagej=True, metadata={"axes": "CYX"}
    )
    np.save(images / "43 cube.npy", np.zeros((2, 2, 2, 2, 2, 2, 2)))
    return images


def few(tmp_path, count=3):
    for number in range(count):
        tifffile.imwrite(tmp_path / f"{number}.tif", cells(number))
    return [tmp_path / f"{number}.tif" for number in range(count)]


def test_a_killed_batch_goes_on_and_does_nothing_twice(folder, model, tmp_path, capsys):
    masks = tmp_path / "masks"
    arguments = ["segment", str(folder), "--model", str(model), "--output", str(masks)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments, str(KILLED_AT)],
        env=environment,
        check=False,
        capture_output=True,
    )
    assert killed.returncode == -signal.SIGKILL
    before = {path.name: path.stat().st_mtime_ns for path in masks.glob("*_labels.tif")}
    assert len(before) == KILLED_AT - 1
    assert list(masks.glob(".*")), "what was being written is there, under another name"
    capsys.readouterr()
    assert main(arguments) == 1
    said = capsys.readouterr()
    after = {path.name: path.stat().st_mtime_ns for path in masks.iterdir()}
    assert len(after) == IMAGES, "masks and nothing else"
    assert {name: after[name] for name in before} == before
    assert said.out.count("segmented before") == len(before)
    faults = said.err.strip().splitlines()
    assert len(faults) == 5
    for name, sentence in zip(("cut", "text", "empty", "channels", "cube"), faults, strict=True):
        assert sentence.startswith("napari-unet:")
        assert name in sentence
    assert read_labels(masks / "19_labels.tif").array.max() == 2


def test_rows_tell_what_was_found_now_and_from_the_file_later(model, tmp_path):
    request = BatchRequest(images=few(tmp_path), output=tmp_path / "out")
    rows = finish(batch_steps(request, load_model(model)))
    assert [row.state for row in rows] == [DONE] * 3
    assert [row.count for row in rows] == [2, 2, 2]
    assert [row.mean_area for row in rows] == [(36 + 8 * (8 + more)) / 2 for more in range(3)]
    assert all(0 < row.quality <= 1 for row in rows)
    again = finish(batch_steps(request, load_model(model)))
    assert [row.state for row in again] == [KEPT] * 3
    assert [row.as_dict() | {"state": DONE} for row in again] == [row.as_dict() for row in rows]
    made = read_provenance(rows[0].mask)
    assert made["quality"] == rows[0].quality
    assert made["model_sha256"]


def test_another_image_model_or_setting_is_segmented_again_another_device_is_not(model, bright_model, tmp_path):
    images, output = few(tmp_path, 2), tmp_path / "out"

    def states(model=model, **options):
        settings = SegmentationSettings().replace(**options)
        request = BatchRequest(images=images, output=output, settings=settings)
        return [row.state for row in finish(batch_steps(request, load_model(model)))]

    assert states() == [DONE, DONE]
    assert states(prediction=SegmentationSettings().prediction.replace(device="cpu", tile=64)) == [KEPT, KEPT]
    assert states(min_size=40) == [DONE, DONE]
    tifffile.imwrite(images[1], cells(7))
    assert states(min_size=40) == [KEPT, DONE]
    bright_model.net.head.bias.data -= 1
    other = bright_model.save(tmp_path / "other.safetensors").path
    assert states(other, min_size=40) == [DONE, DONE]
    (output / "0_labels.tif").write_bytes(b"II*\0")
    assert states(other, min_size=40) == [DONE, KEPT], "a damaged mask is no mask"


def test_closing_the_steps_keeps_what_is_finished(model, tmp_path):
    request = BatchRequest(images=few(tmp_path), output=tmp_path / "out")
    steps = batch_steps(request, load_model(model))
    first = next(step for step in steps if isinstance(step.preview, BatchRow))
    assert first.done * 3 == first.total
    steps.close()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["0_labels.tif"]


def test_json_tells_every_row(model, tmp_path, capsys):
    few(tmp_path, 1)
    (tmp_path / "bad.tif").write_bytes(b"II*\0")
    inputs = [str(tmp_path / name) for name in ("0.tif", "bad.tif")]
    assert main(["segment", *inputs, "--model", str(model), "--output", str(tmp_path / "out"), "--json"]) == 1
    good, bad = json.loads(capsys.readouterr().out)
    assert good["objects"] == 2
    assert good["state"] == DONE
    assert Path(good["mask"]).exists()
    assert bad["state"] == FAILED
    assert "bad.tif" in bad["error"]


@pytest.mark.parametrize("kind", [".tif", ".png"])
def test_a_mask_that_somebody_else_made_is_never_replaced(model, tmp_path, kind):
    images = few(tmp_path, 2)
    (tmp_path / "out").mkdir()
    drawn = tmp_path / "out" / "0_labels.tif"
    imwrite(drawn, np.eye(24, dtype=np.uint8), extension=kind)
    before = drawn.read_bytes()
    rows = finish(batch_steps(BatchRequest(images=images, output=tmp_path / "out"), load_model(model)))
    assert [row.state for row in rows] == [FAILED, DONE]
    assert "was not made by this program" in rows[0].text
    assert drawn.read_bytes() == before


def test_the_same_request_for_labels_on_disk_does_nothing_twice(model, tmp_path, capsys):
    few(tmp_path, 1)
    words = ["segment", str(tmp_path / "0.tif"), "--model", str(model), "--output", str(tmp_path / "a.zarr")]
    assert main(words) == 0
    assert "2 objects" in capsys.readouterr().out
    assert main(words) == 0
    assert "2 objects, segmented before by the same model and settings" in capsys.readouterr().out
    assert main([*words, "--smallest", "40"]) == 1
    assert "it exists" in capsys.readouterr().err


def test_a_pixel_size_that_a_file_says_is_used_and_the_other_one_named(model, tmp_path):
    path = tmp_path / "a.tif"
    calibrated = {"resolution": (2, 2), "imagej": True, "metadata": {"unit": "um", "axes": "YX"}}
    tifffile.imwrite(path, cells(0), **calibrated)
    request = BatchRequest(images=[path], output=tmp_path / "b.tif", pixel_size=3.0)
    (row,) = finish(batch_steps(request, load_model(model)))
    assert any("the file says 0.5 x 0.5 um" in remark and "3" in remark for remark in row.remarks)
    assert read_labels(row.mask).pixel_size == (0.5, 0.5)


@pytest.fixture
def mixed(tmp_path, model):
    """A folder with an image, its mask of a former run, a text, and a link to nothing."""
    (tmp_path / "in").mkdir()
    (image,) = few(tmp_path / "in", 1)
    finish(batch_steps(BatchRequest(images=[image], output=tmp_path / "in"), load_model(model)))
    (tmp_path / "in" / "notes.txt").write_text("x")
    (tmp_path / "in" / "gone.tif").symlink_to(tmp_path / "nowhere.tif")
    return tmp_path / "in"


@pytest.mark.parametrize("pattern", ["", "/*"])
def test_a_pattern_means_the_images_that_the_folder_means(mixed, pattern):
    images, left_out = input_files([f"{mixed}{pattern}"])
    assert images == [mixed / "0.tif"]
    said = "; ".join(left_out)
    assert all(name in said for name in ("0_labels.tif", "notes.txt", "gone.tif"))
    with pytest.raises(UnetError, match="nothing that matches"):
        input_files([f"{mixed}/*.txt"])


def test_folders_may_have_dots_and_one_name_for_two_masks_names_both_images(tmp_path):
    images = [tmp_path / "a.tif", tmp_path / "b.tif"]
    output = tmp_path / "masks 2026.12.01"
    assert mask_files(images, output) == [output / "a_labels.tif", output / "b_labels.tif"]
    with pytest.raises(UnetError, match=r"a\.tif and .*a\.png would both be written to a_labels\.tif"):
        mask_files([tmp_path / "a.tif", tmp_path / "a.png"], output)
    with pytest.raises(UnetError, match="a folder that exists"):
        mask_files(images, tmp_path / "masks.png")
