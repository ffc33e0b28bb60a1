"""Keys that press a panel's buttons, while the canvas has the keyboard; tooltips say which."""

from __future__ import annotations

from typing import Any
from weakref import ref

from qtpy.QtWidgets import QAbstractButton, QWidget

from napari_unet.widgets.parts.panel_closed import on_panel_closed
from napari_unet.widgets.viewer.layers import unwrapped

SEGMENT, OBJECT, BACKGROUND, ERASER, NEXT, ACCEPT = "Shift+S", "D", "G", "Shift+E", "N", "Ctrl+Enter"
"""Keys that napari 0.9 leaves free on images and labels."""


def bind_keys(viewer: Any, panel: QWidget, buttons: dict[str, QAbstractButton]) -> None:
    """Let keys press buttons for as long as their panel is open; a button that cannot be pressed is left alone."""
    viewer = unwrapped(viewer)
    presses = []
    for key, button in buttons.items():
        button.setToolTip(f"{button.toolTip()}\nKey: {key}")
        presses.append(_press(button, panel))
        viewer.bind_key(key, presses[-1], overwrite=True)

    def release() -> None:
        for binding, bound in list(viewer.keymap.items()):
            if bound in presses:  # another panel may have taken the key over
                del viewer.keymap[binding]

    on_panel_closed(panel, release)


def _press(button: QAbstractButton, panel: QWidget) -> Any:
    pressed, within = ref(button), ref(panel)  # the viewer's keys do not keep a panel that was closed

    def press(_viewer: Any) -> None:
        button, panel = pressed(), within()
        if button is None or panel is None:
            return
        if button.isEnabled() and button.isVisibleTo(panel):  # the panel itself may wait behind another tab
            button.click()

    return press
