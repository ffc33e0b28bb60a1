"""Random views: image and ids warped alike, nothing changed where nothing is asked for, everything seeded."""

import math

import numpy as np
import pytest
import torch

from napari_unet.arrays.normalization import Normalization
from napari_unet.errors import UnetError
from napari_unet.nets.augmentation import as_tensor, draw_warp, warp_image, warp_labels
from napari_unet.nets.blur import gaussian_blur
from napari_unet.nets.intensity_augmentation import change_intensity
from napari_unet.settings.augmentation import AugmentationSettings
from tests.nets.small import noise

NONE = AugmentationSettings.none()
CPU = torch.device("cpu")


def warp(settings, centre, seed=0):
    return draw_warp(np.random.default_rng(seed), centre, settings)


def discs(side=80, radius=9, step=26):
    y, x = np.mgrid[:side, :side]
    labels = np.zeros((side, side), np.int32)
    for number, (cy, cx) in enumerate(np.ndindex(3, 3), start=1):
        labels[np.hypot(y - 14 - step * cy, x - 14 - step * cx) <= radius] = number
    return torch.from_numpy(labels)


def test_no_augmentation_gives_the_crop_itself():
    image, labels = noise(2, 40, 30), discs(40)
    still = warp(NONE, (20, 14))
    torch.testing.assert_close(warp_image(image, still, (11, 9)), image[:, 15:26, 10:19], atol=1e-4, rtol=0)
    np.testing.assert_array_equal(warp_labels(labels, still, (11, 9)), labels[15:26, 10:19])
    assert torch.equal(change_intensity(image.abs(), np.random.default_rng(0), NONE, Normalization()), image.abs())


def test_no_augmentation_gives_a_crop_of_even_size_too():
    image, labels = noise(1, 40, 30), discs(40)
    still = warp(NONE, (20, 14))
    torch.testing.assert_close(warp_image(image, still, (8, 10)), image[:, 16:24, 9:19], atol=1e-4, rtol=0)
    np.testing.assert_array_equal(warp_labels(labels, still, (8, 10)), labels[16:24, 9:19])


def test_beyond_the_image_it_is_mirrored():
    image = noise(1, 12, 12)
    expected = np.pad(image[0].numpy(), 6, mode="reflect")[:13, :13]
    np.testing.assert_allclose(warp_image(image, warp(NONE, (0, 0)), (13, 13))[0], expected, atol=1e-4)


def test_an_image_of_one_pixel_fills_any_view():
    assert (warp_image(torch.full((1, 1, 1), 3.0), warp(AugmentationSettings(), (0, 0)), (9, 9)) == 3).all()


@pytest.mark.parametrize("seed", range(5))
def test_image_and_labels_are_warped_alike(seed):
    labels = (discs() > 0).int()
    drawn = warp(AugmentationSettings(), (40, 40), seed)
    as_image = warp_image(labels[None].float(), drawn, (64, 64))[0].numpy()
    as_labels = warp_labels(labels, drawn, (64, 64))
    assert ((as_image > 0.5) != as_labels).mean() < 0.02
    np.testing.assert_array_equal(warp_image(labels[None], drawn, (64, 64), nearest=True)[0], as_labels)


@pytest.mark.parametrize("seed", range(3))
def test_only_ids_of_the_image_come_out_also_large_ones(seed):
    ids = discs().long() * 1_000_003
    view = warp_labels(ids, warp(AugmentationSettings(elastic=20), (30, 50), seed), (64, 64))
    assert view.dtype == np.int32
    assert set(np.unique(view)) <= set(np.unique(ids))
    assert len(np.unique(view)) > 1


def test_flips_alone_give_one_of_four_mirror_images():
    image = noise(1, 31, 31)
    mirrored = [image, image.flip(1), image.flip(2), image.flip(1, 2)]
    found = set()
    for seed in range(12):
        view = warp_image(image, warp(NONE.replace(flip=True), (15, 15), seed), (31, 31))
        fits = [torch.allclose(view, mirror, atol=1e-4) for mirror in mirrored]
        assert sum(fits) == 1
        found.add(fits.index(True))
    assert found == {0, 1, 2, 3}


