"""Make the pictures of docs/tutorial: a study in a real window.

    xvfb-run -a -s "-screen 0 1280x1024x24 +extension GLX" python scripts/tutorial_pictures.py docs/pictures
    ... python scripts/tutorial_pictures.py /tmp/pictures --theme light --size 1920x1080   # to look at

Every picture shows the window after one step of the tutorial.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import napari
from qtpy.QtCore import QEventLoop, QTimer
from qtpy.QtWidgets import QWidget

from napari_unet.widgets.workspace import Workspace

PLUGIN = "napari-unet-interactive"
SETTLED = 800
"""Milliseconds until the window shows what came of a step."""


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
        path = self._folder / f"tutorial_{name}.png"
        self.viewer.window._qt_window.grab().save(str(path))
        print(path, self.workspace.width(), self.workspace.minimumSizeHint().width(), flush=True)


def study(pictures: Pictures) -> None:
    """Go through the tutorial."""
    viewer, workspace = pictures.viewer, pictures.workspace
    segment = workspace.show_tab("Segment")
    segment.job.start_button.click()
    finish(segment)
    pictures.take("segment")
    workspace.show_tab("Teach").tools.brushes.object.click()
    pictures.take("teach")
    workspace.panels["Teach"].tools.brushes.object.click()
    results = workspace.show_tab("Results")
    wait(SETTLED)
    finish(results)
    results.table.selectRow(3)
    pictures.take("results")
    viewer.reset_view()
    for name in ("Batch", "Export"):
        workspace.show_tab(name)
        pictures.take(name.lower())


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--theme", default="dark", choices=("dark", "light"))
    parser.add_argument("--size", default="1280x800")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    width, height = map(int, given.size.split("x"))
    pictures = Pictures(given.folder, given.theme, (width, height))
    study(pictures)
    pictures.viewer.close()


if __name__ == "__main__":
    main()
