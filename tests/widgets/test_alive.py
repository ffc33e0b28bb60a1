"""What keeps the window alive while it works, and what is shown of what was chosen."""

import json
import re
import subprocess
import sys
import threading
import time

import numpy as np
from qtpy.QtCore import QEvent, QObject, Qt

from napari_unet.progress import Progress
from napari_unet.widgets.parts.job import JobControl
from tests.widgets.painting import dots
from tests.widgets.quick_nuclei import quick_nuclei
from tests.widgets.segmenting import nuclei_image

MAX_OWN_IMPORTS = 25
"""Most modules of ours that the window's thread may import for the dock; one panel imports over a hundred."""


def test_the_windows_thread_imports_nothing_that_takes_long_and_hashes_nothing(tmp_path):
    path = quick_nuclei().save(tmp_path / "quick.safetensors").path
    command = [sys.executable, "-m", "tests.widgets.watch_the_thread", str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    said = json.loads(ran.stdout.strip().splitlines()[-1])
    assert said["outcome"], "it learnt"
    assert said["loaded"]["worked"] == ["scipy", "torch"], "a worker needed them"
    heavy = ("torch", "scipy.ndimage", "scipy.sparse", "skimage", "pyqtgraph")
    assert [name for name in said["imported"] if name.startswith(heavy)] == []
    ours = [name for name in said["imported"] if name.startswith("napari_unet.")]
    assert not [name for name in ours if name.endswith(".panel")]
    assert len(ours) < MAX_OWN_IMPORTS
    assert said["hashed"] == []
    assert "torch" not in said["loaded"]["opened"]


class Paints(QObject):
    """Counts how often a widget is drawn."""

    count = 0

    def eventFilter(self, _widget, event):
        self.count += event.type() == QEvent.Type.Paint
        return False


def test_work_that_is_not_counted_says_how_long_it_takes_and_moves_nothing_meanwhile(qtbot):
    """What moves in a window with a canvas has all of it drawn anew: without a GPU by all cores."""
    job, over, paints = JobControl("Work", lambda: None), threading.Event(), Paints()
    qtbot.addWidget(job)
    job.show()

    def begin():
        yield Progress(done=0, total=0, doing="Measuring objects")
        over.wait(60)

    job.bar.installEventFilter(paints)
    job.run(begin, lambda _: None)
    qtbot.waitUntil(lambda: job.status.text() == "Measuring objects…", timeout=300000)
    began, paints.count = time.monotonic(), 0
    qtbot.waitUntil(lambda: re.fullmatch(r"Measuring objects… \d+ s", job.status.text()), timeout=300000)
    assert paints.count <= 2 * (time.monotonic() - began)
    over.set()
    qtbot.waitUntil(lambda: not job.is_running, timeout=300000)
    assert "Done in" in job.status.text()


def test_a_channel_that_is_chosen_by_keys_is_shown(viewer, segment_panel, qtbot):
    stack = np.stack([nuclei_image(seed=seed) for seed in range(3)])
    viewer.add_image(stack, axis_labels=("c", "y", "x"), name="three")
    qtbot.waitUntil(segment_panel.channel.isVisible, timeout=300000)
    for _ in range(2):
        before = viewer.dims.current_step[0]
        qtbot.keyClick(segment_panel.channel, Qt.Key.Key_Down)
        assert segment_panel.channel.currentData() == viewer.dims.current_step[0] != before


def drawn(table, row):
    """Return what is drawn of a row's name."""
    rectangle = table.visualItemRect(table.topLevelItem(row))
    rectangle.setWidth(table.columnWidth(0))
    image = table.viewport().grab(rectangle).toImage()
    return bytes(image.constBits().asarray(image.sizeInBytes())), image.width()


def test_the_table_shows_the_last_part_of_long_names(viewer, panel, qtbot):
    first, last = (f"{a}{'an image of a long name ' * 4}{b}" for a, b in (("one", "nuclei"), ("two", "nuclei")))
    other = f"one{'an image of a long name ' * 4}axons!"
    viewer.add_image(dots(), name="dots")
    for name in (first, last, other):
        viewer.add_labels(dots() // 250, name=name)
    qtbot.wait(50)
    table = panel.table
    table.clearSelection()
    assert table.topLevelItemCount() == 3
    assert drawn(table, 0) == drawn(table, 1), "what differs in the first part is cut"
    assert drawn(table, 0) != drawn(table, 2)
