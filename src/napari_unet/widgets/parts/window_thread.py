"""Objects that all panels share and that belong to the window, whichever thread imports their module."""

from __future__ import annotations

from typing import TypeVar

from qtpy.QtCore import QCoreApplication, QObject

Shared = TypeVar("Shared", bound=QObject)


def of_the_window(shared: Shared) -> Shared:
    """Move an object into the window's thread and return it: Qt calls no slots in a thread that has ended."""
    window = QCoreApplication.instance()
    if window is not None:
        shared.moveToThread(window.thread())
    return shared
