"""Is the window alive: the longest pause of a 20 ms timer while the Segment panel works on the sample.

xvfb-run -a -s "-screen 0 1280x1024x24" python -m benchmarks.heartbeat
"""

from __future__ import annotations

import time

import napari
import numpy as np
from napari.qt import get_qapp
from qtpy.QtCore import QTimer

from benchmarks.timing import table
from napari_unet.widgets.segment import SegmentPanel


def measure(panel: SegmentPanel, repeats: int) -> list[list[object]]:
    """Segment `repeats` times and return the longest pauses of each run."""
    app, beats = get_qapp(), [time.perf_counter()]
    heart = QTimer()
    heart.setInterval(20)
    heart.timeout.connect(lambda: beats.append(time.perf_counter()))
    heart.start()
    rows: list[list[object]] = []
    for number in range(repeats):
        del beats[:-1]
        panel.job.start_button.click()
        while panel.job.is_running:
            app.processEvents()
            time.sleep(0.001)
        pauses = np.sort(np.diff(beats))[::-1]
        rows.append([number + 1, len(pauses), float(pauses[0]), float(pauses[1])])
    heart.stop()
    return rows


def main() -> None:
    """Print the table."""
    viewer = napari.Viewer()
    _, panel = viewer.window.add_plugin_dock_widget("napari-unet-interactive", "Segment")
    viewer.open_sample("napari-unet-interactive", "u2os")
    for _ in range(50):
        get_qapp().processEvents()
        time.sleep(0.02)
    print(
        table(
            "Heartbeat of 20 ms during Segment",
            ["run", "beats", "longest s", "second s"],
            measure(panel, 4),
        )
    )
    viewer.close()


if __name__ == "__main__":
    main()
