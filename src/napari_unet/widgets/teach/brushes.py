"""Painting without label numbers: an object brush, a background brush and an eraser, at most one in hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QWidget

from napari_unet.arrays.annotations import BACKGROUND
from napari_unet.widgets.parts.layouts import lay_out, row
from napari_unet.widgets.viewer.layers import unwrapped
from napari_unet.widgets.viewer.notes import ANNOTATION, RESULT, notes_of, role_of
from napari_unet.widgets.viewer.paint import painted_layers

if TYPE_CHECKING:
    import napari

MODES = ("paint", "erase")
"""napari's modes in which one of the brushes may be in hand."""


class Brushes(QWidget):  # type: ignore[misc]
    """Three buttons of which one at most is down; it goes up when another tool or layer is taken in napari."""

    failed = Signal(str)

    def __init__(
        self, viewer: napari.viewer.Viewer, new_layer: Callable[[], object], tells_classes: Callable[[], bool]
    ) -> None:
        """Take a viewer, what adds a layer to paint on, and whether classes are painted instead of objects."""
        super().__init__()
        self._viewer = unwrapped(viewer)  # so that layers are the same objects
        self._new_layer = new_layer
        self._tells_classes = tells_classes
        self._layer: Labels | None = None
        self._next = 0
        self.object = _toggle("Object", "Paint objects: every stroke is an object of its own.")
        self.background = _toggle("Background", "Paint what is no object.")
        self.eraser = _toggle("Eraser", "Take paint away; on a result erase objects.")
        lay_out(self, row(*self._buttons))
        for button in self._buttons:
            button.clicked.connect(self._clicked)
        self._viewer.layers.selection.events.active.connect(self._selected)

    @property
    def _buttons(self) -> tuple[QPushButton, ...]:
        return (self.object, self.background, self.eraser)

    def _clicked(self, down: bool) -> None:
        button = self.sender()
        for other in self._buttons:
            other.setChecked(other is button and down)
        if down:
            self._take(button)
        else:
            self._put_down()

    def _take(self, button: QPushButton) -> None:
        """Take a brush in hand, on the selected layer or the one that is most likely meant."""
        layer = self._layer_to_paint()
        if layer is None:
            button.setChecked(False)
            return
        self._viewer.layers.selection.active = layer
        self._follow(layer)  # from here on: while the selection changes no layer is active for a moment
        button.setChecked(True)
        layer.mode = "erase" if button is self.eraser else "paint"
        if button is self.background:
            layer.selected_label = self._value_of_background()
        elif button is self.object:
            self._take_object()

    def _take_object(self) -> None:
        """Choose an id that no object has; of classes that of the first one, unless one is chosen already."""
        layer, first = self._layer, self._value_of_background() + 1
        assert layer is not None
        if not self._is_of_objects():
            layer.selected_label = max(int(layer.selected_label), first)
            return
        self._next = max(first, int(np.max(layer.data)) + 1)
        self._choose_next()

    def _choose_next(self) -> None:
        assert self._layer is not None
        if self._next > np.iinfo(self._layer.data.dtype).max:
            self._put_down()
            self.failed.emit(f"The layer {self._layer.name} has no ids left: paint on a new annotation layer.")
            return
        self._layer.selected_label = self._next

    def _value_of_background(self) -> int:
        """Return 0 on a result, where it is what is no object; an annotation layer says nothing with 0."""
        return BACKGROUND if role_of(self._layer) == ANNOTATION else 0

    def _is_of_objects(self) -> bool:
        assert self._layer is not None
        if role_of(self._layer) == RESULT:
            return notes_of(self._layer).provenance.get("values") != "classes"
        return not self._tells_classes()

    def _layer_to_paint(self) -> Labels | None:
        """Return the selected layer, else the topmost visible result or annotation, else a new one."""
        ours = [layer for layer, _ in painted_layers(self._viewer)]
        active = self._viewer.layers.selection.active
        if active in ours:
            return active
        seen = [layer for layer in ours if layer.visible and role_of(layer) in (RESULT, ANNOTATION)]
        if seen:
            return seen[-1]
        before = set(self._viewer.layers)
        self._new_layer()
        return next((layer for layer in self._viewer.layers if layer not in before), None)

    def _follow(self, layer: Labels) -> None:
        """See what is done on a layer, and on no other one."""
        if layer is self._layer:
            return
        self._leave()
        self._layer = layer
        layer.events.paint.connect(self._painted)
        layer.events.mode.connect(self._mode_changed)

    def _leave(self) -> None:
        if self._layer is not None:
            self._layer.events.paint.disconnect(self._painted)
            self._layer.events.mode.disconnect(self._mode_changed)
        self._layer = None

    def _painted(self, _event: Any) -> None:
        """Take the next id after a stroke."""
        if self.object.isChecked() and self._layer is not None and self._is_of_objects():
            self._next = max(self._next, int(self._layer.selected_label)) + 1
            self._choose_next()

    def _put_down(self) -> None:
        self._lift()
        if self._layer is not None:
            self._layer.mode = "pan_zoom"

    def _lift(self) -> None:
        for button in self._buttons:
            button.setChecked(False)

    def _mode_changed(self, _event: Any) -> None:
        """Lift the buttons when another tool was taken in napari, a key of napari's own for example."""
        erases = self._layer is not None and self._layer.mode == "erase"
        if self._layer is None or self._layer.mode not in MODES or erases != self.eraser.isChecked():
            self._lift()
            self.eraser.setChecked(erases)

    def _selected(self, event: Any) -> None:
        if event.value is not self._layer:
            self._lift()
            self._leave()


def _toggle(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setCheckable(True)
    button.setToolTip(tip)
    return button
