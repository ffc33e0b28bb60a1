"""What tests of the Segment panel share: discs, and a click on Segment."""

import numpy as np

from tests.widgets.conftest import click, wait_until_done

PLUGIN = "napari-unet-interactive"


def nuclei_image(shape=(96, 112), seed=0):
    rng = np.random.default_rng(seed)
    image = rng.normal(100, 3, shape)
    rows, columns = np.indices(shape[-2:])
    for row in range(20, shape[-2], 32):
        for column in range(20, shape[-1], 32):
            image[..., (rows - row) ** 2 + (columns - column) ** 2 < 64] += 200
    return image.astype(np.uint16)


def segment(qtbot, panel):
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    return panel._viewer.layers[-1]
