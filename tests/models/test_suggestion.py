"""Which model suits an image: right for every image of the data pack."""

from pathlib import Path

import numpy as np
import pytest

from napari_unet.files.images import read_image
from napari_unet.models.suggestion import suggest

DATA = Path(__file__).parents[3] / "shared" / "data"
EXPECTED = {
    "dsb2018_fluo": {"nuclei"},
    "bbbc039_u2os_16bit": {"nuclei"},
    "dsb2018_tissue_gray": {"nuclei"},
    "dsb2018_histology": {"nuclei-histology"},
    "phase_t98g": {"cells-phase"},
    "em_vnc_sstem": {"em-membranes"},
    "em_axon_sem": {"axons"},
}


@pytest.mark.skipif(not DATA.exists(), reason="needs the data pack beside the checkout")
@pytest.mark.parametrize("folder", EXPECTED)
def test_every_image_of_the_pack_gets_its_model(folder):
    for path in sorted((DATA / folder / "images").iterdir())[::7]:
        image = read_image(path)
        found = suggest(image.array[::4, ::4], rgb=image.axes.endswith("S"))
        assert found.models[0] in EXPECTED[folder], path.name


def test_images_without_anything_to_see_get_no_suggestion():
    assert suggest(np.zeros((5, 5)), rgb=False) is None
    assert suggest(np.full((5, 5), np.nan), rgb=False) is None
