"""The models that a panel offers; the list does not import PyTorch in the window's thread."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from weakref import ref

from magicgui.widgets.bases import CategoricalWidget
from napari.utils.notifications import show_error, show_warning
from qtpy.QtCore import QObject, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QComboBox, QFileDialog

from napari_unet.errors import UnetError
from napari_unet.files.openable import is_there
from napari_unet.models.library import OWN_FOLDER, SUFFIX, Entry, entries
from napari_unet.models.spec import ModelSpec, read_spec
from napari_unet.widgets.parts.message_label import capitalized
from napari_unet.widgets.parts.window_thread import of_the_window
from napari_unet.widgets.preferences import follow_preference
from napari_unet.widgets.viewer.layers import unwrapped

OPEN_FILE = "Open file…"
NEW = "New network, from nothing"


def rename_choices(box: CategoricalWidget[Any]) -> None:
    """Offer a viewer's layers by the names they have now; the chosen one stays chosen."""
    chosen = box.value
    with box.changed.blocked():
        box.reset_choices()
        if chosen is not None:
            box.value = chosen


class ModelNews(QObject):  # type: ignore[misc]
    """Tells every panel that a model was saved, and in which viewer."""

    saved = Signal(str, object)


MODEL_NEWS = of_the_window(ModelNews())


class ModelChoice(QComboBox):  # type: ignore[misc]
    """The shipped models, the user's own, any file, and a new network where that makes sense."""

    changed = Signal()

    def __init__(self, viewer: Any, *, offer_new: bool = False) -> None:
        super().__init__()
        self._viewer = ref(unwrapped(viewer))
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setToolTip("The network that segments. Your own models stand below the ones that came along.")
        self._specs: dict[str, ModelSpec] = {}
        self._last = 0
        follow_preference(self, "models", "folder", self._use_folder)
        for entry in entries():
            self._offer(entry)
        if offer_new:
            self.addItem(NEW, "")
        self.addItem(OPEN_FILE, "")
        follow_preference(self, "models", "first", self._prefer)
        self.activated.connect(self._activated)
        MODEL_NEWS.saved.connect(self._saved)

    @property
    def path(self) -> Path | None:
        """Return the file of the chosen model, None where there is none."""
        return Path(self.currentData()) if self.currentData() else None

    @property
    def spec(self) -> ModelSpec | None:
        """Return the description of the chosen model."""
        return self._specs.get(self.currentData() or "")

    def choose_name(self, name: str) -> None:
        """Select an offered model by its name."""
        self.setCurrentIndex(self.findText(name))
        self._remember()

    def choose_new(self) -> None:
        """Select a new network, where one is on offer."""
        self.choose_name(NEW)

    def names(self) -> list[str]:
        """Return the names of all models on offer."""
        return [self.itemText(index) for index in range(self.count()) if self.itemData(index)]

    @property
    def is_new(self) -> bool:
        """Whether a new network was chosen."""
        return bool(self.currentText() == NEW)

    def choose_file(self, path: str | Path) -> None:
        """Offer and select a model file; tell the user where it is none."""
        try:
            self._add_file(path)
        except UnetError as error:
            show_error(capitalized(str(error)))
            self.setCurrentIndex(self._last)
            return
        self.setCurrentIndex(self.findData(str(path)))
        self._remember()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Let keys walk over the models alone: a dialog opens for a choice, not for passing by."""
        former = self.currentIndex()
        self.blockSignals(True)
        super().keyPressEvent(event)
        self.blockSignals(False)
        if self.currentText() == OPEN_FILE:
            self.setCurrentIndex(former)
        elif self.currentIndex() != former:
            self._remember()

    def _add_file(self, path: str | Path) -> None:
        """Offer a model file; UnetError where it is none."""
        self._specs[str(path)] = read_spec(Path(path))
        if self.findData(str(path)) < 0:
            self.insertItem(self.findData(""), Path(path).stem, str(path))

    def _saved(self, path: str, viewer: object) -> None:
        """Use a model that was accepted in this window; offer one of another window."""
        if viewer is self._viewer():
            self.choose_file(path)
        else:
            self._add_file(path)  # the choice stays
            self._last = self.currentIndex()

    def _use_folder(self, folder: str) -> None:
        """Keep the user's own models in a folder, for all of this process, and offer those that are there."""
        if folder:
            os.environ[OWN_FOLDER] = folder
        if self.count():
            for entry in entries():
                if entry.spec is not None:
                    self._add_file(entry.path)

    def _prefer(self, name: str) -> None:
        """Select the model that the user wants first; a name that is being typed may mean none yet."""
        if self.findText(name) >= 0 and name != OPEN_FILE:
            self.choose_name(name)
        elif Path(name).suffix == SUFFIX and is_there(Path(name).expanduser()):
            self.choose_file(Path(name).expanduser())

    def _offer(self, entry: Entry) -> None:
        if entry.spec is None:
            show_warning(f"{entry.name} cannot be used: {entry.fault}")
            return
        self._specs[str(entry.path)] = entry.spec
        self.addItem(entry.name, str(entry.path))
        self.setItemData(self.count() - 1, entry.spec.description, 3)  # Qt.ItemDataRole.ToolTipRole

    def _activated(self, index: int) -> None:
        if self.itemText(index) != OPEN_FILE:
            self._remember()
            return
        chosen, _ = QFileDialog.getOpenFileName(self, "Open a model", "", "Models (*.safetensors)")
        if chosen:
            self.choose_file(chosen)
        else:
            self.setCurrentIndex(self._last)

    def _remember(self) -> None:
        self._last = self.currentIndex()
        self.changed.emit()
