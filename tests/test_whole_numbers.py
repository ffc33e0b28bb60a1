"""Labels saved as floating point are labels wherever whole numbers are asked for."""

import numpy as np
import pytest
import tifffile

from napari_unet.arrays.annotations import dense, painted
from napari_unet.arrays.boundary_weights import dense_labels
from napari_unet.errors import UnetError
from napari_unet.evaluation import evaluate
from napari_unet.files.class_images import read_class_images
from napari_unet.whole_numbers import as_whole_numbers


def test_whole_floats_count_as_what_they_are(touching_cells, tmp_path):
    floats = touching_cells.astype(np.float32)
    assert evaluate(floats, touching_cells).f1 == 1
    np.testing.assert_array_equal(dense_labels(floats), touching_cells)
    for read in (dense, painted):
        np.testing.assert_array_equal(read(floats).labels, read(touching_cells).labels)
    tifffile.imwrite(tmp_path / "a.tif", floats)
    np.testing.assert_array_equal(read_class_images([tmp_path / "a.tif"]).indices[0], touching_cells)


@pytest.mark.parametrize("value", [0.5, np.nan, np.inf, -np.inf, 1e300])
def test_fractions_and_what_is_no_number_are_still_refused(touching_cells, value):
    floats = touching_cells.astype(np.float64)
    floats[0, 0] = value
    assert as_whole_numbers(floats) is floats
    with pytest.raises(UnetError):
        evaluate(floats, touching_cells)
    with pytest.raises(UnetError):
        painted(floats)


@pytest.mark.parametrize("array", [np.zeros((0, 3)), np.eye(3, dtype=bool), np.eye(3, dtype=np.uint8)])
def test_other_arrays_stay_as_they_are(array):
    assert as_whole_numbers(array) is array
