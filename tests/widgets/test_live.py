"""While an image is segmented, what is found so far is shown, and what is in view comes first."""

import gc

import numpy as np
import pytest
from napari.layers import Image

from napari_unet.widgets.parts.garbage_collection import GcPause
from napari_unet.widgets.segment.live import NAME
from napari_unet.widgets.segment.panel import SegmentPanel
from tests.conftest import make_bright_model
from tests.widgets.conftest import click, wait_until_done

pytestmark = pytest.mark.usefixtures("pixels_drawn")


@pytest.fixture
def panel(make_napari_viewer, qtbot, tmp_path):
    viewer = make_napari_viewer(show=True)
    image = np.zeros((320, 320), np.uint8)
    image[10:40, 10:40] = image[280:310, 270:310] = 220
    viewer.add_image(image, name="cells", scale=(0.5, 0.5), translate=(3, 4))
    make_bright_model().save(tmp_path / "bright.safetensors")
    panel = SegmentPanel(viewer)
    qtbot.addWidget(panel)
    panel.model.choose_file(tmp_path / "bright.safetensors")
    panel.advanced.boxes["zoom"].choose(1.0)
    panel.viewer = viewer
    return panel


def pictures(viewer):
    return [layer for layer in viewer.layers if isinstance(layer, Image) and NAME in layer.name]


def test_tiles_are_shown_in_their_place_and_gone_at_the_end(panel, qtbot):
    seen = []

    def look(_):
        seen.extend((layer.data.copy(), layer.scale, layer.translate) for layer in pictures(panel.viewer))

    panel.job.progressed.connect(look)
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    assert seen
    shown, scale, translate = seen[-1]
    np.testing.assert_allclose(scale, (0.5, 0.5))
    np.testing.assert_allclose(translate, (3, 4))
    assert min(shown[20, 20], shown[290, 290]) > 200 > 20 > shown[150, 150]
    assert not pictures(panel.viewer)
    assert panel.image.value.name == "cells"


def test_what_is_in_view_comes_first(panel, qtbot):
    panel.advanced.boxes["tile"].setValue(64)
    first = []

    def note(step):
        if step.preview is not None and not first:
            first.append(step.preview.box)

    panel.job.progressed.connect(note)
    panel.viewer.scene.camera.center = (3 + 150, 4 + 145)
    panel.viewer.scene.camera.zoom = 20
    layer = panel.image.value
    qtbot.waitUntil(lambda: np.asarray(layer.corner_pixels)[0].min() > 200, timeout=300000)  # it is drawn
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    assert first[0]["Y"][0] <= 300 < first[0]["Y"][1]
    assert first[0]["X"][0] <= 290 < first[0]["X"][1]


def test_a_run_that_is_cancelled_leaves_no_picture(panel, qtbot):
    panel.advanced.boxes["tile"].setValue(16)
    panel.job.progressed.connect(lambda step: step.preview is not None and panel.job.cancel())
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    assert not pictures(panel.viewer)
    assert "Cancelled" in panel.job.status.text()


def test_to_take_the_picture_away_nothing_is_walked_that_lived_before(panel, qtbot, monkeypatch):
    """napari collects garbage whenever a layer is removed, which would freeze the window for long."""
    monkeypatch.setattr(GcPause, "_set_aside", True)  # as after the first work, at whose end all is set aside
    known, walked = [panel], []

    def collect(*_):
        walked.append(any(one is known for one in gc.get_objects()))

    monkeypatch.setattr(gc, "collect", collect)
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    assert not pictures(panel.viewer)
    assert walked
    assert not any(walked)
