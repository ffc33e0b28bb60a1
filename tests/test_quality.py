"""Quality: sure objects that are seen again count; images are ranked, the doubtful first."""

import json

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal

from napari_unet import load_model, rank
from napari_unet.arrays.source import Source
from napari_unet.cli import main
from napari_unet.models.model import Model
from napari_unet.planning import plan_segmentation
from napari_unet.progress import finish
from napari_unet.quality import calibrated, expected_right, likely_right, quality_steps, rank_steps
from napari_unet.samples import SAMPLES


def drawn_discs(contrast):
    """Two discs, the second as bright as `contrast` says; the model's foreground begins at 0.5."""
    image = np.zeros((64, 80), np.float32)
    rows, columns = np.indices(image.shape)
    image[(rows - 20) ** 2 + (columns - 20) ** 2 < 100] = 1
    image[(rows - 40) ** 2 + (columns - 55) ** 2 < 200] = contrast
    return image


def quality_of(image, model):
    return finish(quality_steps(finish(plan_segmentation(Source.of(image, "YX"), model)), model))


def test_sure_objects_that_are_seen_again_are_right_and_others_are_not():
    labels = np.zeros((20, 20), np.int32)
    labels[2:8, 2:8], labels[10:18, 10:18] = 1, 2
    sure = np.where(labels > 0, 255, 0).astype(np.uint8)
    right, count = expected_right(sure, labels, labels)
    assert count == 2
    assert right > 1.98
    doubtful = np.where(labels == 2, 130, sure).astype(np.uint8)
    assert expected_right(doubtful, labels, labels)[0] < right - 0.3
    assert expected_right(sure, np.where(labels == 1, 1, 0), labels)[1] == 2, "one was missed"
    assert expected_right(sure, labels, np.zeros_like(labels))[1] == 2
    assert expected_right(sure, np.zeros_like(labels), np.zeros_like(labels)) == (0, 0)


def test_quality_rises_with_certainty():
    shares = likely_right(np.linspace(0, 1, 30))
    assert (np.diff(shares) > 0).all()
    qualities = [calibrated(share) for share in np.linspace(0, 1, 30)]
    assert qualities == sorted(qualities)
    assert 0 <= qualities[0] <= qualities[-1] <= 1


def test_an_image_and_its_mirror_image_are_as_good(bright_model):
    image = drawn_discs(0.62)
    assert quality_of(image, bright_model) == pytest.approx(quality_of(image.T.copy(), bright_model), abs=0.01)


def test_the_look_changes_neither_model_nor_image(bright_model):
    image = drawn_discs(0.7)
    before = image.copy()
    first = quality_of(image, bright_model)
    assert_array_equal(image, before)
    assert quality_of(image, bright_model) == first


def test_images_are_ranked_the_doubtful_first(bright_model, tmp_path, capsys):
    contrasts = {"sure": 1.0, "fair": 0.56, "doubtful": 0.53}
    for name, contrast in contrasts.items():
        tifffile.imwrite(tmp_path / f"{name}.tif", drawn_discs(contrast))
    tifffile.imwrite(tmp_path / "empty.tif", np.zeros((30, 30), np.uint8))
    (tmp_path / "broken.tif").write_bytes(b"II*\0")
    path = bright_model.save(tmp_path / "bright.safetensors").path
    names = [tmp_path / f"{name}.tif" for name in (*contrasts, "broken", "empty")]
    ranked = rank(names, load_model(path))
    assert [one.name.split("/")[-1] for one in ranked] == [
        "empty.tif", "doubtful.tif", "fair.tif", "sure.tif", "broken.tif"
    ]  # fmt: skip
    assert ranked[0].quality == 0
    assert ranked[-1].quality is None
    assert "broken.tif" in ranked[-1].fault
    assert main(["rank", *map(str, names), "--model", str(path), "--json"]) == 1
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert [one["file"] for one in told] == [one.name for one in ranked[:-1]]
    assert [one["quality"] for one in told] == [one.quality for one in ranked[:-1]]
    assert said.err.startswith("napari-unet: ")


def test_a_model_of_classes_ranks_nothing(bright_model):
    from dataclasses import replace

    classes = Model(net=bright_model.net, spec=replace(bright_model.spec, levels=()))
    with pytest.raises(ValueError, match="gives classes"):
        finish(rank_steps([SAMPLES[0].path], classes))
    plan = finish(plan_segmentation(Source.of(drawn_discs(1), "YX"), classes))
    assert finish(quality_steps(plan, classes)) is None
