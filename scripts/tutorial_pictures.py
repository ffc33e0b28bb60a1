"""Make the pictures of docs/tutorial, and of a lesson: a study in a real window.

    xvfb-run -a -s "-screen 0 1280x1024x24 +extension GLX" python scripts/tutorial_pictures.py docs/pictures
    ... python scripts/tutorial_pictures.py /tmp/pictures --theme light --size 1920x1080   # to look at

Every picture shows the window after one step of the tutorial.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import napari
import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray
from qtpy.QtCore import QEventLoop, QTimer
from qtpy.QtWidgets import QWidget
from scipy.ndimage import distance_transform_edt
from skimage.measure import regionprops

from napari_unet.widgets.workspace import Workspace

PLUGIN = "napari-unet-interactive"
SETTLED = 800
"""Milliseconds until the window shows what came of a step."""
BRUSH = 3
"""Pixels that strokes keep from the outlines of objects."""
EVERY, LINES = 4, 7
"""One object in so many is painted, and so many lines between them."""
SECONDS = 60
"""How long the lesson takes: 100 iterations or so on two cores."""


def wait(milliseconds: int) -> None:
    """Let the window work for a while."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def finish(panel: QWidget) -> None:
    """Wait until a panel's work has ended and is shown."""
    while panel.job.is_running:
        wait(100)
    wait(SETTLED)


class Pictures:
    """A window with the workspace, and a folder for what it looks like."""

    def __init__(self, folder: Path, theme: str, size: tuple[int, int]) -> None:
        self.viewer = napari.Viewer(show=True)
        self.viewer.theme = theme
        self.viewer.window.resize(*size)
        self.viewer.open_sample(PLUGIN, "u2os")
        self.workspace: Workspace = self.viewer.window.add_plugin_dock_widget(PLUGIN, "U-Net workspace")[1]
        self._folder = folder
        wait(SETTLED)

    def take(self, name: str) -> None:
        """Save what the window shows; say how wide the dock is and what it needs."""
        wait(SETTLED)
        path = self._folder / f"{name}.png"
        self.viewer.window._qt_window.grab().save(str(path))
        print(path, self.workspace.width(), self.workspace.minimumSizeHint().width(), flush=True)


def study(pictures: Pictures) -> None:
    """Go through the tutorial."""
    viewer, workspace = pictures.viewer, pictures.workspace
    segment = workspace.show_tab("Segment")
    segment.job.start_button.click()
    finish(segment)
    pictures.take("tutorial_segment")
    workspace.show_tab("Teach").tools.brushes.object.click()
    pictures.take("tutorial_teach")
    workspace.panels["Teach"].tools.brushes.object.click()
    results = workspace.show_tab("Results")
    wait(SETTLED)
    finish(results)
    results.table.selectRow(3)
    pictures.take("tutorial_results")
    viewer.reset_view()
    for name in ("Batch", "Export"):
        workspace.show_tab(name)
        pictures.take(f"tutorial_{name.lower()}")


def lesson(pictures: Pictures) -> None:
    """Teach a new network with strokes along what `nuclei` finds and between it."""
    viewer, workspace = pictures.viewer, pictures.workspace
    viewer.layers.clear()
    viewer.open_sample(PLUGIN, "crowded")
    segment = workspace.show_tab("Segment")
    segment.job.start_button.click()
    finish(segment)
    found = viewer.layers[-1].data
    viewer.layers.pop()
    workspace.subject.model.choose_new()
    teach = workspace.show_tab("Teach")
    teach.tools.new_layer.click()
    layer = viewer.layers.selection.active
    depth = distance_transform_edt(found > 0)
    objects = [one for one in regionprops(found) if depth[found == one.label].max() >= BRUSH][::EVERY]
    for number, one in enumerate(objects, start=2):
        paint(layer, (found == one.label) & (depth >= BRUSH), number)
    gaps = distance_transform_edt(found == 0) >= BRUSH
    for row in range(LINES, len(found), len(found) // LINES):
        paint(layer, gaps & (np.arange(len(found))[:, None] // 2 == row // 2), 1)
    teach.form.seconds.setValue(SECONDS)
    teach.job.start_button.click()
    finish(teach)
    viewer.reset_view()
    pictures.take("fine_tune_panel")


def paint(layer: Labels, where: NDArray[np.bool_], label: int) -> None:
    """Paint as the brush does, undoably."""
    layer.data_setitem(np.nonzero(where), label)


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--theme", default="dark", choices=("dark", "light"))
    parser.add_argument("--size", default="1280x800")
    parser.add_argument("--only", choices=("study", "lesson"), help="what of it is done; default: both")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    width, height = map(int, given.size.split("x"))
    pictures = Pictures(given.folder, given.theme, (width, height))
    for part in (study, lesson):
        if given.only in (None, part.__name__):
            part(pictures)
    pictures.viewer.close()


if __name__ == "__main__":
    main()
