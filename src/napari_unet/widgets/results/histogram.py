"""A histogram of one column of the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtWidgets import QComboBox, QVBoxLayout, QWidget

from napari_unet.widgets.parts.small_plot import small_plot

HEIGHT = 96
MAX_BINS = 50
"""Bins beyond which they are narrower than can be seen."""
COLOUR = "#4fb3bf"


class Histogram(QWidget):  # type: ignore[misc]
    """A list of columns, and how often which figure occurs in the rows shown."""

    def __init__(self) -> None:
        super().__init__()
        self.column = QComboBox()
        self.column.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.column.setToolTip("Which column the histogram shows.")
        self._plot = small_plot(HEIGHT)
        self._bars = self._plot.plot(
            [0, 1], [0], stepMode="center", fillLevel=0, brush=pg.mkBrush(COLOUR), pen=pg.mkPen(COLOUR)
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.column)
        layout.addWidget(self._plot)

    def offer(self, names: Sequence[str]) -> None:
        """Offer columns; the chosen one stays where it can, else the first is. Hide without any."""
        former = self.column.currentText()
        self.column.blockSignals(True)
        self.column.clear()
        self.column.addItems(list(names))
        self.column.setCurrentIndex(max(0, self.column.findText(former)))
        self.column.blockSignals(False)
        self.setVisible(bool(names))

    def draw(self, values: NDArray[Any], unit: str) -> None:
        """Draw how often values occur."""
        counts, edges = binned(values)
        self._bars.setData(edges, counts)
        self._plot.setLabel("bottom", unit)
        self._plot.enableAutoRange()

    @property
    def counts(self) -> NDArray[Any]:
        """Return the heights of the bars."""
        found: NDArray[Any] = np.asarray(self._bars.yData)
        return found


def binned(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return counts and the edges of their bins, about as many as the root of the number of values."""
    known = values[np.isfinite(values)].astype(float)
    if not len(known):
        return np.zeros(1), np.array([0.0, 1.0])
    counts, edges = np.histogram(known, bins=int(np.clip(np.sqrt(len(known)), 5, MAX_BINS)))
    return counts, edges
