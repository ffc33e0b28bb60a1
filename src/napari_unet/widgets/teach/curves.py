"""Loss and held-out score while a model learns, drawn as they come.

pyqtgraph takes a quarter of a second to import and to set up: that is done step by step once the panel is drawn.
"""

from __future__ import annotations

import math
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QHBoxLayout, QWidget

from napari_unet.widgets.parts.small_plot import small_plot

HEIGHT = 150
LATER = 250
"""Milliseconds after which a new point is drawn: together with others, and after the preview that came with it."""
COLOURS = {"loss": "#e8a33d", "score": "#4fb3bf", "before": "#909090"}


class Curves(QWidget):  # type: ignore[misc]
    """Two small plots over the seconds of learning, or over its steps; a dashed line shows the score to beat."""

    def __init__(self, *, score: str = "IoU", along: str = "seconds", highest: float | None = 1.0) -> None:
        """Take the title of the score, what the points are drawn along, and the highest score if there is one."""
        super().__init__()
        self._titles, self._along, self._highest = (("loss", "Loss"), ("score", score)), along, highest
        self.points: dict[str, list[tuple[float, float]]] = {"loss": [], "score": []}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._lines: dict[str, Any] = {}
        self._before: Any = None
        self._steps = [self._import, self._add_plots]
        self._preparing = QTimer(self, singleShot=True, interval=LATER)
        self._preparing.timeout.connect(self._prepare_a_step)
        self._preparing.start()
        self._drawing = QTimer(self, singleShot=True, interval=LATER)
        self._drawing.timeout.connect(self._draw)
        self.clear()

    def _prepare_a_step(self) -> None:
        """Do one of the steps that lead to empty plots, and the next one later."""
        if self._steps:
            self._preparing.start()  # first: Python may let go of a closed panel meanwhile, and Qt of its timer
            self._steps.pop(0)()

    def _prepare(self) -> None:
        """Do all of them at once: there is something to draw."""
        while self._steps:
            self._steps.pop(0)()

    def _import(self) -> None:
        import pyqtgraph  # noqa: F401

    def _add_plots(self) -> None:
        import pyqtgraph as pg

        plots = []
        for name, title in self._titles:
            plot = small_plot(HEIGHT)
            plot.setTitle(title, size="9pt")
            plot.setLabel("bottom", self._along)
            self._lines[name] = plot.plot(pen=pg.mkPen(COLOURS[name], width=2))
            plots.append(plot)
        if not isalive(self):  # Python let go of a closed panel while the plots were made
            return
        for plot in plots:
            self.layout().addWidget(plot)
        dashed = pg.mkPen(COLOURS["before"], style=pg.QtCore.Qt.PenStyle.DashLine)
        self._before = pg.InfiniteLine(angle=0, pen=dashed)
        self._before.hide()
        plot.addItem(self._before)
        if self._highest is not None:
            plot.setYRange(0, self._highest)  # what an IoU can be, also while it stays the same

    def clear(self) -> None:
        """Start anew, unseen until something is drawn."""
        self.points = {name: [] for name in self.points}
        if self._before is not None:
            self._draw()
            self._before.hide()
        self.hide()

    def show_before(self, score: float) -> None:
        """Draw the old model's score as a line across."""
        self._prepare()
        self._before.setValue(score)
        self._before.show()
        self.show()

    def add(self, name: str, seconds: float, value: float) -> None:
        """Add a point to a curve."""
        if math.isnan(value):  # a score without a new loss
            return
        self.points[name].append((seconds, value))
        if not self._drawing.isActive():
            self._drawing.start()
        self.show()

    def _draw(self) -> None:
        self._prepare()
        for name, points in self.points.items():
            self._lines[name].setData([x for x, _ in points], [y for _, y in points])
