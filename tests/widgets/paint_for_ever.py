"""A window in which somebody paints, teaches and accepts without end, until it is killed; see test_killed.py.

python -m tests.widgets.paint_for_ever DIARY SECONDS    saved so often
"""

import os
import sys
import time

import napari
import numpy as np
from qtpy.QtCore import QTimer

from napari_unet.widgets.autosave import watcher
from napari_unet.widgets.teach.panel import FineTunePanel

EVERY_MS = 200
SHAPE = (256, 256)


def main(diary):
    """Paint a spot five times a second, and note each in the diary once it is there."""
    viewer = napari.Viewer()
    rng = np.random.default_rng()
    viewer.add_image(rng.normal(100, 10, SHAPE), name="image")
    panel = FineTunePanel(viewer)
    viewer.window.add_dock_widget(panel)
    panel.tools.new_layer.click()
    layer = viewer.layers[-1]
    layer.brush_size = 3
    panel.form.seconds.setValue(2)

    def paint():
        spot = tuple(int(i) for i in rng.integers(4, SHAPE[0] - 4, 2))
        layer.paint(spot, int(rng.integers(1, 30)))
        diary.write(f"{time.time()} {spot[0]} {spot[1]}\n")
        diary.flush()
        os.fsync(diary.fileno())

    def teach():
        if panel.job.is_running:
            return
        if panel.outcome.isVisible() and panel.outcome.accept.isEnabled():
            panel.accept()
        else:
            panel.start()

    timers = []
    for every, what in ((EVERY_MS, paint), (1000, teach)):
        timer = QTimer()
        timer.timeout.connect(what)
        timer.start(every)
        timers.append(timer)
    napari.run()


if __name__ == "__main__":
    watcher.EVERY = float(sys.argv[2])
    with open(sys.argv[1], "w") as file:  # noqa: PTH123 - line by line, to the end
        main(file)
