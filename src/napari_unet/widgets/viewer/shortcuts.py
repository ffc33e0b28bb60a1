"""Keys that press a panel's buttons, over the canvas and anywhere in the dock; tooltips say which."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from weakref import ref

from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeyEvent, QKeySequence, QShortcut
from qtpy.QtWidgets import QAbstractButton, QApplication, QWidget

from napari_unet.widgets.parts.panel_closed import on_panel_closed
from napari_unet.widgets.viewer.layers import unwrapped

SEGMENT, OBJECT, BACKGROUND, ERASER, NEXT, ACCEPT = "Shift+S", "D", "G", "Shift+E", "N", "Ctrl+Enter"
"""Keys that napari 0.9 leaves free on images and labels."""


def bind_keys(viewer: Any, panel: QWidget, buttons: Mapping[str, QAbstractButton]) -> None:
    """Let keys press buttons for as long as their panel is open; a button that cannot be pressed is left alone.

    They are keys of napari's viewer: a tool of the active layer with the same key goes first, as Delete on points.
    napari hears of them over the canvas, and in the dock as well (`_PassedKey`).
    """
    viewer = unwrapped(viewer)
    presses = []
    for key, button in buttons.items():
        button.setToolTip(f"{button.toolTip()}\nKey: {key}")
        presses.append(_press(button, panel))
        viewer.bind_key(key, presses[-1], overwrite=True)
        _PassedKey(key, panel)

    def release() -> None:
        for binding, bound in list(viewer.keymap.items()):
            if bound in presses:  # another panel may have taken the key over
                del viewer.keymap[binding]

    on_panel_closed(panel, release)


def widen_keys(panel: QWidget, dock: QWidget) -> None:
    """Let the keys of a panel work in all of a dock that shows it, above its tab and on other tabs, too."""
    for shortcut in panel.findChildren(_PassedKey):
        shortcut.setParent(dock)


class _PassedKey(QShortcut):  # type: ignore[misc]
    """Passes a key on to napari, whatever in the dock has the keyboard.

    A list or a table would search for a letter. As a shortcut the key comes before them, but after a box in which
    text is typed.
    """

    def __init__(self, key: str, dock: QWidget) -> None:
        super().__init__(dock)
        names = dict.fromkeys((key, key.replace("Enter", "Return")))  # Qt's Enter is the keypad's alone
        self.setKeys([QKeySequence(name) for name in names])
        self.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self.setAutoRepeat(False)
        self.activated.connect(self._pass_on)

    def _pass_on(self) -> None:
        """Send the key to the dock itself: what no widget of it takes, napari's dock gives to the canvas."""
        pressed = self.keys()[0][0]
        event = QKeyEvent(QEvent.Type.KeyPress, pressed.key(), pressed.keyboardModifiers())
        self.setEnabled(False)  # or it would be its own key again
        try:
            QApplication.sendEvent(self.parent(), event)
        finally:
            self.setEnabled(True)


def _press(button: QAbstractButton, panel: QWidget) -> Callable[[Any], None]:
    pressed, within = ref(button), ref(panel)  # the viewer's keys do not keep a panel that was closed

    def press(_viewer: Any) -> None:
        button, panel = pressed(), within()
        if button is None or panel is None:
            return
        if button.isEnabled() and button.isVisibleTo(panel):  # the panel itself may wait behind another tab
            button.click()

    return press
