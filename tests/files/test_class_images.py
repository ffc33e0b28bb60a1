"""Pictures of classes: gray values and colours become the same indices in every file."""

import numpy as np
import pytest
import tifffile
from skimage.io import imsave

from napari_unet.errors import UnetError
from napari_unet.files.class_images import read_class_images, read_class_pairs
from napari_unet.files.tiff import write_labels


def write(path, array):
    imsave(path, array, check_contrast=False)
    return path


def test_gray_values_are_numbered_alike_in_all_files(tmp_path):
    one = write(tmp_path / "one.png", np.array([[0, 127], [127, 255]], np.uint8))
    two = write(tmp_path / "two.png", np.array([[255, 255], [255, 0]], np.uint8))
    first, second = read_class_images([one, two]).indices
    np.testing.assert_array_equal(first, [[0, 1], [1, 2]])
    np.testing.assert_array_equal(second, [[2, 2], [2, 0]])


def test_colours_are_numbered_from_dark_to_bright(tmp_path):
    colours = np.array([[[0, 0, 0], [255, 0, 0]], [[0, 128, 0], [255, 255, 0]]], np.uint8)
    [indices] = read_class_images([write(tmp_path / "colours.png", colours)]).indices
    np.testing.assert_array_equal(indices, [[0, 2], [1, 3]])


def test_many_values_are_no_classes(tmp_path):
    path = write(tmp_path / "many.png", np.arange(100, dtype=np.uint8).reshape(10, 10))
    with pytest.raises(UnetError, match="100 different values"):
        read_class_images([path])


def test_predictions_that_lack_a_class_keep_the_numbers_of_the_truth(tmp_path):
    truth = write(tmp_path / "truth.png", np.array([[0, 1, 2]], np.uint8))
    found = write(tmp_path / "found.png", np.array([[0, 0, 2]], np.uint8))
    [one], [other] = read_class_pairs([found], [truth])
    np.testing.assert_array_equal(one, [[0, 0, 2]])
    np.testing.assert_array_equal(other, [[0, 1, 2]])


def test_strokes_keep_their_values_where_a_class_between_them_was_not_painted(tmp_path):
    strokes = np.array([[0, 2, 3]], np.uint8)
    [indices] = read_class_images([write(tmp_path / "strokes.png", strokes)]).indices
    np.testing.assert_array_equal(indices, strokes)


def test_of_strokes_without_black_no_class_is_lost(tmp_path):
    gray = write(tmp_path / "gray.png", np.array([[127, 255, 127]], np.uint8))
    colours = np.array([[[255, 0, 0], [255, 255, 0], [255, 0, 0]]], np.uint8)
    for path in (gray, write(tmp_path / "colours.png", colours)):
        [indices] = read_class_images([path], strokes=True).indices
        np.testing.assert_array_equal(indices, [[1, 2, 1]])
        [indices] = read_class_images([path]).indices
        np.testing.assert_array_equal(indices, [[0, 1, 0]])


def test_another_class_is_not_taken_for_the_true_one(tmp_path):
    truth = write(tmp_path / "truth.png", np.array([[0, 2, 2]], np.uint8))
    found = write(tmp_path / "found.png", np.array([[0, 1, 1]], np.uint8))
    [one], [other] = read_class_pairs([found], [truth])
    np.testing.assert_array_equal(one, [[0, 1, 1]])
    np.testing.assert_array_equal(other, [[0, 2, 2]])


def pairs(tmp_path, found, truth):
    """Return what a prediction and a truth of these values (in a row) are numbered as."""
    files = []
    for name, values in (("found.png", found), ("truth.png", truth)):
        files.append([write(tmp_path / name, np.array([values], np.uint8))])
    return [array[0].tolist() for [array] in read_class_pairs(*files)]


@pytest.mark.parametrize(
    ("found", "truth", "numbered"),
    [
        ([0, 0, 127], [0, 0, 255], [[0, 0, 2], [0, 0, 1]]),
        ([0, 255, 200], [0, 255, 127], [[0, 2, 3], [0, 2, 1]]),
        ([0, 0, 255], [0, 127, 255], [[0, 0, 2], [0, 1, 2]]),
        ([0, 127, 255], [0, 0, 255], [[0, 2, 1], [0, 0, 1]]),
        ([0, 1, 2], [0, 127, 255], [[0, 1, 2], [0, 1, 2]]),
        ([0, 127, 255], [0, 1, 2], [[0, 1, 2], [0, 1, 2]]),
        ([0, 0, 0], [0, 0, 255], [[0, 0, 0], [0, 0, 1]]),
    ],
)
def test_one_value_is_one_class_in_predictions_and_truth(tmp_path, found, truth, numbered):
    assert pairs(tmp_path, found, truth) == numbered


