"""Another light on the same view: inversion, exposure, vignette, debris act before the compression."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_unet.arrays.normalization import Compress, Normalization, Percentile, TypicalObject
from napari_unet.nets.intensity_augmentation import change_intensity, compress, expand
from napari_unet.settings.augmentation import AugmentationSettings

COMPRESSION = 4.0
LOGARITHMIC = Normalization(steps=(Percentile(), Compress(factor=COMPRESSION)))


def still(**changes):
    """Return settings that change nothing but what is given."""
    return AugmentationSettings.none().replace(**changes)


def view(seed=0):
    return torch.rand(1, 32, 40, generator=torch.Generator().manual_seed(seed))


def test_compression_is_undone_and_done_again():
    torch.testing.assert_close(compress(expand(view(), COMPRESSION), COMPRESSION), view())
    torch.testing.assert_close(compress(expand(view(), 0), 0), view())


@pytest.mark.parametrize(("by_objects", "ground"), [(True, 0.5), (False, 1.0)])
def test_inversion_turns_intensities_as_the_normalisation_would_see_them(by_objects, ground):
    scale = TypicalObject() if by_objects else Percentile()
    normalization = replace(LOGARITHMIC, steps=(scale, Compress(factor=COMPRESSION)))
    inverted = change_intensity(view(), np.random.default_rng(1), still(inversion=1.0), normalization)
    before, after = (expand(one, COMPRESSION).flatten() for one in (view(), inverted))
    assert after[before < 0.05].min() > 0.9 * ground, "a bright ground is as bright as objects else are"
    assert after[before > 0.95].max() < 0.1
    order = before.argsort()
    assert (after[order].diff() <= 1e-5).all(), "the brighter, the darker"


def test_a_relief_is_bright_on_one_flank_and_dark_on_the_other():
    rows, columns = np.ogrid[-31.5:32, -31.5:32]
    disc = torch.from_numpy(0.7 * (np.hypot(rows, columns) < 12)[None]).float()
    for seed in range(10):
        seen = change_intensity(disc, np.random.default_rng(seed), still(relief=1.0), LOGARITHMIC)
        light = expand(seen, COMPRESSION)[0].numpy()
        np.testing.assert_allclose(light[:8], 0.5, atol=1e-3, err_msg="the ground is grey")
        inner = (light > 0.01) & (light < 0.99)
        np.testing.assert_allclose((light + light[::-1, ::-1])[inner], 1, atol=1e-3, err_msg="what rises, falls")
        flanks = [np.array(divmod(int(one), 64)) for one in (light.argmax(), light.argmin())]
        assert np.hypot(*(flanks[0] - flanks[1])) > 18


def test_debris_only_brightens_and_by_far():
    dirty = change_intensity(view(), np.random.default_rng(1), still(debris=1.0), LOGARITHMIC)
    assert (dirty >= view() - 1e-5).all()
    assert dirty.max() > 1.4


def test_debris_is_many_specks_or_few_flakes_and_never_much():
    dark = torch.zeros(1, 128, 128)
    dirty = [change_intensity(dark, np.random.default_rng(n), still(debris=1.0), LOGARITHMIC) for n in range(30)]
    specks = [ndimage.label(one[0].numpy() > 0.9)[1] for one in dirty]
    assert min(specks) <= 2
    assert max(specks) >= 6
    assert max(float((one > 0.9).float().mean()) for one in dirty) < 0.15


def test_a_view_is_measured_again_as_an_image_would_be():
    image = torch.zeros(1, 64, 64)
    image[..., 10:30, 10:30] = 0.2
    wanted = Normalization(steps=(TypicalObject(),))
    settings = still(exposure=(0.999, 1.001))
    seen = [change_intensity(image, np.random.default_rng(n), settings, wanted).max() for n in range(12)]
    assert {round(float(one), 1) for one in seen} == {0.2, 0.5}


def test_a_vignette_only_darkens():
    dimmed = [
        change_intensity(view(), np.random.default_rng(seed), still(vignette=0.7), LOGARITHMIC)
        for seed in range(20)
    ]
    assert all((one <= view() + 1e-5).all() for one in dimmed)
    assert any((one < view() - 0.1).any() for one in dimmed)


def test_exposure_scales_what_comes_before_the_compression():
    rng = np.random.default_rng(3)
    exposed = [change_intensity(view(), rng, still(exposure=(0.1, 2)), LOGARITHMIC) for _ in range(30)]
    factors = [(expand(one, COMPRESSION) / expand(view(), COMPRESSION)) for one in exposed]
    assert all(float(factor.max() - factor.min()) < 1e-3 for factor in factors)
    assert len({round(float(factor.mean()), 3) for factor in factors}) > 3


@pytest.mark.parametrize("name", ["inversion", "relief", "vignette", "debris", "crowding", "shot"])
def test_chances_beyond_one_are_refused(name):
    with pytest.raises(Exception, match=name):
        AugmentationSettings(**{name: 1.5})


def test_texture_is_uneven_over_some_pixels_and_leaves_darkness_dark():
    image = view().clamp_min(0.1)
    image[..., :10] = 0
    stained = [
        change_intensity(image, np.random.default_rng(seed), still(texture=0.4), LOGARITHMIC) for seed in range(20)
    ]
    assert all(one[..., :10].abs().max() < 1e-6 for one in stained)
    factors = [expand(one, COMPRESSION)[..., 10:] / expand(image, COMPRESSION)[..., 10:] for one in stained]
    most = max(factors, key=lambda one: float(one.std()))
    assert most.min() < 0.8
    assert most.max() > 1.2
    assert min(float(one.std()) for one in factors) < 1e-4, "not every view is stained unevenly"


def test_haze_only_adds_light_and_little_detail():
    hazy = [
        change_intensity(view(), np.random.default_rng(seed), still(haze=0.5), LOGARITHMIC) for seed in range(20)
    ]
    added = [expand(one, COMPRESSION) - expand(view(), COMPRESSION) for one in hazy]
    assert all(one.min() > -1e-5 for one in added)
    strongest = max(added, key=lambda one: float(one.mean()))
    assert strongest.mean() > 0.05
    assert strongest.std() < 0.5 * expand(view(), COMPRESSION).std()


def test_shot_noise_spares_the_dark():
    image = torch.ones(1, 64, 64)
    image[..., :32] = 0
    grainy = [
        change_intensity(image, np.random.default_rng(seed), still(noise=0.3, shot=1.0), LOGARITHMIC)
        for seed in range(12)
    ]
    assert all(one[..., :32].abs().max() < 1e-6 for one in grainy)
    assert max(float(one[..., 32:].std()) for one in grainy) > 0.05
