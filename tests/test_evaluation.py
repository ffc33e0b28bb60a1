"""Scores of files: pairing by name, one step a file, means and tables."""

import csv
import io
import json

import numpy as np
import pytest
import tifffile
from skimage.io import imsave

from napari_unet.cli import main
from napari_unet.errors import UnetError
from napari_unet.evaluation import (
    evaluate,
    evaluate_files_steps,
    mean_scores,
    pair_files,
    scores_csv,
)
from napari_unet.progress import finish

HALVES = np.repeat([[1, 1, 2, 2]], 4, axis=0)
WHOLE = np.ones((4, 4), int)


@pytest.fixture
def folders(tmp_path):
    """Two empty folders: predicted and truth."""
    predicted, truth = tmp_path / "predicted", tmp_path / "truth"
    predicted.mkdir()
    truth.mkdir()
    return predicted, truth


def touch(folder, *names):
    for name in names:
        (folder / name).touch()


def names(pairs):
    return [(predicted.name, truth.name) for predicted, truth in pairs]


def write(folder, **labels):
    for name, array in labels.items():
        tifffile.imwrite(folder / f"{name}.tif", np.asarray(array, dtype=np.uint16))


def test_mean_averages_figures_and_sums_counts():
    mean = mean_scores([evaluate(WHOLE, WHOLE), evaluate(HALVES, WHOLE)])
    assert mean["AP@0.50"] == (1 + 1 / 2) / 2
    assert mean["AP@0.95"] == 1 / 2
    assert mean["splits_per_100"] == 50
    assert (mean["n_predicted"], mean["n_truth"]) == (3, 2)


def test_labels_of_ome_zarr_are_files_as_others(folders):
    predicted, truth = folders
    for labels in (predicted / "a_labels.zarr", predicted / "b.zarr"):
        labels.mkdir()
        (labels / "zarr.json").write_text("{}")
    touch(truth, "a.tif", "b.tif")
    assert names(pair_files(predicted, truth)) == [("a_labels.zarr", "a.tif"), ("b.zarr", "b.tif")]
    assert names(pair_files(predicted / "b.zarr", truth / "b.tif")) == [("b.zarr", "b.tif")]


def test_mean_of_no_image_is_refused():
    with pytest.raises(UnetError, match="one image at least, got none"):
        mean_scores([])


def test_two_files_are_a_pair_whatever_their_names(tmp_path):
    touch(tmp_path, "a.tif", "b.png")
    assert names(pair_files(tmp_path / "a.tif", tmp_path / "b.png")) == [("a.tif", "b.png")]


def test_files_of_two_folders_pair_by_stem_and_suffixes_do_not_matter(folders):
    predicted, truth = folders
    touch(predicted, "a.tif", "b_labels.tif", "c_mask.ome.tif", "d_cp_masks.png", "e-label.TIF", "notes.txt")
    touch(truth, "a.ome.tif", "b.png", "c.tiff", "d.tif", "e_masks.tif", ".hidden.tif", "readme.md")
    assert names(pair_files(predicted, truth)) == [
        ("a.tif", "a.ome.tif"),
        ("b_labels.tif", "b.png"),
        ("c_mask.ome.tif", "c.tiff"),
        ("d_cp_masks.png", "d.tif"),
        ("e-label.TIF", "e_masks.tif"),
    ]


def test_same_name_goes_before_a_name_without_its_suffix(folders):
    for folder in folders:
        touch(folder, "a.tif", "a_mask.tif")
    assert names(pair_files(*folders)) == [("a.tif", "a.tif"), ("a_mask.tif", "a_mask.tif")]


def test_missing_partner_is_named_and_counted_on_either_side(folders):
    predicted, truth = folders
    touch(predicted, "a.tif", "b_labels.tif", "c.tif")
    touch(truth, "a.tif")
    with pytest.raises(UnetError, match=r"^b_labels.tif has no true labels in .*truth \(2 such files\): add"):
        pair_files(predicted, truth)
    with pytest.raises(UnetError, match=r"^b_labels.tif has no prediction in .*truth \(2 such files\): add"):
        pair_files(truth, predicted)


def test_two_predictions_for_one_image_are_refused(folders):
    predicted, truth = folders
    touch(predicted, "a.tif", "a_labels.tif")
    touch(truth, "a.tif")
    with pytest.raises(UnetError, match=r"a.tif and a_labels.tif are both predictions for a.tif: keep one"):
        pair_files(predicted, truth)


def test_two_true_files_of_one_name_are_refused(folders):
    predicted, truth = folders
    touch(predicted, "a.tif")
    touch(truth, "a.png", "a.tif")
    with pytest.raises(UnetError, match=r"a.png and a.tif have the same name: keep one"):
        pair_files(predicted, truth)


def test_absent_path_empty_folder_and_file_beside_folder_are_refused(folders):
    predicted, truth = folders
    touch(truth, "a.tif")
    with pytest.raises(UnetError, match=r"no such file or folder: .*nowhere; check"):
        pair_files(predicted / "nowhere", truth)
    with pytest.raises(UnetError, match=r"truth is a folder but .*a.tif is a file: give two"):
        pair_files(truth / "a.tif", truth)
    with pytest.raises(UnetError, match=r"no label files in .*predicted: they are images, as .ome.tiff"):
        pair_files(predicted, truth)