def centre_of_mass(image):
    positions = torch.meshgrid(*(torch.arange(length) - (length - 1) / 2 for length in image.shape), indexing="ij")
    return np.array([float((image * position).sum() / image.sum()) for position in positions])


def bump(offset, shape=(65, 65), width=2):
    y, x = np.mgrid[: shape[0], : shape[1]] - 32
    return torch.from_numpy(np.exp(-((y - offset[0]) ** 2 + (x - offset[1]) ** 2) / (2 * width**2)))[None].float()


def test_rotations_alone_keep_every_distance_and_take_every_angle():
    angles = []
    for seed in range(30):
        view = warp_image(bump((0, 18)), warp(NONE.replace(rotate=True), (32, 32), seed), (49, 49))[0]
        y, x = centre_of_mass(view)
        assert math.hypot(y, x) == pytest.approx(18, abs=0.1)
        angles.append(math.atan2(y, x))
    assert max(angles) - min(angles) > 4


def test_a_scale_of_2_shows_objects_twice_as_large():
    view = warp_image(bump((0, 8)), warp(NONE.replace(scale=(2, 2)), (32, 32)), (65, 65))[0]
    np.testing.assert_allclose(centre_of_mass(view), (0, 16), atol=0.1)


def test_elastic_displacements_have_the_wanted_size():
    drawn = np.array([warp(NONE.replace(elastic=10), (5, 5), seed).displacements for seed in range(1000)])
    assert drawn.shape[1:] == (2, 3, 3)
    assert drawn.std() == pytest.approx(10, rel=0.05)


def test_the_same_seed_gives_the_same_view():
    image = noise(1, 50, 50).abs()

    def view(seed):
        rng = np.random.default_rng(seed)
        warped = warp_image(image, draw_warp(rng, (25, 25), AugmentationSettings()), (32, 32))
        return change_intensity(warped, rng, AugmentationSettings(), Normalization())

    assert torch.equal(view(1), view(1))
    assert not torch.allclose(view(1), view(2))


def test_volumes_are_warped_too():
    volume, labels = noise(2, 9, 30, 30), torch.from_numpy(np.arange(9)[:, None, None] * np.ones((9, 30, 30), int))
    drawn = warp(AugmentationSettings(), (4, 15, 15), 3)
    assert warp_image(volume, drawn, (7, 16, 12)).shape == (2, 7, 16, 12)
    assert warp_labels(labels, drawn, (7, 16, 12)).shape == (7, 16, 12)
    still = warp(NONE, (4, 15, 15))
    torch.testing.assert_close(
        warp_image(volume, still, (3, 5, 7)), volume[:, 3:6, 13:18, 12:19], atol=1e-4, rtol=0
    )


@pytest.mark.parametrize("seed", range(8))
def test_grey_values_stay_finite_whatever_the_image(seed):
    strong = AugmentationSettings(gamma=(0.1, 5), contrast=(0.01, 10), noise=1, offset=1, blur=5)
    image = 3 * noise(2, 20, 20)
    changed = change_intensity(image, np.random.default_rng(seed), strong, Normalization())
    assert changed.shape == image.shape
    assert changed.isfinite().all()


def test_blurring_keeps_the_mean_and_calms_the_noise():
    image = noise(1, 40, 50)
    blurred = gaussian_blur(image, 1.5)
    assert blurred.shape == image.shape
    assert blurred.std() < image.std() / 3
    torch.testing.assert_close(gaussian_blur(torch.ones(2, 5, 6, 7), 2), torch.ones(2, 5, 6, 7))


def test_augmenting_leaves_the_image_as_it_was():
    image = noise(1, 20, 20)
    before = image.clone()
    warp_image(image, warp(AugmentationSettings(), (10, 10)), (8, 8))
    change_intensity(image, np.random.default_rng(0), AugmentationSettings(), Normalization())
    assert torch.equal(image, before)


def test_arrays_become_float32_tensors():
    assert as_tensor(np.arange(6, dtype=np.uint16)[::2], CPU).tolist() == [0, 2, 4]


@pytest.mark.parametrize("options", [{"scale": (2, 1)}, {"gamma": (0, 1)}, {"noise": -1}, {"elastic": -0.1}])
def test_nonsense_is_refused(options):
    with pytest.raises(UnetError):
        AugmentationSettings(**options)
