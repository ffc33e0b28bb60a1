"""Other dyes and scanners: absorbances change, and what is dark stays dark."""

import numpy as np
import pytest
import torch

from napari_unet.arrays.normalization import Normalization, Percentile
from napari_unet.nets.intensity_augmentation import change_intensity
from napari_unet.nets.stain_augmentation import COUNTERSTAIN, COUNTERSTAINED, PALEST, restain
from napari_unet.settings.augmentation import AugmentationSettings

WHITE, VIOLET = (1.0, 1.0, 1.0), (0.35, 0.2, 0.5)
SEEDS = range(40)


def view() -> torch.Tensor:
    """Return a violet nucleus on a white ground."""
    image = torch.tensor(WHITE)[:, None, None].repeat(1, 40, 40)
    image[:, 10:25, 12:30] = torch.tensor(VIOLET)[:, None, None]
    return image


def is_counterstained(seed: int, strength: float) -> bool:
    """Whether the view of this seed got a further stain: the ground is no longer white."""
    return bool((restain(view(), np.random.default_rng(seed), strength)[:, :5] < 0.999).any())


def test_without_strength_and_counterstain_views_only_differ_in_how_pale_they_are():
    plain = [seed for seed in SEEDS if not is_counterstained(seed, 0.0)]
    paleness = []
    for seed in plain:
        seen = restain(view(), np.random.default_rng(seed), 0.0)
        shares = torch.log(seen[:, 17, 20]) / torch.log(view()[:, 17, 20])
        assert shares.max() - shares.min() < 1e-3, "the colour stays"
        paleness.append(float(shares.mean()))
    assert min(paleness) >= PALEST - 1e-3
    assert max(paleness) == pytest.approx(1, abs=1e-3)
    assert 0.1 < np.mean(np.array(paleness) < 0.99) < 0.8


def test_about_as_many_views_as_promised_are_counterstained():
    share = np.mean([is_counterstained(seed, 0.5) for seed in range(200)])
    assert abs(share - COUNTERSTAINED) < 0.1


@pytest.mark.parametrize("seed", SEEDS)
def test_nuclei_stay_darker_than_the_ground(seed):
    seen = restain(view(), np.random.default_rng(seed), 0.6).mean(0)
    mirrored = seen[12:23, 10:12]  # where the mirror image has a nucleus and the view has none
    assert seen[12:23, 14:28].mean() < min(seen[30:].mean() - 0.05, mirrored.mean())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_counterstain_only_absorbs_and_no_more_than_promised(seed):
    ground = restain(view(), np.random.default_rng(seed), 0.0)[:, 30:]
    assert ground.max() <= 1.0001
    assert ground.min() >= np.exp(-COUNTERSTAIN) - 1e-3


def test_colours_differ_from_seed_to_seed():
    nuclei = [restain(view(), np.random.default_rng(seed), 0.6)[:, 17, 20].numpy() for seed in SEEDS]
    shares = np.array([colour / colour.sum() for colour in nuclei])
    assert shares.std(axis=0).min() > 0.02


def test_only_views_in_colour_are_restained():
    stained = AugmentationSettings.none().replace(stain=0.6)
    plain = Normalization(steps=(Percentile(),))
    grey = view()[:1]
    torch.testing.assert_close(change_intensity(grey, np.random.default_rng(1), stained, plain), grey)
    colour = change_intensity(view(), np.random.default_rng(1), stained, plain)
    assert (colour - view()).abs().max() > 0.01
