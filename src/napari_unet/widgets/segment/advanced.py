"""The folded part of the Segment panel: axes, and every setting that the panel offers."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QFormLayout, QLineEdit, QWidget
from superqt import QCollapsible

from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.widgets.parts.option_boxes import OptionBoxes
from napari_unet.widgets.preferences import follow_preference

CLOSED, OPEN = "▸ Advanced", "▾ Advanced"


class AdvancedSettings(QCollapsible):  # type: ignore[misc]
    """Settings that most users never open; every default leaves the choice to the model or the machine."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__(CLOSED, expandedIcon=QIcon(), collapsedIcon=QIcon())  # drawn black, whatever the theme
        self.axes = QLineEdit()
        self.axes.setPlaceholderText("such as TZYX")
        self.axes.setToolTip("One letter per axis: T time, C channel, Z plane, Y, X. Empty: taken from the layer.")
        self.compute = QLineEdit()
        self.compute.setPlaceholderText("this computer")
        self.compute.setToolTip(
            "Compute on other processes or machines: local:4 for four processes, or the address of a dask "
            "scheduler, tcp://HOST:PORT. Empty: here, in napari. File > Preferences has one for Fine-tune, too."
        )
        self.boxes = OptionBoxes(SegmentationSettings, "Segment panel")
        inside = QWidget()
        form = QFormLayout(inside)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Axes", self.axes)
        self.boxes.add_rows(form)
        form.addRow("Compute on", self.compute)
        self.addWidget(inside)
        self.layout().setContentsMargins(0, 0, 0, 0)
        self.collapse(animate=False)
        self.toggled.connect(lambda is_open: self.setText(OPEN if is_open else CLOSED))
        self.axes.editingFinished.connect(self.changed.emit)
        self.boxes.connect(self.changed)
        follow_preference(self, "computing", "device", self.boxes["device"].choose)
        follow_preference(self, "computing", "elsewhere", self.compute.setText)
        follow_preference(self, "computing", "fast", self.boxes["precision"].setChecked)

    @property
    def scheduler(self) -> str | None:
        """Return what computes, None for this process."""
        return self.compute.text().strip() or None

    def settings(self) -> SegmentationSettings:
        """Return what was chosen; UnetError where it does not fit together."""
        return self.boxes.chosen(SegmentationSettings())
