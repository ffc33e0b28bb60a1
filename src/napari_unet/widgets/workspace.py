"""One dock in which a study is finished: image and model on top, and a tab for each step below."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import napari
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QFormLayout, QTabWidget, QVBoxLayout, QWidget

from napari_unet.widgets.parts.ignore_wheel import ignore_wheel
from napari_unet.widgets.parts.panel_closed import on_panel_closed
from napari_unet.widgets.subject import Subject
from napari_unet.widgets.viewer.shortcuts import widen_keys

WIDTH = 330
"""Pixels that the dock takes: at 1280 x 800 they leave the image two thirds of the window."""
SIDE = 4
"""Pixels beside the tabs, whose panels have margins of their own: with 9, Qt's usual ones, Teach is cut off."""


class Workspace(QWidget):  # type: ignore[misc]
    """The tabs; each panel is made when its tab is first shown, so that the dock opens at once."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.subject = subject = Subject(napari_viewer, offer_new=True)
        self._makers: dict[str, Callable[[], QWidget]] = {
            "Segment": partial(_segment_panel, napari_viewer, subject),
            "Teach": partial(_teach_panel, napari_viewer, subject),
            "Results": partial(_results_panel, napari_viewer, subject),
            "Batch": partial(_batch_panel, napari_viewer, subject),
            "Export": partial(_export_panel, napari_viewer, subject),
        }
        self.panels: dict[str, QWidget] = {}
        self.tabs = QTabWidget()
        for name in self._makers:
            page = QWidget()
            QVBoxLayout(page).setContentsMargins(0, 0, 0, 0)
            self.tabs.addTab(page, name)
        self.tabs.setDocumentMode(True)
        self._lay_out()
        self.tabs.currentChanged.connect(self._shown)
        self._shown(0)
        on_panel_closed(self, self._leave)

    def show_tab(self, name: str) -> QWidget:
        """Show a tab and return its panel."""
        self.tabs.setCurrentIndex(list(self._makers).index(name))
        return self.panels[name]

    def _shown(self, number: int) -> None:
        name = self.tabs.tabText(number)
        if name not in self.panels:
            self.panels[name] = panel = self._makers[name]()
            self.tabs.widget(number).layout().addWidget(panel)
            widen_keys(panel, self)
        if name == "Results":
            QTimer.singleShot(0, self.panels[name].measure_new)

    def _leave(self) -> None:
        """Close the panels with the dock: each ends its work when it loses its place."""
        for panel in self.panels.values():
            panel.setParent(None)

    def _lay_out(self) -> None:
        form = QFormLayout()
        self.subject.add_rows(form)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SIDE, SIDE, SIDE, SIDE)
        layout.addLayout(form)
        layout.addWidget(self.tabs)
        ignore_wheel(self)
        self.setMinimumWidth(WIDTH)


# each imports what its tab needs when that is first shown


def _segment_panel(viewer: napari.viewer.Viewer, subject: Subject) -> QWidget:
    from napari_unet.widgets.segment.panel import SegmentPanel

    return SegmentPanel(viewer, subject)


def _teach_panel(viewer: napari.viewer.Viewer, subject: Subject) -> QWidget:
    from napari_unet.widgets.teach.panel import FineTunePanel

    return FineTunePanel(viewer, subject.model)


def _results_panel(viewer: napari.viewer.Viewer, _: Subject) -> QWidget:
    from napari_unet.widgets.results.panel import ResultsPanel

    return ResultsPanel(viewer)


def _batch_panel(viewer: napari.viewer.Viewer, subject: Subject) -> QWidget:
    from napari_unet.widgets.batch.panel import BatchPanel

    return BatchPanel(viewer, subject.model)


def _export_panel(viewer: napari.viewer.Viewer, _: Subject) -> QWidget:
    from napari_unet.widgets.export.panel import ExportPanel

    return ExportPanel(viewer)
