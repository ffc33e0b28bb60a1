"""`napari-unet measure`: a table with a JSON beside it, and one sentence where it cannot be."""

import csv
import json

import numpy as np
import pytest
import tifffile

from napari_unet import measure
from napari_unet.cli import main
from napari_unet.files.table import FORMULA, write_table_steps
from napari_unet.files.tiff import write_labels
from napari_unet.progress import finish


@pytest.fixture
def mask(tmp_path):
    """Return a mask (Z, Y, X) of two objects, one through two planes; beside it lies an image of two channels."""
    labels = np.zeros((3, 20, 24), np.uint16)
    labels[:2, 2:9, 3:11], labels[2, 12:18, 14:20] = 1, 2
    path = tmp_path / "cells_labels.tif"
    write_labels(path, labels, axes="ZYX", pixel_size=(2, 0.5, 0.25), provenance={"model": "nuclei"})
    image = np.random.default_rng(0).integers(0, 255, (3, 2, 20, 24)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "cells.tif", image, imagej=True, metadata={"axes": "ZCYX"})
    return path


def ended(arguments):
    """Return the exit code."""
    try:
        return main(arguments)
    except SystemExit as stopped:
        return stopped.code


def read_table(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_table_is_written_with_its_units_beside_it(mask, tmp_path, capsys):
    output = tmp_path / "table.csv"
    assert main(["measure", str(mask), str(tmp_path / "cells.tif"), "--output", str(output)]) == 0
    assert capsys.readouterr().out == f"{output}: 2 objects\n"
    rows = read_table(output)
    expected = measure(
        tifffile.imread(mask), tifffile.imread(tmp_path / "cells.tif"), axes="ZCYX", pixel_size=(2, 0.5, 0.25)
    )
    assert list(rows[0]) == list(expected)
    for name, column in expected.items():
        np.testing.assert_array_equal([float(row[name] or "nan") for row in rows], column, err_msg=name)
    assert rows[0]["label"] == "1"
    facts = json.loads((tmp_path / "table.json").read_text())
    assert facts["pixel_size_um"] == {"Z": 2, "Y": 0.5, "X": 0.25}
    assert facts["units"]["area"] == "um^3"
    assert facts["labels"] == {"file": "cells_labels.tif", "provenance": {"model": "nuclei"}}
    assert facts["images"] == ["cells.tif"]


def test_neither_file_of_a_table_replaces_what_is_read(mask, tmp_path, capsys):
    image = tmp_path / "cells.tif"
    before = image.read_bytes()
    (tmp_path / "t.json").symlink_to(image)  # the table's other file
    for words in (["measure", mask, image, "--image-axes", "ZCYX"], ["segment", image]):
        output = ["--output", tmp_path / "t.csv"] if words[0] == "measure" else ["--output", tmp_path / "o.tif"]
        table = [] if words[0] == "measure" else ["--table", tmp_path / "t.csv"]
        assert ended([str(word) for word in (*words, *output, *table)]) == 1
        assert "so that no data are lost" in capsys.readouterr().err
    assert image.read_bytes() == before


@pytest.mark.parametrize("name", ["=cmd|' !A0", "+1", "-1", "@SUM(A1)", "\tx", "bytes\udcff"])
def test_names_of_files_are_no_formulas_and_need_not_be_text(tmp_path, name):
    columns = {"file": np.array([name, "plain"], object), f"{name}-mean": np.array([1.0, -2.0])}
    finish(write_table_steps(tmp_path / "t.csv", columns, {}))
    header, first, second = (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()
    for cell in (*header.split(",")[1:], *first.split(",")[:1]):
        assert not cell.strip('"').startswith(FORMULA)
    assert second == "plain,-2.0"  # numbers stay numbers


def test_planes_regions_and_properties_are_chosen(mask, tmp_path, capsys):
    regions = np.zeros((3, 20, 24), np.uint8)
    regions[:, :, 12:] = 3
    tifffile.imwrite(tmp_path / "regions.tif", regions, imagej=True, metadata={"axes": "ZYX"})
    arguments = ["--planes", "--regions", str(tmp_path / "regions.tif"), "--properties", "area", "--json"]
    assert main(["measure", str(mask), "--output", str(tmp_path / "t.csv"), "--pixel-size", "1", *arguments]) == 0
    assert read_table(tmp_path / "t.csv") == [
        {"label": "1", "plane": "0", "region": "0", "area": "56.0"},
        {"label": "1", "plane": "1", "region": "0", "area": "56.0"},
        {"label": "2", "plane": "2", "region": "3", "area": "36.0"},
    ]
    printed = json.loads(capsys.readouterr().out)
    assert (printed["objects"], printed["units"]) == (3, {"area": "um^2"})
    assert printed["mean"]["area"] == pytest.approx(148 / 3)


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--output", "t.txt"], 1, "must end in .csv"),
        (["--output", "no/t.csv"], 1, "cannot write"),
        (["--output", "t.csv", "--properties", "size"], 1, "'size' cannot be measured"),
        (["--output", "t.csv", "--pixel-size", "0"], 2, "is no size"),
        (["--output", "t.csv", "--axes", "YX"], 1, "axes"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(mask, tmp_path, capsys, monkeypatch, arguments, code, sentence):
    monkeypatch.chdir(tmp_path)
    assert ended(["measure", str(mask), *arguments]) == code
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "t.csv").exists()


def test_an_image_of_another_size_is_refused(mask, tmp_path, capsys):
    tifffile.imwrite(
        tmp_path / "other.tif", np.zeros((3, 20, 25), np.uint8), imagej=True, metadata={"axes": "ZYX"}
    )
    assert main(["measure", str(mask), str(tmp_path / "other.tif"), "--output", str(tmp_path / "t.csv")]) == 1
    assert "do not fit the image other" in capsys.readouterr().err
    assert main(["measure", str(mask), "--output", str(mask.with_suffix(".csv"))]) == 0
    assert main(["measure", str(mask), str(mask), "--output", str(tmp_path / "t.csv")]) == 0
