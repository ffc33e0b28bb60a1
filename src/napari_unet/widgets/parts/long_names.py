"""Boxes of names that may be longer than a panel is wide: the tip says the chosen one in full."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QComboBox, QToolTip


class _FullName(QObject):  # type: ignore[misc]
    """Looks the name up when its tip is asked for: magicgui changes it without a signal."""

    def eventFilter(self, box: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Show the name."""
        if event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), box.currentText(), box)
            return True
        return False


def cut_long_names(box: QComboBox) -> None:
    """Let a box be as narrow as its panel, and say the whole name in its tip."""
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.installEventFilter(_FullName(box))
