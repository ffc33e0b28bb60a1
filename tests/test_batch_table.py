"""The objects of many images in one table."""

import csv
import json

import numpy as np
import pytest
import tifffile

from napari_unet.batch_table import write_batch_table_steps
from napari_unet.cli import main
from napari_unet.files.batch_row import DONE, FAILED, BatchRow
from napari_unet.progress import finish


@pytest.fixture
def rows(tmp_path):
    """Two masks of one and two objects; the first image says its pixel size, a third one failed."""
    made = []
    for number, calibrated in ((1, True), (2, False)):
        mask = np.zeros((20, 24), np.uint16)
        mask[2:6, 2:7] = 1
        mask[10:14, 10:14] = number
        extra = (
            {"resolution": (2, 2), "metadata": {"unit": "um", "axes": "YX"}, "imagej": True} if calibrated else {}
        )
        image, target = tmp_path / f"i{number}.tif", tmp_path / f"m{number}.tif"
        tifffile.imwrite(image, mask * 10, **extra)
        tifffile.imwrite(target, mask)
        made.append(BatchRow(image=image, mask=target, state=DONE))
    return [*made, BatchRow(image=tmp_path / "i3.tif", mask=tmp_path / "m3.tif", state=FAILED, text="no image")]


def lines_of(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_every_object_stands_with_its_image_and_unit(rows, tmp_path):
    assert finish(write_batch_table_steps(rows, tmp_path / "all.csv")) == []
    lines = lines_of(tmp_path / "all.csv")
    assert [(line["file"].split("/")[-1], line["unit"], line["label"]) for line in lines] == [
        ("i1.tif", "um", "1"), ("i2.tif", "px", "1"), ("i2.tif", "px", "2"),
    ]  # fmt: skip
    assert [float(line["area"]) for line in lines] == [9.0, 20.0, 16.0]
    assert float(lines[2]["intensity_mean"]) == 20
    assert json.loads((tmp_path / "all.json").read_text())["images"] == 2


def test_an_image_that_is_gone_is_named_and_the_others_are_measured(rows, tmp_path):
    rows[0].image.unlink()
    [fault] = finish(write_batch_table_steps(rows, tmp_path / "all.csv"))
    assert "i1.tif" in fault
    assert len(lines_of(tmp_path / "all.csv")) == 2


def test_segment_measures_a_folder_into_one_table(tmp_path, bright_model, capsys):
    model = bright_model.save(tmp_path / "bright.safetensors").path
    folder = tmp_path / "plate"
    folder.mkdir()
    for number in (1, 2):
        image = np.zeros((32, 32), np.uint8)
        image[4:12, 4:12] = image[20:28, 20 : 20 + 4 * number] = 200
        tifffile.imwrite(folder / f"{number}.tif", image)
    words = ["segment", folder, "--model", model, "--output", tmp_path / "masks", "--table", tmp_path / "all.csv"]
    assert main([str(word) for word in words]) == 0
    assert len(lines_of(tmp_path / "all.csv")) == 4
    words[-1] = folder / "1.tif"
    assert main([str(word) for word in words]) == 1
    assert "must end in .csv" in capsys.readouterr().err
