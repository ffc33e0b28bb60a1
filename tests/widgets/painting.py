"""What a person does in the window: discs to look at, strokes of the brush, clicks and waiting."""

from dataclasses import replace

import numpy as np
from qtpy.QtCore import QPoint, Qt, QTimer

from tests.widgets.conftest import click, wait_until_done


def dots(shape=(96, 128), diamonds=(), faint=()):
    """Bright discs; at some places dimmer diamonds instead, or small faint discs between them."""
    rng = np.random.default_rng(0)
    image = rng.normal(100, 3, shape)
    rows, columns = np.indices(shape)
    for row in range(20, shape[0], 32):
        for column in range(20, shape[1], 32):
            if (row, column) in diamonds:
                image[np.abs(rows - row) + np.abs(columns - column) < 10] += 120
            else:
                image[(rows - row) ** 2 + (columns - column) ** 2 < 64] += 200
    for row, column in faint:
        image[(rows - row) ** 2 + (columns - column) ** 2 < 25] += 40
    return image.astype(np.uint16)


def brush(viewer, qtbot, layer, points, *, label, size=5):
    """Paint a stroke with the mouse on the canvas, through the data points given."""
    viewer.layers.selection.active = layer
    layer.mode, layer.selected_label, layer.brush_size = "paint", label, size
    native = viewer.window._qt_viewer.canvas.native
    spots = [on_canvas(viewer, layer, point) for point in points]
    qtbot.mousePress(native, Qt.MouseButton.LeftButton, pos=spots[0])
    for spot in spots[1:]:
        qtbot.mouseMove(native, spot)
    qtbot.mouseRelease(native, Qt.MouseButton.LeftButton, pos=spots[-1])


def on_canvas(viewer, layer, point):
    """Return where a data point of a layer lies on the canvas."""
    canvas = viewer.window._qt_viewer.canvas.native
    centre = np.asarray(viewer.scene.camera.center)[-2:]
    offset = (np.asarray(layer.data_to_world(point)) - centre) * viewer.scene.camera.zoom
    return QPoint(round(canvas.width() / 2 + offset[1]), round(canvas.height() / 2 + offset[0]))


def segment(qtbot, segment_panel):
    click(qtbot, segment_panel.job.start_button)
    wait_until_done(qtbot, segment_panel)
    qtbot.wait(100)
    return segment_panel._viewer.layers[-1]


def learn(qtbot, panel, seconds=8):
    panel.form.seconds.setValue(seconds)
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)


def in_small_patches(panel, **changes):
    """Let a panel learn from 2 patches of 64 px a step, a tenth of the usual work: drawn discs need no more.

    `changes` says what else differs from the settings of the panel.
    """
    whole = panel.form.request

    def request(paints):
        asked = whole(paints)
        return replace(asked, settings=asked.settings.replace(batch=2, patch=64, **changes))

    panel.form.request = request


def learn_until(qtbot, panel, score, **changes):
    """Learn until the score is reached, then press Stop: slow machines take longer, fast ones do not wait."""
    in_small_patches(panel, **changes)
    panel.form.seconds.setValue(3600)
    click(qtbot, panel.job.start_button)

    def reached():
        return max((y for _, y in panel.curves.points["score"]), default=0) > score

    qtbot.waitUntil(reached, timeout=1800 * 1000)
    click(qtbot, panel.job.cancel_button)
    wait_until_done(qtbot, panel)


def heartbeat(every=20):
    """Start a timer; the returned function stops it and gives how often it ticked, next to never when frozen."""
    beats = []
    timer = QTimer()
    timer.timeout.connect(lambda: beats.append(None))
    timer.start(every)

    def count():
        timer.stop()
        return len(beats)

    return count
