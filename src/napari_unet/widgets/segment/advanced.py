"""The folded part of the Segment panel: axes, device, tile, precision, thresholds."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QFormLayout, QLineEdit, QSpinBox, QWidget
from superqt import QCollapsible

from napari_unet.settings.zooms import ZOOMS, zoom_text
from napari_unet.widgets.model_choice import device_choice

AS_MODEL = "as the model says"


class AdvancedSettings(QCollapsible):  # type: ignore[misc]
    """Settings that most users never open; every default leaves the choice to the model or the machine."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__("Advanced")
        self.axes = QLineEdit()
        self.axes.setPlaceholderText("from the layer, for example TZYX")
        self.axes.setToolTip("One letter per axis: T time, C channel, Z plane, Y, X. Empty: taken from the layer.")
        self.device = device_choice()
        self.zoom = QComboBox()
        self.zoom.addItem(AS_MODEL, None)
        for zoom in ZOOMS:
            self.zoom.addItem(zoom_text(zoom), zoom)
        self.zoom.setToolTip(
            "How large the network sees the image: small for objects much larger than those that it learnt, "
            "large for tiny ones. Some models measure the objects and choose by themselves."
        )
        self.tile = QSpinBox()
        self.tile.setRange(0, 8192)
        self.tile.setSingleStep(64)
        self.tile.setSpecialValueText("chosen by free memory")
        self.tile.setToolTip("Side of a tile in pixels. It changes speed and memory, never the result.")
        self.fast = QCheckBox("16 bit, faster")
        self.fast.setToolTip("About 0.1 % of pixels differ.")
        self.rotations = QCheckBox("8 views, slower")
        self.rotations.setToolTip("Average over the image turned and mirrored, which takes 8 times as long.")
        self.core_threshold = _probability("Pixels above this probability are the cores of objects.")
        self.edge_threshold = _probability("Objects grow from their cores down to this probability.")
        self.min_size = QSpinBox()
        self.min_size.setRange(-1, 10**6)
        self.min_size.setValue(-1)
        self.min_size.setSpecialValueText(AS_MODEL)
        self.min_size.setSuffix(" px")
        self.min_size.setToolTip("Smaller objects are dropped.")
        self._lay_out()
        self.axes.editingFinished.connect(self.changed.emit)
        self.device.currentIndexChanged.connect(lambda _: self.changed.emit())
        for box in (self.zoom, self.device):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for box in (self.fast, self.rotations):
            box.toggled.connect(lambda _: self.changed.emit())

    def values(self) -> dict[str, Any]:
        """Return what was chosen; None where the model or the machine decides."""
        return {
            "device": self.device.currentData(),
            "zoom": self.zoom.currentData(),
            "tile": self.tile.value() or None,
            "fast": self.fast.isChecked(),
            "rotations": self.rotations.isChecked(),
            "core_threshold": self.core_threshold.value() or None,
            "edge_threshold": self.edge_threshold.value() or None,
            "min_size": None if self.min_size.value() < 0 else self.min_size.value(),
        }

    def _lay_out(self) -> None:
        inside = QWidget()
        form = QFormLayout(inside)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Axes", self.axes)
        form.addRow("Device", self.device)
        form.addRow("Zoom", self.zoom)
        form.addRow("Tile", self.tile)
        form.addRow("Precision", self.fast)
        form.addRow("Average", self.rotations)
        form.addRow("Core probability", self.core_threshold)
        form.addRow("Edge probability", self.edge_threshold)
        form.addRow("Smallest object", self.min_size)
        self.addWidget(inside)
        self.collapse(animate=False)


def _probability(tip: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(0, 0.99)
    box.setSingleStep(0.05)
    box.setSpecialValueText(AS_MODEL)
    box.setToolTip(tip)
    return box
