"""Is the window alive: the longest pauses of a 20 ms timer while panels open, segment and fine-tune the sample.

xvfb-run -a -s "-screen 0 1280x1024x24" python -m benchmarks.heartbeat

Also how long after the click on Fine-tune the first refreshed prediction is seen.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import napari
import numpy as np
from napari.qt import get_qapp
from qtpy.QtCore import QTimer

from benchmarks.timing import table
from napari_unet.widgets.teach.preview import NAME

PLUGIN = "napari-unet-interactive"
SECONDS = 20
DRAWN = 0.5
"""Seconds after the end of work in which what came of it is drawn."""


def pauses(act: Callable[[], None], job: Any, watch: Callable[[], None]) -> list[float]:
    """Do something and return the pauses between beats until its work ended and was drawn, the longest first."""
    app, beats = get_qapp(), [time.perf_counter()]
    heart = QTimer()
    heart.timeout.connect(lambda: beats.append(time.perf_counter()))
    heart.start(20)
    act()
    ended = time.perf_counter()
    while job.is_running or time.perf_counter() < ended + DRAWN:
        if job.is_running:
            ended = time.perf_counter()
        app.processEvents()
        watch()
        time.sleep(0.001)
    heart.stop()
    return sorted((float(pause) for pause in np.diff(beats)), reverse=True)


def open_panels(viewer: napari.Viewer) -> tuple[dict[str, Any], list[list[object]]]:
    """Open the workspace and its tabs; return the panels by name, and a row of the table for each."""
    found: list[Any] = []

    def dock() -> None:
        found.append(viewer.window.add_plugin_dock_widget(PLUGIN, "U-Net workspace")[1])

    idle = SimpleNamespace(is_running=False)
    rows: list[list[object]] = []
    for name in ("Workspace", "Teach", "Results", "Export"):
        act = dock if not found else partial(found[0].show_tab, name)
        beats = pauses(act, idle, lambda: None)
        rows.append([f"Open {name}", len(beats), *beats[:2], "-"])
    found[0].show_tab("Segment")
    return found[0].panels, rows


def main() -> None:
    """Print the table."""
    viewer = napari.Viewer()
    viewer.window.resize(1400, 1000)
    panels, rows = open_panels(viewer)
    segment, teach = panels["Segment"], panels["Teach"]
    viewer.open_sample(PLUGIN, "u2os")
    for _ in range(50):
        get_qapp().processEvents()
        time.sleep(0.02)
    for number in range(3):
        found = pauses(segment.job.start_button.click, segment.job, lambda: None)
        rows.append([f"Segment {number + 1}", len(found), *found[:2], "-"])
    result = viewer.layers[-1]
    for row, column in ((100, 100), (200, 300), (300, 500), (400, 200), (450, 600), (60, 400)):
        result.data[row : row + 12, column : column + 12] = 0
    teach.form.seconds.setValue(SECONDS)
    for number in range(3):
        first: list[float] = []
        began = time.perf_counter()

        def watch(first: list[float] = first, began: float = began) -> None:
            if not first and NAME in viewer.layers:
                first.append(time.perf_counter() - began)

        found = pauses(teach.job.start_button.click, teach.job, watch)
        rows.append([f"Fine-tune {number + 1}", len(found), *found[:2], first[0] if first else "never"])
        found = pauses(teach.trial.forget, teach.job, lambda: None)
        rows.append([f"Revert {number + 1}", len(found), *found[:2], "-"])
    print(table("Heartbeat of 20 ms", ["work", "beats", "longest s", "second s", "first preview s"], rows))
    viewer.close()


if __name__ == "__main__":
    main()
