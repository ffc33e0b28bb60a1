"""What a user set once in napari's Preferences (File > Preferences > U-Net Interactive): what panels start with.

The settings are declared in napari.yaml; napari shows, checks and stores them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari.settings import get_plugin_settings
from qtpy.QtCore import QObject

PLUGIN = "napari-unet-interactive"


def follow_preference(owner: QObject, group: str, name: str, show: Callable[[Any], object]) -> None:
    """Show a preference now, and whenever it is changed for as long as `owner` exists."""
    try:
        preferences = getattr(get_plugin_settings(PLUGIN), group)
    except KeyError:  # the plugin was switched off, and its panels are used by a script
        return
    show(getattr(preferences, name))
    getattr(preferences.events, name).connect(_Follower(owner, show).changed)


class _Follower(QObject):  # type: ignore[misc]
    """Lives as long as its owner; napari keeps no more than a weak reference to what it calls."""

    def __init__(self, owner: QObject, show: Callable[[Any], object]) -> None:
        super().__init__(owner)
        self._show = show

    def changed(self, event: Any) -> None:
        """Show the new value."""
        self._show(event.value)
