"""What is to happen when a panel is taken out of its window."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QWidget


class _Watcher(QObject):  # type: ignore[misc]
    """Sees a panel lose its parent; `destroyed` would come while Python collects garbage, which is too late."""

    def __init__(self, panel: QWidget, act: Callable[[], None]) -> None:
        super().__init__(panel)
        self._act = act

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() == QEvent.Type.ParentChange and watched.parent() is None:
            self._act()
        return False


def on_panel_closed(panel: QWidget, act: Callable[[], None]) -> None:
    """Call `act` when the panel's dock was closed."""
    panel.installEventFilter(_Watcher(panel, act))
