"""Copies of objects are added as light adds up, keep out of the way, and get ids of their own."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_unet.arrays.neighbours import ridge
from napari_unet.nets.copy_paste import MAX_OVERLAP, crowd

COMPRESSION = 4.0


def scene(dims=2, dark=False):
    """Return a view with discs at random places, and their ids."""
    rng = np.random.default_rng(7)
    shape = (72, 80) if dims == 2 else (20, 40, 44)
    labels = np.zeros(shape, np.int32)
    positions = np.indices(shape)
    for number in range(1, 9):
        centre = np.array([rng.integers(6, length - 6) for length in shape]).reshape(-1, *(1,) * dims)
        disc = ((positions - centre) ** 2).sum(0) < 36
        labels[disc & (labels == 0)] = number
    light = np.where(labels > 0, 0.1 if dark else 0.6, 0.5 if dark else 0.05)
    return torch.from_numpy(light[None].astype(np.float32)), labels


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("seed", range(5))
def test_nothing_that_was_there_is_lost(dims, seed):
    image, labels = scene(dims)
    crowded, ids = crowd(image, labels, np.random.default_rng(seed), COMPRESSION)
    assert crowded.shape == image.shape
    assert ids.dtype == np.int32
    assert (crowded >= image - 1e-5).all(), "light adds up"
    assert np.array_equal(ids[labels > 0], labels[labels > 0]), "copies lie behind"


@pytest.mark.parametrize("seed", range(5))
def test_copies_are_most_of_an_object_and_bright(seed):
    image, labels = scene()
    crowded, ids = crowd(image, labels, np.random.default_rng(seed), COMPRESSION)
    areas = np.bincount(labels.ravel())
    for number in np.unique(ids[ids > labels.max()]):
        copy = ids == number
        assert copy.sum() >= (1 - MAX_OVERLAP) * areas[number - labels.max()]
        assert crowded[0].numpy()[copy].min() > 0.4


def test_far_from_the_copies_nothing_changes():
    image, labels = scene()
    crowded, _ids = crowd(image, labels, np.random.default_rng(1), COMPRESSION)
    mirrored = ndimage.distance_transform_edt(~((labels > 0) | (labels[::-1] > 0) | (labels[:, ::-1] > 0)
                                                | (labels[::-1, ::-1] > 0)))  # fmt: skip
    far = mirrored > 8
    assert far.any()
    np.testing.assert_allclose(crowded[0].numpy()[far], image[0].numpy()[far], atol=1e-3)


def test_more_objects_touch():
    image, labels = scene()
    touching = [np.count_nonzero(ridge(crowd(image, labels, np.random.default_rng(s))[1])) for s in range(20)]
    assert np.mean(touching) > np.count_nonzero(ridge(labels))


def test_dark_objects_and_empty_views_stay_as_they_are():
    image, labels = scene(dark=True)
    for ids in (labels, np.zeros_like(labels), np.ones_like(labels)):
        same, kept = crowd(image, ids, np.random.default_rng(0), COMPRESSION)
        assert same is image
        assert kept is ids


def test_the_same_seed_gives_the_same_view():
    image, labels = scene()
    (first, one), (second, two) = (crowd(image, labels, np.random.default_rng(3)) for _ in range(2))
    assert torch.equal(first, second)
    assert np.array_equal(one, two)
