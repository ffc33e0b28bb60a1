"""The mouse wheel scrolls a panel; it never changes what is chosen in a box that passes below the pointer."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QAbstractSpinBox, QComboBox, QWidget


class _Still(QObject):  # type: ignore[misc]
    """Lets wheel events pass on to what lies behind a box."""

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() != QEvent.Type.Wheel:
            return False
        event.ignore()
        return True


def ignore_wheel(panel: QWidget) -> None:
    """Keep every box of a panel as it is while the user scrolls; boxes made later need a call of their own."""
    for kind in (QComboBox, QAbstractSpinBox):
        for box in [panel, *panel.findChildren(kind)]:
            if isinstance(box, kind):
                box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
                box.installEventFilter(_Still(box))
