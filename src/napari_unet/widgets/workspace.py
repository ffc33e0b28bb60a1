"""One dock in which a study is finished: image and model on top, and a tab for each step below."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

import napari
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QFormLayout, QTabWidget, QVBoxLayout, QWidget

from napari_unet.progress import Progress, Steps
from napari_unet.widgets.parts.ignore_wheel import ignore_wheel
from napari_unet.widgets.parts.panel_closed import on_panel_closed
from napari_unet.widgets.parts.quiet_job import QuietJob

if TYPE_CHECKING:
    from napari_unet.widgets.subject import Subject

WIDTH = 330
"""Pixels that the dock takes: at 1280 x 800 they leave the image two thirds of the window."""
SIDE = 4
"""Pixels beside the tabs, whose panels have margins of their own: with 9, Qt's usual ones, Teach is cut off."""
TABS = ("Segment", "Teach", "Results", "Batch", "Export")
MODULES = (*(f"napari_unet.widgets.{tab.lower()}.panel" for tab in TABS), "pyqtgraph")
"""What the tabs and their plots are made of, in the order in which it is imported beside the window."""


class Workspace(QWidget):  # type: ignore[misc]
    """The tabs; each panel is made when its tab is first shown, so that the dock opens at once.

    To import a panel and what it needs takes longer than a window should wait: a worker does it, the first tab is
    filled once its panel is imported, and the others are imported meanwhile.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self.panels: dict[str, QWidget] = {}
        self.tabs = QTabWidget()
        for name in TABS:
            page = QWidget()
            QVBoxLayout(page).setContentsMargins(0, 0, 0, 0)
            self.tabs.addTab(page, name)
        self.tabs.setDocumentMode(True)
        self._form = QFormLayout()
        self._lay_out()
        self.tabs.currentChanged.connect(self._shown)
        self._steps = [lambda: self.subject, lambda: self._make(TABS[0]), self._import_rest]
        self._next = QTimer(self, singleShot=True, interval=0)
        self._next.timeout.connect(self._fill)
        self._imports = QuietJob(self)
        self._imports.done.connect(lambda _: self._next.start())
        self._imports.run(lambda: _imported(MODULES[:1]))
        on_panel_closed(self, self._leave)

    @cached_property
    def subject(self) -> Subject:
        """Return the image and the model that all tabs work on."""
        from napari_unet.widgets.subject import Subject

        subject = Subject(self._viewer, offer_new=True)
        subject.add_rows(self._form)
        ignore_wheel(self)
        return subject

    def show_tab(self, name: str) -> QWidget:
        """Show a tab and return its panel."""
        number = TABS.index(name)
        if self.tabs.currentIndex() == number:
            self._shown(number)
        self.tabs.setCurrentIndex(number)
        return self.panels[name]

    def _fill(self) -> None:
        """Do one of the steps that fill the dock, and the next one once the window has drawn what came of it."""
        if self._steps:
            self._steps.pop(0)()
            self._next.start()

    def _import_rest(self) -> None:
        self._imports.run(lambda: _imported(MODULES[1:]))

    def _make(self, name: str) -> None:
        """Make the panel of a tab, if there is none yet."""
        from napari_unet.widgets.viewer.shortcuts import widen_keys

        if name not in self.panels:
            self.panels[name] = panel = _panel(name, self._viewer, self.subject)
            self.tabs.widget(TABS.index(name)).layout().addWidget(panel)
            widen_keys(panel, self)

    def _shown(self, number: int) -> None:
        name = TABS[number]
        self._make(name)
        if name == "Results":
            QTimer.singleShot(0, self.panels[name].measure_new)

    def _leave(self) -> None:
        """Close the panels with the dock: each ends its work when it loses its place."""
        self._imports.drop()
        self._steps.clear()
        for panel in self.panels.values():
            panel.setParent(None)

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SIDE, SIDE, SIDE, SIDE)
        layout.addLayout(self._form)
        layout.addWidget(self.tabs)
        ignore_wheel(self)
        self.setMinimumWidth(WIDTH)


def _imported(modules: tuple[str, ...]) -> Steps[bool]:
    """Import modules one after the other; what fails here fails again, and is seen, where the panel is made."""
    for done, name in enumerate(modules):
        with suppress(ImportError):
            import_module(name)
        yield Progress(done=done + 1, total=len(modules), doing="Loading")
    return True


def _panel(name: str, viewer: napari.viewer.Viewer, subject: Subject) -> QWidget:
    """Return the panel of a tab; each is imported when its tab is first shown, if it is not yet."""
    if name == "Segment":
        from napari_unet.widgets.segment.panel import SegmentPanel

        return SegmentPanel(viewer, subject)
    if name == "Teach":
        from napari_unet.widgets.teach.panel import FineTunePanel

        return FineTunePanel(viewer, subject.model)
    if name == "Results":
        from napari_unet.widgets.results.panel import ResultsPanel

        return ResultsPanel(viewer)
    if name == "Batch":
        from napari_unet.widgets.batch.panel import BatchPanel

        return BatchPanel(viewer, subject.model)
    from napari_unet.widgets.export.panel import ExportPanel

    return ExportPanel(viewer)
