"""A network whose answer is no number is told, and does not pass for one that finds nothing."""

import numpy as np
import pytest
import torch

from napari_unet import segment
from napari_unet.arrays.boundary_weights import dense_labels
from napari_unet.cli import main
from napari_unet.errors import UnetError
from napari_unet.files.images import read_labels
from napari_unet.files.tiff import write_labels


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e38])
def test_weights_that_overflow_are_a_sentence(bright_model, value):
    image = np.zeros((40, 50), np.uint8)
    image[4:20, 4:20] = 200
    assert segment(image, bright_model).max() == 1
    with torch.no_grad():
        bright_model.net.head.weight[1, 0] = value
        bright_model.net.decode[-1][0].weight.mul_(1e3)
    with pytest.raises(UnetError, match="answer is not finite"):
        segment(image, bright_model)


def test_one_odd_pixel_in_the_answer_is_enough(bright_model, monkeypatch):
    from napari_unet.nets.prediction import Predictor

    logits = Predictor._logits

    def spoilt(self, block):
        answer = logits(self, block)
        answer[0, 3, 4] = float("nan")
        return answer

    monkeypatch.setattr(Predictor, "_logits", spoilt)
    image = np.zeros((40, 50), np.uint8)
    image[4:20, 4:20] = 200
    with pytest.raises(UnetError, match="answer is not finite"):
        segment(image, bright_model)


@pytest.mark.parametrize("top", [2**31, 2**32, 2**62, 2**63, 2**64 - 1])
def test_the_highest_ids_are_kept_or_refused_but_never_lost(tmp_path, top, capsys):
    labels = np.zeros((6, 8), np.uint64)
    labels[1:3, 1:3], labels[4:, 4:], labels[0, 7] = 5, top, top - 1
    np.testing.assert_array_equal(np.unique(dense_labels(labels)), [0, 1, 2, 3])
    assert dense_labels(labels)[5, 5] == 3
    assert dense_labels(labels[4:, 4:]).min() == 1
    with pytest.raises(UnetError, match="below"):
        write_labels(tmp_path / "a.tif", labels | np.uint64(2**33), axes="YX", pixel_size=None, provenance=None)
    path = tmp_path / "a.npy"
    np.save(path, labels)
    with pytest.raises(UnetError, match="labels must be below 2147483648"):
        read_labels(path)
    assert main(["evaluate", str(path), str(path)]) == 1
    assert "must be below" in capsys.readouterr().err
