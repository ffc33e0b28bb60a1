"""A stack from opening to a better model, in napari's 3D view, with a network of three dimensions."""

from dataclasses import replace

import numpy as np
import pytest

from napari_unet.settings.finetuning import FineTuningSettings
from tests.teaching import small
from tests.widgets.conftest import click, messages, wait_until_done
from tests.widgets.painting import segment
from tests.widgets.quick_nuclei import quick_nuclei

BRIGHT, DIM = 200, 90
BODIES = ((8, 10, 10, BRIGHT), (8, 10, 36, BRIGHT), (7, 36, 10, BRIGHT), (8, 36, 36, DIM), (8, 24, 52, DIM))
"""z, y, x and brightness: what lies below half of the brightest is background to the model."""
PLANES = (7, 8, 9)


@pytest.fixture
def stack():
    z, y, x = np.indices((16, 48, 64))
    image = np.random.default_rng(0).normal(20, 2, (16, 48, 64))
    for a, b, c, value in BODIES:
        image[(z - a) ** 2 + (y - b) ** 2 + (x - c) ** 2 <= 25] = value
    return image.astype(np.uint8)


def quickly(panel):
    """Let a panel learn in small boxes, by a few large steps."""
    whole = panel.form.request
    fast = FineTuningSettings().optimization.replace(learning_rate=1e-2)
    less = {"batch": 2, "patch": (8, 24, 24), "score_every": 5, "iterations": 20, "seconds": None, "device": "cpu"}

    def request(paints):
        asked = whole(paints)
        settings = asked.settings.replace(optimization=fast, augmentation=small.QUICK.augmentation, **less)
        return replace(asked, settings=settings)

    panel.form.request = request


def stroke(layer, label, rows, columns):
    """Paint the same part of three planes, undoably, as the brush does."""
    for plane in PLANES:
        y, x = (part.ravel() for part in np.mgrid[rows, columns])
        layer.data_setitem((np.full(len(y), plane), y, x), label)


def found(labels):
    """Return which of the bodies a result holds."""
    return [bool(labels[z, y, x]) for z, y, x, _ in BODIES]


def test_a_stack_is_segmented_painted_in_three_planes_and_learnt_in_the_3d_view(
    viewer, segment_panel, panel, stack, qtbot, tmp_path
):
    path = quick_nuclei("ZYX").save(tmp_path / "bodies.safetensors").path
    for one in (segment_panel.model, panel.form.model):
        one.choose_file(path)
    viewer.add_image(stack, name="embryo")
    viewer.dims.ndisplay = 3
    result = segment(qtbot, segment_panel)
    assert result.data.shape == stack.shape
    assert found(result.data) == [value == BRIGHT for *_, value in BODIES]
    assert len(np.unique(result.data[5:11, 10, 10])) == 1, "a body is one through its planes"
    click(qtbot, panel.tools.new_layer)
    layer = viewer.layers["embryo (annotation)"]
    for number, (_, y, x, _) in enumerate(BODIES, start=2):
        stroke(layer, number, slice(y - 2, y + 3), slice(x - 2, x + 3))
    for row in (2, 44):
        stroke(layer, 1, slice(row, row + 2), slice(3, 60))
    quickly(panel)
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    tuned = panel.trial.outcome.tuned
    assert tuned.improved, tuned.sentence()
    assert any("a volume in 3D" in message for message in messages()), "why no preview is shown"
    assert viewer.dims.ndisplay == 3
    panel.outcome.name.setText("all bodies")
    click(qtbot, panel.outcome.accept)
    wait_until_done(qtbot, panel)
    assert segment_panel.model.currentText() == "all bodies"
    again = segment(qtbot, segment_panel)
    assert viewer.dims.ndisplay == 3
    assert found(again.data) == [True] * len(BODIES)
