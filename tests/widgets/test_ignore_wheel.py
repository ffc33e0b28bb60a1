"""Scrolling over a panel changes nothing in it."""

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QAbstractSpinBox, QApplication, QComboBox

PLUGIN = "napari-unet-interactive"


def turn_wheel(box):
    """Turn the wheel one notch down over a box."""
    here = QPointF(box.rect().center())
    event = QWheelEvent(
        here, QPointF(box.mapToGlobal(here.toPoint())), QPoint(), QPoint(0, -120),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(box, event)


def shown(box):
    """Return what a box shows."""
    return box.currentIndex() if isinstance(box, QComboBox) else box.text()


@pytest.mark.parametrize("name", ["Segment", "Fine-tune", "Export"])
def test_the_wheel_changes_no_box(make_napari_viewer, name):
    viewer = make_napari_viewer(show=True)
    viewer.add_image(np.zeros((2, 3, 32, 32)), name="a", axis_labels=("c", "z", "y", "x"))
    viewer.add_image(np.zeros((2, 3, 32, 32)), name="b", axis_labels=("c", "z", "y", "x"))
    for number in (1, 2):
        viewer.add_labels(np.full((3, 32, 32), number))
    panel = viewer.window.add_plugin_dock_widget(PLUGIN, name)[1]
    boxes = [*panel.findChildren(QComboBox), *panel.findChildren(QAbstractSpinBox)]
    assert len(boxes) >= 3
    for box in boxes:
        before = shown(box)
        box.setFocus()
        turn_wheel(box)
        assert shown(box) == before
