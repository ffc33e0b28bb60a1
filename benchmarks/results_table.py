"""The Results panel with 100 000 objects: pauses of a 20 ms timer while it measures, sorts, filters and edits.

xvfb-run -a -s "-screen 0 1280x1024x24" python -m benchmarks.results_table

Blocked time is what pauses last beyond the beat, summed over those of 50 ms and more.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import napari
import numpy as np
from napari.qt import get_qapp
from qtpy.QtCore import Qt, QTimer

from benchmarks.timing import table

PLUGIN = "napari-unet-interactive"
SIDE, STEP = 317, 12
"""Objects per side, and pixels from one to the next."""
BEAT = 0.02
NOTICED = 0.05
"""Seconds of a pause that a person may notice; shorter ones are the machine's."""


def many_objects() -> np.ndarray:
    """Return labels of 100 489 ellipses."""
    rng, (y, x) = np.random.default_rng(0), np.indices((STEP, STEP)) - 5.5
    labels = np.zeros((SIDE * STEP,) * 2, np.int32)
    for number, (a, b) in enumerate(rng.uniform(9, 25, (SIDE**2, 2))):
        row, column = divmod(number, SIDE)
        part = labels[row * STEP : (row + 1) * STEP, column * STEP : (column + 1) * STEP]
        part[y**2 / a + x**2 / b < 1] = number + 1
    return labels


def pauses(act: Callable[[], None], busy: Callable[[], bool]) -> tuple[float, list[float]]:
    """Do something and return the seconds until it was done and drawn, and the pauses meanwhile, longest first."""
    app, beats = get_qapp(), [time.perf_counter()]
    heart = QTimer()
    heart.timeout.connect(lambda: beats.append(time.perf_counter()))
    heart.start(int(BEAT * 1000))
    began = ended = time.perf_counter()
    act()
    while busy() or time.perf_counter() < ended + 0.5:
        if busy():
            ended = time.perf_counter()
        app.processEvents()
        time.sleep(0.001)
    heart.stop()
    return ended - began, sorted((float(pause) for pause in np.diff(beats)), reverse=True)


def main() -> None:
    """Print the table."""
    labels = many_objects()
    viewer = napari.Viewer()
    viewer.window.resize(1280, 800)
    _, panel = viewer.window.add_plugin_dock_widget(PLUGIN, "Results")
    viewer.add_image(np.random.default_rng(0).integers(0, 4000, labels.shape).astype(np.uint16))
    layer = viewer.add_labels(labels)
    pauses(lambda: None, lambda: False)

    def busy() -> bool:
        return panel.job.is_running or panel.follower.is_busy

    view = panel.table
    acts: dict[str, Callable[[], None]] = {
        "measure and show": panel.job.start_button.click,
        "sort by area": lambda: view.sortByColumn(view.rows.names.index("area"), Qt.SortOrder.DescendingOrder),
        "filter": lambda: panel.filter.setText("area > 50"),
        "no filter": lambda: panel.filter.setText(""),
        "scroll to the end": view.scrollToBottom,
        "fly to an object": lambda: view.selectRow(50_000),
        "delete it": panel.bar.buttons["delete"].click,
        "undo": panel.bar.buttons["undo"].click,
    }
    rows: list[list[object]] = []
    for name, act in acts.items():
        seconds, found = pauses(act, busy)
        blocked = sum(pause - BEAT for pause in found if pause >= NOTICED)
        rows.append([name, seconds, *found[:2], blocked])
    print(table(f"{layer.data.max()} objects", ["act", "s", "longest s", "second s", "blocked s"], rows))
    viewer.close()


if __name__ == "__main__":
    main()
