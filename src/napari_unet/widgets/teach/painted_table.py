"""The table of painted layers: which ones to learn from, and what their values mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from napari.layers import Image, Labels
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QHeaderView, QTreeWidget, QTreeWidgetItem

from napari_unet.widgets.parts.ignore_wheel import ignore_wheel
from napari_unet.widgets.viewer.notes import is_copy, role_of
from napari_unet.widgets.viewer.paint import (
    MEANING_TIP,
    MEANINGS,
    images_of,
    meanings_of,
    painted_layers,
)

if TYPE_CHECKING:
    import napari

HEIGHT = 90
TYPE_WIDTH = 146
"""Pixels in which the longest type is read in whole."""
CHECKED, UNCHECKED = Qt.CheckState.Checked, Qt.CheckState.Unchecked


class PaintedTable(QTreeWidget):  # type: ignore[misc]
    """A row for every Labels layer that belongs to an image; ours are ticked, copies of them and others wait."""

    changed = Signal()
    """A tick, a meaning or a name."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._rows: list[tuple[Labels, Image, QTreeWidgetItem, QComboBox]] = []
        self._chosen: WeakKeyDictionary[Labels, tuple[bool, str]] = WeakKeyDictionary()
        """Ticks and meanings, also of layers whose image is closed, or not yet opened again."""
        self.setHeaderLabels(["Use for training", "Type"])
        self.setTextElideMode(Qt.TextElideMode.ElideLeft)  # names of one image differ in their last part
        self.setRootIsDecorated(False)
        self.setFixedHeight(HEIGHT)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.header().setStretchLastSection(False)
        self.header().resizeSection(1, TYPE_WIDTH)
        self.setToolTip("Tick the layers to learn from, of one image or of several.")
        self.itemChanged.connect(lambda *_: self.changed.emit())
        viewer.layers.events.renamed.connect(self._renamed)

    def refresh(self, *_: object) -> None:
        """Follow the viewer's layers; ticks and meanings stay."""
        present = list(painted_layers(self._viewer))
        if present == [(layer, image) for layer, image, _, _ in self._rows]:
            self._renamed()
            return  # new widgets are slow to draw
        self._note()
        self.clear()
        self._rows = []
        for layer, image in present:
            ticked, meaning = self._chosen.get(layer, (bool(role_of(layer)) and not is_copy(layer), ""))
            item = QTreeWidgetItem(self)
            item.setCheckState(0, CHECKED if ticked else UNCHECKED)
            box = QComboBox()
            box.setToolTip(MEANING_TIP)
            for value in meanings_of(layer):
                box.addItem(MEANINGS[value], value)
            box.setCurrentIndex(max(0, box.findData(meaning)))
            box.currentIndexChanged.connect(lambda _: self.changed.emit())
            ignore_wheel(box)
            self.setItemWidget(item, 1, box)
            self._rows.append((layer, image, item, box))
        self._renamed()

    def chosen(self) -> Iterator[tuple[Labels, Image, str]]:
        """Yield the ticked layers with their image and meaning."""
        for layer, image, item, box in self._rows:
            if item.checkState(0) == CHECKED:
                yield layer, image, box.currentData()

    def settings(self) -> dict[str, tuple[bool, str]]:
        """Return ticks and meanings by layer name."""
        self._note()
        return {layer.name: chosen for layer, chosen in self._chosen.items() if layer in self._viewer.layers}

    def choose(self, settings: dict[str, Any]) -> None:
        """Set ticks and meanings of layers by name; what says neither is left out."""
        settings = {name: pair for name, pair in settings.items() if _is_choice(pair)}
        for layer in self._viewer.layers:
            if isinstance(layer, Labels) and layer.name in settings:
                ticked, meaning = settings[layer.name]
                self._chosen[layer] = (ticked, meaning)
        for layer, _, item, box in self._rows:
            if layer.name in settings:
                ticked, meaning = settings[layer.name]
                item.setCheckState(0, CHECKED if ticked else UNCHECKED)
                box.setCurrentIndex(max(0, box.findData(meaning)))

    def _note(self) -> None:
        """Keep what is chosen now."""
        for layer, _, item, box in self._rows:
            self._chosen[layer] = (item.checkState(0) == CHECKED, box.currentData())

    def _renamed(self, *_: object) -> None:
        """Show the names that layers and images have now."""
        several = len(images_of(self._viewer)) > 1
        for layer, image, item, _ in self._rows:
            item.setText(0, _row_text(layer, image, several))
            item.setToolTip(0, f"{layer.name}, painted on {image.name}")
        self.changed.emit()


def _is_choice(pair: Any) -> bool:
    """Whether something is a tick and a meaning, also as JSON keeps them."""
    return isinstance(pair, list | tuple) and len(pair) == 2 and type(pair[0]) is bool and type(pair[1]) is str


def _row_text(layer: Labels, image: Image, several: bool) -> str:
    """Return a layer's name, and its image's where that is not plain."""
    return f"{layer.name} on {image.name}" if several and not layer.name.startswith(image.name) else layer.name
