"""Which models know an image: by what they say of it, never by what it is called."""

from pathlib import Path

import numpy as np
import pytest

from napari_unet.arrays.axes import planes
from napari_unet.arrays.stained import is_stained
from napari_unet.files.images import read_image
from napari_unet.models.suggestion import Evidence, judge, suggestion_steps
from napari_unet.progress import finish
from napari_unet.samples import SAMPLES

DATA = Path(__file__).parents[3] / "shared" / "data"
EXPECTED = {
    "dsb2018_fluo": "nuclei",
    "bbbc039_u2os_16bit": "nuclei",
    "nuclei3d_bbbc050": "nuclei",
    "dsb2018_histology": "nuclei-histology",
    "phase_t98g": "cells-phase",
    "em_vnc_sstem": "em-membranes",
    "em3d_fib25": "em-membranes",
    "em_axon_sem": "axons",
    "membranes_endothelium": None,
}


def suggest(array, axes=None, channel=None):
    return finish(suggestion_steps(array, axes, channel=channel))


def best(array, axes=None):
    found = suggest(array, axes)
    return found.models[0] if found.known else None


@pytest.fixture(scope="module")
def nuclei():
    return read_image(SAMPLES[1].path).array


@pytest.mark.skipif(not DATA.exists(), reason="needs the data pack beside the checkout")
@pytest.mark.parametrize("folder", EXPECTED)
def test_an_image_of_each_kind_finds_its_model(folder):
    """benchmarks.suggestion measures all of them."""
    paths = sorted((DATA / folder / "images").iterdir())
    image = read_image(paths[len(paths) // 2])
    assert best(np.asarray(image.array), image.axes) == EXPECTED[folder]


def test_nuclei_are_known_also_stored_as_rgb(nuclei):
    assert best(nuclei) == "nuclei"
    assert best(np.stack([nuclei] * 3, -1), "YXS") == "nuclei"
    blue = np.stack([nuclei * 0, nuclei // 3, nuclei], -1)
    assert best(blue, "YXS") == "nuclei"


def test_no_model_of_tissue_is_asked_about_fluorescence_stored_as_rgb(nuclei):
    for shares in ((1, 1, 1), (0, 0, 1), (0, 1, 0), (0.2, 0.5, 1)):
        found = suggest(np.stack([(nuclei * share).astype(nuclei.dtype) for share in shares], -1), "YXS")
        assert "nuclei-histology" not in found.models


@pytest.mark.parametrize("period", [9, 60])
def test_no_model_knows_stripes(period):
    rows, columns = np.mgrid[:256, :256]
    wave = np.sin(2 * np.pi * (columns + 0.4 * rows) / period)
    assert best((wave * 100 + 128).astype(np.uint8)) is None
    assert best((np.sign(wave) * 100 + 128).astype(np.uint8)) is None


def test_images_without_anything_to_see_get_no_suggestion():
    assert suggest(np.zeros((40, 40))) is None
    assert suggest(np.full((40, 40), np.nan)) is None


def test_several_channels_wait_for_one_to_be_chosen(nuclei):
    both = np.stack([nuclei[::-1] * 0, nuclei])
    assert suggest(both, "CYX") is None
    assert suggest(both, "CYX", channel=1).models[0] == "nuclei"


@pytest.mark.parametrize("shape", [(1, 1), (5, 300), (17, 33), (3, 20, 20)])
def test_images_of_any_size_are_looked_at(shape):
    values = np.random.default_rng(0).random(shape)
    assert suggest(values, "ZYX"[-len(shape) :]) is None or not suggest(values, "ZYX"[-len(shape) :]).known


def test_models_are_ranked_by_what_surprises_them_least():
    def said(model, surprise):
        return Evidence(model=model, surprise=(surprise,), certainty=(0.95,), objects=(0.8,), cover=(0.2,))

    found = judge([said("axons", 0.5), said("nuclei", 0.1), said("em-membranes", 0.5)])
    assert found.models[0] == "nuclei"
    assert found.known
    assert list(found.familiarity) == sorted(found.familiarity, reverse=True)
    unknown = judge([said("nuclei", 5.0)])
    assert not unknown.known
    assert (found.best, unknown.best) == ("nuclei", "cells")


def test_dyes_darken_and_fluorescence_shines():
    """Whatever their colours."""
    rng = np.random.default_rng(0)
    amount = rng.random((64, 64, 1))
    for colour in ((0.6, 0.8, 0.3), (0.1, 0.9, 0.5), (0.9, 0.2, 0.9)):
        assert is_stained(plane(255 * np.exp(-amount * colour)))
        assert not is_stained(plane(255 * amount * colour))
    assert not is_stained(plane(np.repeat(255 * amount, 3, -1)))


def plane(array):
    return next(planes(array, "YXS", spatial="YX", channels=3))