@pytest.mark.parametrize(("found", "truth"), [([0, 1, 1], [0, 127, 255]), ([0, 5, 6], [0, 127, 255])])
def test_values_that_nothing_brings_together_are_refused(tmp_path, found, truth):
    with pytest.raises(UnetError, match="nothing says which means which: save them with the same values"):
        pairs(tmp_path, found, truth)


def test_colours_are_compared_with_colours_and_class_indices_alone(tmp_path):
    colours = np.array([[[0, 0, 0], [255, 0, 0], [0, 255, 0]]], np.uint8)
    truth = write(tmp_path / "truth.png", colours)
    more = write(tmp_path / "more.png", colours + np.array([[[0] * 3, [0] * 3, [0, 0, 255]]], np.uint8))
    [found], [wanted] = read_class_pairs([more], [truth])
    assert (found[0, :2] == wanted[0, :2]).all()
    assert found[0, 2] > wanted.max()
    [found], _ = read_class_pairs([write(tmp_path / "i.png", np.array([[0, 2, 1]], np.uint8))], [truth])
    np.testing.assert_array_equal(found, wanted)
    with pytest.raises(UnetError, match="same values"):
        read_class_pairs([write(tmp_path / "g.png", np.array([[0, 85, 90]], np.uint8))], [truth])


def test_colours_of_16_bit_are_numbered_like_those_of_8(tmp_path):
    full = 2**16 - 1
    colours = np.array([[[0, 0, 0], [full, 0, 0]], [[0, full, 0], [full, full, full]]], np.uint16)
    few = write(tmp_path / "8.png", (colours // 257).astype(np.uint8))
    tifffile.imwrite(tmp_path / "16.tif", colours, photometric="rgb")
    [one], [other] = (read_class_images([path]).indices for path in (few, tmp_path / "16.tif"))
    np.testing.assert_array_equal(one, other)
    assert (one[0, 0], one.max()) == (0, 3)


def test_a_mask_of_ours_says_how_many_classes_there_are(tmp_path):
    """Where a class was not found, or an image does not show one, ranks alone would equate the wrong ones."""
    mask = tmp_path / "mask.tif"
    facts = {"classes": ["background", "myelin", "axon"]}
    write_labels(mask, np.array([[0, 1, 1]]), axes="YX", pixel_size=None, provenance=facts)
    truth = write(tmp_path / "t.png", np.array([[0, 127, 255]], np.uint8))
    [found], [wanted] = read_class_pairs([mask], [truth])
    assert (found.tolist(), wanted.tolist()) == ([[0, 1, 1]], [[0, 1, 2]])
    ignored = write(tmp_path / "ignored.png", np.array([[0, 1, 255], [2, 2, 2]], np.uint8))
    [found], [wanted] = read_class_pairs([mask], [ignored])
    assert (found.tolist(), wanted.tolist()) == ([[0, 1, 1]], [[0, 1, 3], [2, 2, 2]])
    with pytest.raises(UnetError, match="model of 3 classes, the truth holds 2 values"):
        read_class_pairs([mask], [write(tmp_path / "few.png", np.array([[0, 255, 255]], np.uint8))])


def test_colours_keep_their_classes_also_where_one_does_not_occur(tmp_path):
    black, red, blue = (0, 0, 0), (255, 0, 0), (0, 0, 255)
    whole = write(tmp_path / "whole.png", np.array([[black, red, blue]], np.uint8))
    part = write(tmp_path / "part.png", np.array([[black, red, red]], np.uint8))
    marks = read_class_images([whole]).marks
    assert sorted(marks) == ["#000000", "#0000ff", "#ff0000"]
    [indices] = read_class_images([part], marks=marks).indices
    assert [marks[index] for index in indices[0]] == ["#000000", "#ff0000", "#ff0000"]
    green = write(tmp_path / "green.png", np.array([[black, (0, 255, 0)]], np.uint8))
    with pytest.raises(UnetError, match="the labels hold #00ff00, the model's classes are #000000"):
        read_class_images([green], marks=marks)


def test_strokes_of_a_known_colour_are_of_its_class(tmp_path):
    marks = ("#000000", "#0000ff", "#ff0000")
    strokes = write(tmp_path / "strokes.png", np.array([[(0, 0, 0), (255, 0, 0)]], np.uint8))
    [indices] = read_class_images([strokes], strokes=True, marks=marks).indices
    assert indices.tolist() == [[0, 3]]


def test_grey_values_are_marks_too(tmp_path):
    read = read_class_images([write(tmp_path / "grey.png", np.array([[0, 128, 255]], np.uint8))])
    assert read.marks == ("0", "128", "255")
    assert read_class_images([write(tmp_path / "few.png", np.array([[0, 1, 2]], np.uint8))]).marks == ()
