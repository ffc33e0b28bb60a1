"""The Results panel with 100 000 objects: pauses of a 20 ms timer while it measures, sorts, filters and edits.

xvfb-run -a -s "-screen 0 1280x1024x24" python -m benchmarks.results_table

Blocked time is what pauses last beyond the beat, summed over those of 50 ms and more. On a busy machine other
programs make pauses too: what the window's own thread computes without a break stands beside them, in CPU seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import napari
import numpy as np
from napari.qt import get_qapp
from qtpy.QtCore import Qt, QTimer

from benchmarks.timing import table
from napari_unet.widgets.results.panel import ResultsPanel
from napari_unet.widgets.results.proof_bar import BORDER, SMALLER

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


def pauses(act: Callable[[], None], busy: Callable[[], bool]) -> tuple[float, list[float], list[float]]:
    """Do something until it is drawn; return seconds, pauses and CPU seconds of the window's thread at once.

    Pauses and CPU seconds have the longest first.
    """
    app, beats = get_qapp(), [time.perf_counter()]
    heart = QTimer()
    heart.timeout.connect(lambda: beats.append(time.perf_counter()))
    heart.start(int(BEAT * 1000))
    began = ended = time.perf_counter()
    computed = [_computed(act)]
    while busy() or time.perf_counter() < ended + 0.5:
        if busy():
            ended = time.perf_counter()
        computed.append(_computed(app.processEvents))
        time.sleep(0.001)
    heart.stop()
    return ended - began, sorted(np.diff(beats).tolist(), reverse=True), sorted(computed, reverse=True)


def remove(panel: ResultsPanel, kind: str) -> None:
    """Press Remove for objects of a kind; about half of them are smaller than 50 pixels."""
    panel.bar.removal.setCurrentIndex(panel.bar.removal.findData(kind))
    panel.bar.size.setValue(50)
    panel.bar.remove.click()


def _computed(act: Callable[[], None]) -> float:
    """Do something and return the CPU seconds that this thread took for it."""
    began = time.thread_time()
    act()
    return time.thread_time() - began


def _blocked(pieces: list[float], free: float) -> float:
    """Return the sum of what is noticed of pieces of time, each beyond so many free seconds."""
    return sum(piece - free for piece in pieces if piece >= NOTICED)


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
        "renumber": panel.bar.buttons["renumber"].click,
        "undo": panel.bar.buttons["undo"].click,
    }
    for kind in (BORDER, SMALLER):
        acts |= {f"remove {kind}": partial(remove, panel, kind), f"undo {kind}": panel.bar.buttons["undo"].click}
    rows: list[list[object]] = []
    for name, act in acts.items():
        seconds, found, computed = pauses(act, busy)
        print(name, f"{seconds:.1f} s", panel.line.text(), flush=True)
        rows.append([name, seconds, found[0], _blocked(found, BEAT), computed[0], _blocked(computed, 0)])
    heads = ["act", "s", "longest pause s", "blocked s", "longest CPU s", "CPU s at once"]
    print(table(f"{layer.data.max()} objects", heads, rows))
    viewer.close()


if __name__ == "__main__":
    main()