def test_files_are_scored_under_the_name_of_their_truth_one_step_each(folders):
    predicted, truth = folders
    write(predicted, a_labels=WHOLE, b_labels=HALVES)
    write(truth, a=WHOLE, b=WHOLE)
    seen = []
    scores = finish(evaluate_files_steps(predicted, truth), seen.append)
    assert scores == {"a.tif": evaluate(WHOLE, WHOLE), "b.tif": evaluate(HALVES, WHOLE)}
    assert [(progress.done, progress.total) for progress in seen] == [(0, 2), (1, 2), (2, 2)]
    assert seen[0].doing == "evaluating a_labels.tif"
    assert seen[-1].figures["AP@0.50"] == 3 / 4


def test_labels_that_cannot_be_compared_are_refused_with_their_file_names(folders):
    predicted, truth = folders
    write(predicted, a_labels=WHOLE)
    write(truth, a=WHOLE[:3])
    with pytest.raises(UnetError, match=r"^a_labels.tif and a.tif: .* same shape, got \(4, 4\) and \(3, 4\)"):
        finish(evaluate_files_steps(str(predicted), str(truth)))


def test_table_has_a_row_an_image_and_a_column_a_figure():
    text = scores_csv({"a, 1.tif": evaluate(HALVES, WHOLE), "b.tif": evaluate(WHOLE, WHOLE)})
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["image"] for row in rows] == ["a, 1.tif", "b.tif"]
    assert [row["AP@0.50"] for row in rows] == ["0.5", "1.0"]
    assert [row["n_predicted"] for row in rows] == ["2", "1"]
    assert list(rows[0])[1:] == list(evaluate(WHOLE, WHOLE).as_dict())


def test_a_name_in_a_table_is_no_formula():
    assert "\n'=1+1.tif,0.5" in scores_csv({"=1+1.tif": evaluate(HALVES, WHOLE)})


def test_table_of_no_image_is_its_header():
    assert scores_csv({}) == "image\n"


def test_thinning_makes_the_width_of_membranes_meaningless():
    truth = np.ones((40, 40), int)
    truth[:, 20:] = 2
    thick = truth.copy()
    thick[:, 14:26] = 0
    assert evaluate(thick, truth, thin=True).v_rand == 1
    assert evaluate(thick, truth, thin=True).v_info == pytest.approx(1)
    assert evaluate(thick, truth).v_rand < 0.9


def test_membranes_of_a_stack_part_objects_in_every_plane(folders):
    predicted, truth = folders
    membranes = np.zeros((2, 40, 40), np.uint16)
    membranes[0, 20] = membranes[1, :, 20] = 1
    found = np.zeros_like(membranes)
    found[0, :20], found[0, 21:], found[1, :, :20], found[1, :, 21:] = 1, 2, 3, 4
    write(predicted, stack=found)
    write(truth, stack=membranes)
    (scores,) = finish(evaluate_files_steps(predicted, truth, membranes=True, thin=True)).values()
    assert (scores.n_predicted, scores.n_truth, scores.v_rand, scores.f1) == (4, 4, 1, 1)


def test_a_mask_is_no_truth_of_objects(folders):
    predicted, truth = folders
    found = np.zeros((40, 40), np.uint16)
    found[:10, :10], found[20:30, 20:30] = 1, 2
    write(predicted, a=found, b=found)
    write(truth, a=255 * (found > 0), b=255 * (found > 0))
    with pytest.raises(UnetError, match=r"labels of a.tif are a mask .* 2 places.*, or give --classes"):
        finish(evaluate_files_steps(predicted, truth))
    write(truth, b=found)
    finish(evaluate_files_steps(predicted, truth))


def test_classes_are_compared_whatever_their_values(tmp_path, capsys):
    truth = np.zeros((20, 30), np.uint8)
    truth[:, 10:20], truth[:, 20:] = 127, 255
    found = np.zeros((20, 30), np.uint8)
    found[:, 10:15], found[:, 15:] = 1, 2
    imsave(tmp_path / "found.png", found, check_contrast=False)
    imsave(tmp_path / "truth.png", truth, check_contrast=False)
    assert main(["evaluate", str(tmp_path / "found.png"), str(tmp_path / "truth.png"), "--classes", "--json"]) == 0
    mean = json.loads(capsys.readouterr().out)["mean"]
    assert mean["IoU_class_0"] == 1
    assert mean["IoU_class_1"] == 0.5
    assert mean["mean_IoU"] == pytest.approx((1 + 1 / 2 + 2 / 3) / 3)
    found[:, 25:] = 7
    imsave(tmp_path / "found.png", found, check_contrast=False)
    assert main(["evaluate", str(tmp_path / "found.png"), str(tmp_path / "truth.png"), "--classes"]) == 1
    assert "4 classes of other values than the 3" in capsys.readouterr().err
