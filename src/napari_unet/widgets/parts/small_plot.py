"""A plot of a few centimetres that nobody zooms, in the colours of the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyqtgraph as pg


def small_plot(height: int) -> pg.PlotWidget:
    """Return an empty plot of a fixed height in pixels."""
    import pyqtgraph as pg  # which takes a quarter of a second

    plot = pg.PlotWidget(background=None)
    plot.setCacheMode(pg.GraphicsView.CacheModeFlag.CacheNone)  # or another theme of napari's would not be seen
    plot.setFixedHeight(height)
    plot.setMouseEnabled(False, False)
    plot.hideButtons()
    plot.setMenuEnabled(False)
    return plot
