"""The heart of the product through the real window: Segment, paint, Fine-tune, look, Accept or Revert."""

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt, QTimer

from napari_unet.models import library
from napari_unet.models.spec import read_spec
from napari_unet.widgets.layers import KEY
from napari_unet.widgets.painted import PREVIEW, role_of
from napari_unet.widgets.preview import NAME
from tests.widgets.conftest import click, messages, wait_until_done

PLUGIN = "napari-unet-interactive"


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """Keep the user's own models where they are."""
    folder = tmp_path / "data"
    monkeypatch.setattr(library, "user_data_path", lambda *_, **__: folder)
    return folder / "models"


@pytest.fixture
def viewer(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1400, 1000)
    return viewer


@pytest.fixture
def segment_panel(viewer):
    return viewer.window.add_plugin_dock_widget(PLUGIN, "Segment")[1]


@pytest.fixture
def panel(viewer, segment_panel):
    return viewer.window.add_plugin_dock_widget(PLUGIN, "Fine-tune")[1]


def cells(shape=(96, 128)):
    """Dim large discs, bright small dots: the nuclei model finds what it likes, the test teaches."""
    rng = np.random.default_rng(0)
    image = rng.normal(100, 3, shape)
    rows, columns = np.indices(shape)
    for row in range(20, shape[0], 32):
        for column in range(20, shape[1], 32):
            image[(rows - row) ** 2 + (columns - column) ** 2 < 64] += 200
    return image.astype(np.uint16)


def brush(viewer, qtbot, layer, points):
    """Paint a stroke with the mouse on the canvas, through the data points given."""
    viewer.layers.selection.active = layer
    native = viewer.window._qt_viewer.canvas.native
    spots = [on_canvas(viewer, layer, point) for point in points]
    qtbot.mousePress(native, Qt.MouseButton.LeftButton, pos=spots[0])
    for spot in spots[1:]:
        qtbot.mouseMove(native, spot)
    qtbot.mouseRelease(native, Qt.MouseButton.LeftButton, pos=spots[-1])


def on_canvas(viewer, layer, point):
    """Return where a data point of a layer lies on the canvas."""
    world = layer.data_to_world(point)
    canvas = viewer.window._qt_viewer.canvas
    centre, zoom = np.asarray(viewer.scene.camera.center)[-2:], viewer.scene.camera.zoom
    offset = (np.asarray(world) - centre) * zoom
    width, height = canvas.native.width(), canvas.native.height()
    return QPoint(round(width / 2 + offset[1]), round(height / 2 + offset[0]))


def segment(qtbot, segment_panel):
    click(qtbot, segment_panel.job.start_button)
    wait_until_done(qtbot, segment_panel)
    return segment_panel._viewer.layers[-1]


def learn(qtbot, panel, seconds=4):
    panel.seconds.setValue(seconds)
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel, 120000)


def erase_some(viewer, qtbot, result):
    """Erase two objects with the brush and draw one more."""
    result.mode, result.selected_label, result.brush_size = "paint", 0, 22
    brush(viewer, qtbot, result, [(20, 20), (20, 22)])
    brush(viewer, qtbot, result, [(52, 84), (52, 86)])


def test_corrections_are_learnt_shown_accepted_and_used(viewer, segment_panel, panel, qtbot, own_folder, tmp_path):
    viewer.add_image(cells(), name="cells")
    result = segment(qtbot, segment_panel)
    assert result.data.max() == 12
    qtbot.wait(200)
    erase_some(viewer, qtbot, result)
    assert (result.data == 0)[20, 20]
    beats = heartbeat(qtbot)
    previews = []
    viewer.layers.events.inserted.connect(lambda event: previews.append(event.value.name))
    learn(qtbot, panel, 12)
    assert len(panel.curves.points["loss"]) > 5
    assert len(panel.curves.points["score"]) >= 1
    assert NAME in previews
    viewer.screenshot(str(tmp_path / "learnt.png"), canvas_only=False, flash=False)
    assert panel.outcome.isVisible()
    panel._outcome.tuned.sentence()
    print(beats(), panel.outcome.sentence.text(), tmp_path)


def heartbeat(qtbot, every=20):
    """Start a timer; the returned function gives the longest gap between two beats in seconds."""
    import time

    beats = [time.monotonic()]
    timer = QTimer()
    timer.timeout.connect(lambda: beats.append(time.monotonic()))
    timer.start(every)

    def longest():
        timer.stop()
        return max(np.diff(beats), default=0)

    return longest
