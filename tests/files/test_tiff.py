"""Every file of the pack of odd TIFFs."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_unet.errors import UnetError
from napari_unet.files.tiff import read_tiff

PACK = Path(__file__).parents[2].parent / "shared" / "data" / "odd_tiffs"


def odd_files():
    if not (PACK / "expected.csv").exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason="the odd_tiffs pack is absent"))]
    with (PACK / "expected.csv").open(newline="", encoding="utf-8") as file:
        return [pytest.param(row, id=row["file"]) for row in csv.DictReader(file)]


def as_documented(stored, row):
    """What the reader must give for pixels that tifffile gives, from the columns of expected.csv alone."""
    axes, photometric = row["axes"], row["photometric"]
    if photometric == "MINISWHITE":
        stored = ~stored if stored.dtype == bool else np.iinfo(stored.dtype).max - stored
    if "S" in axes:
        stored = np.moveaxis(stored, axes.index("S"), -1)
        axes = axes.replace("S", "") + "S"
    if axes.endswith("S") and stored.shape[-1] == 2:
        stored, axes = stored[..., 0], axes[:-1]
    if axes.endswith("S") and stored.shape[-1] > 4:
        stored, axes = np.moveaxis(stored, -1, 0), "C" + axes[:-1]
    return stored, axes.replace("I", "Z").replace("Q", "Z")


@pytest.mark.parametrize("row", odd_files())
def test_every_odd_file_is_read_as_documented_or_refused_in_one_sentence(row):
    path = PACK / "files" / row["file"]
    if row["with_imagecodecs"] != "ok":
        with pytest.raises(UnetError) as refused:
            read_tiff(path)
        assert str(path.name) in str(refused.value)
        assert "\n" not in str(refused.value)
        return
    image = read_tiff(path)
    stored = tifffile.imread(path, series=0)
    assert image.array.dtype.isnative
    assert image.pixel_size is None or len(image.pixel_size) == len(set(image.axes) & set("ZYX"))
    if image.array.ndim > 2 and row["photometric"] in ("PALETTE", "SEPARATED"):
        assert image.axes == "YXS"
        assert image.array.shape == (*stored.shape[:2], 3)
        return
    expected, axes = as_documented(stored, row)
    assert image.axes == axes
    assert image.array.dtype == np.dtype(row["dtype"])
    np.testing.assert_array_equal(image.array, expected)


@pytest.mark.parametrize("row", odd_files())
def test_reading_an_odd_file_under_the_axes_it_was_given_changes_nothing(row):
    path = PACK / "files" / row["file"]
    if row["with_imagecodecs"] != "ok":
        return
    image = read_tiff(path)
    again = read_tiff(path, axes=image.axes)
    assert again.axes == image.axes
    np.testing.assert_array_equal(again.array, image.array)
