"""The shipped model keeps the promise of its card."""

import sys
from pathlib import Path

import numpy as np
import pytest

from napari_unet import evaluate, load_model, segment
from napari_unet.files.images import read_image, read_labels
from napari_unet.progress import finish
from napari_unet.samples import SAMPLES
from napari_unet.segmentation import SegmentationSettings, segment_steps

ROOT = Path(__file__).parents[1]
FLUO = ROOT.parent / "shared" / "data" / "dsb2018_fluo"


def test_the_samples_are_segmented_well(data_folder):
    model = load_model("nuclei")
    for sample, least in zip(SAMPLES, (0.8, 0.6), strict=True):
        truth = read_labels(data_folder / f"{sample.path.stem}_truth.tif").array
        assert evaluate(segment(read_image(sample.path).array, model), truth).average_precision[0.5] > least


def test_a_sample_of_four_times_the_size_is_segmented_as_well(data_folder):
    model = load_model("nuclei")
    image = np.kron(read_image(SAMPLES[0].path).array[:300, :300], np.ones((4, 4), np.uint16))
    truth = np.kron(
        read_labels(data_folder / "u2os_nuclei_truth.tif").array[:300, :300], np.ones((4, 4), np.int32)
    )
    result = finish(segment_steps(image, model))
    assert result.zoom < 1
    assert evaluate(result.labels, truth).average_precision[0.5] > 0.8
    as_it_is = segment(image, model, settings=SegmentationSettings(zoom=1))
    assert evaluate(result.labels, truth).average_precision[0.5] > evaluate(as_it_is, truth).average_precision[0.5]


def test_it_is_small_and_says_where_it_comes_from():
    model = load_model("nuclei")
    assert model.path.stat().st_size < 8e6
    assert model.spec.licence == "CC0-1.0"
    assert "BBBC038" in model.spec.training["data"]


@pytest.mark.skipif(not FLUO.exists(), reason="needs the data pack beside the checkout")
def test_its_figures_on_the_validation_split_hold():
    sys.path.insert(0, str(ROOT / "scripts"))
    from recipes import by_hash

    model = load_model("nuclei")
    scores = [
        evaluate(segment(read_image(path).array, model, axes="YX"), read_labels(FLUO / "labels" / path.name).array)
        for path in sorted((FLUO / "images").iterdir())
        if by_hash(path.stem)
    ]
    assert len(scores) == 60
    assert np.mean([score.average_precision[0.5] for score in scores]) >= LEAST_AP
    assert np.mean([score.mean_average_precision for score in scores]) >= 0.5


LEAST_AP = 0.775
