"""Labels go out in every format and come back; the command line does it, and fine-tune learns from outlines."""

import json

import numpy as np
import pytest
import tifffile
import yaozarrs
import zarr
from PIL import Image

from napari_unet import UnetError, convert
from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.cli import main
from napari_unet.files.images import read_image, read_labels
from napari_unet.files.label_formats import FORMATS, format_of
from napari_unet.files.ome_zarr_labels import halved, write_ome_zarr
from napari_unet.files.tiff import write_labels
from tests.conftest import TOUCHING_CELLS, drawn, make_bright_model

SIZE = PixelSize({"T": 30.0, "Z": 2.0, "Y": 0.2, "X": 0.25})
CELLS = drawn(TOUCHING_CELLS)
FACTS = {"model": "nuclei", "settings": {"zoom": 1.0}}


@pytest.fixture
def mask(tmp_path):
    """A calibrated mask of a stack in time."""
    labels = np.stack([np.stack([CELLS, CELLS[::-1], CELLS * 0]), np.stack([CELLS.T] * 3)])
    write_labels(tmp_path / "mask.tif", labels, axes="TZYX", pixel_size=SIZE, provenance=FACTS)
    return tmp_path / "mask.tif"


@pytest.mark.parametrize("name", ["a.zip", "a.geojson", "a.json", "a.zarr", "a.ome.tif", "a.tif"])
def test_a_mask_goes_out_and_comes_back_the_same(tmp_path, mask, name):
    before = read_labels(mask)
    after = read_labels(convert(convert(mask, tmp_path / name), tmp_path / "back.tif"))
    assert (after.array == before.array).all()
    assert after.calibration.by_axis == pytest.approx(before.calibration.by_axis)
    assert after.metadata["provenance"] == FACTS


def test_the_format_is_the_longest_ending_that_fits():
    assert [format_of(f"a{known.endings[0]}") for known in FORMATS] == list(FORMATS)
    assert format_of("A.OME.TIF").title == "OME-TIFF"
    with pytest.raises(UnetError, match=r"end the name in one of \.tif \.ome\.tif \.zip"):
        format_of("a.czi")


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr_is_what_the_specification_says(tmp_path, version):
    labels = np.kron(np.stack([CELLS, CELLS[::-1]]), np.ones((1, 30, 30), int))
    facts = {"values": "classes", "classes": ["ground", "wall"]}
    path = tmp_path / "a.zarr"
    write_ome_zarr(
        path, labels, axes="ZYX", pixel_size=SIZE, provenance=facts, origin={"Y": 5, "X": 0}, version=version
    )
    for group in ("", "/labels/segmentation"):
        yaozarrs.validate_zarr_store(f"{path}{group}")
    group = zarr.open(path, mode="r")["labels/segmentation"]
    about = group.attrs["ome"] if version == "0.5" else group.attrs
    [image] = about["multiscales"]
    levels = [group[one["path"]] for one in image["datasets"]]
    assert (levels[0][...] == labels).all()
    assert [level.shape for level in levels] == [(2, 360, 360), (2, 180, 180)]
    moves = [[change[change["type"]] for change in one["coordinateTransformations"]] for one in image["datasets"]]
    assert moves == [[[2, 0.2, 0.25], [0, 1.0, 0]], [[2, 0.4, 0.5], [0, 1.1, 0.125]]]
    assert about["image-label"]["properties"] == [{"label-value": 1, "name": "wall"}]
    for place in (path, path / "labels" / "segmentation"):
        back = read_labels(place)
        assert (back.array == labels).all()
        assert back.metadata["provenance"] == facts
    with pytest.raises(UnetError, match="it exists"):
        write_ome_zarr(path, labels, axes="ZYX", pixel_size=SIZE, provenance=facts)


def test_coarser_labels_are_the_commonest_ones():
    labels = drawn("""
        11225
        13225
        12445
        21445
        66666
    """)
    assert halved(labels).tolist() == [[1, 2, 5], [1, 4, 5], [6, 6, 6]]


def test_a_picture_shows_outlines_over_the_image(tmp_path, capsys):
    tifffile.imwrite(tmp_path / "image.tif", np.stack([CELLS * 20] * 2).astype(np.uint8), metadata={"axes": "CYX"})
    write_labels(tmp_path / "mask.tif", CELLS, axes="YX", pixel_size=None, provenance=None)
    given = ["convert", str(tmp_path / "mask.tif"), "--output", str(tmp_path / "a.png")]
    assert main(given) == 1
    assert "--like IMAGE" in capsys.readouterr().err
    assert main([*given, "--like", str(tmp_path / "image.tif")]) == 0
    assert np.asarray(Image.open(tmp_path / "a.png")).shape == (*CELLS.shape, 3)


def test_outlines_of_a_foreign_program_need_the_image(tmp_path, capsys):
    ring = [[1, 1], [5, 1], [5, 4], [1, 4], [1, 1]]
    feature = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": {}}
    (tmp_path / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    image = np.zeros((9, 12), np.uint8)
    tifffile.imwrite(tmp_path / "image.tif", image, imagej=True, resolution=(4, 4), metadata={"unit": "um"})
    given = ["convert", str(tmp_path / "a.geojson"), "--output", str(tmp_path / "a.tif")]
    assert main(given) == 1
    assert "does not say how large its image is" in capsys.readouterr().err
    assert main([*given, "--like", str(tmp_path / "image.tif")]) == 0
    back = read_labels(tmp_path / "a.tif")
    assert (back.array > 0).sum() == 12
    assert back.pixel_size == pytest.approx((0.25, 0.25))
    assert "a.tif: 1 label\n" in capsys.readouterr().out


def test_a_file_is_never_written_over_itself(tmp_path, mask, capsys):
    assert main(["convert", str(mask), "--output", str(mask)]) == 1
    assert "is the mask" in capsys.readouterr().err
    assert (read_labels(mask).array > 0).any()


@pytest.mark.parametrize("dense", [True, False])
def test_fine_tune_takes_outlines_as_annotation(tmp_path, monkeypatch, dense):
    from napari_unet.cli import build_parser
    from napari_unet.cli.fine_tune import read_pairs

    tifffile.imwrite(tmp_path / "image.tif", np.zeros(CELLS.shape, np.uint8))
    write_labels(tmp_path / "mask.tif", CELLS, axes="YX", pixel_size=None, provenance=None)
    convert(tmp_path / "mask.tif", tmp_path / "cells.zip")
    make_bright_model().save(tmp_path / "m.safetensors")
    words = [str(tmp_path / "image.tif"), str(tmp_path / "cells.zip"), "--output", "x.safetensors"]
    given = build_parser("fine-tune").parse_args(["fine-tune", *words, *(["--dense"] if dense else [])])
    [(image, annotation)], _, _ = read_pairs(given)
    assert image.array.shape == CELLS.shape
    assert ((annotation.labels > 0) == (CELLS > 0)).all()
    assert annotation.annotated.all() == dense
    assert len(np.unique(annotation.labels)) == 6
    assert read_image(tmp_path / "image.tif").axes == "YX"
