"""What is asked in the Train panel: the folder, what its labels are, the model to make, all options."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_unet.errors import UnetError
from napari_unet.files.checkpoint_names import checkpoint_of
from napari_unet.folder_training.request import TrainingRequest
from napari_unet.models.library import entries
from napari_unet.settings.folder_training import FolderSettings
from napari_unet.settings.network import NetworkSettings
from napari_unet.settings.training import TrainingSettings
from napari_unet.widgets.parts.option_boxes import OptionBoxes
from napari_unet.widgets.preferences import follow_preference
from napari_unet.widgets.teach.naming import free_name, name_fault, path_of_name

CLOSED, OPEN = "▸ Advanced", "▾ Advanced"
FROM_NOTHING = "nothing"
ON_TOP = ("truth",)
"""What is asked above the folded part."""


class FolderForm(QWidget):  # type: ignore[misc]
    """Makes a `TrainingRequest`; `folder_chosen` is emitted when there is another folder to look into."""

    folder_chosen = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.folder = QLineEdit()
        self.folder.setPlaceholderText("folder with images and labels")
        self.folder.setToolTip("It holds the folders images and labels, whose files have the same names.")
        self.browse = QPushButton("…")
        self.start = QComboBox()
        self.start.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.start.setToolTip("A new network learns from nothing; a model that knows such images learns on.")
        self.name = QLineEdit()
        self.name.setPlaceholderText("name of the new model")
        self.how, self.network, self.training = (
            OptionBoxes(group, "Train panel") for group in (FolderSettings, NetworkSettings, TrainingSettings)
        )
        self.advanced = QCollapsible(CLOSED, expandedIcon=QIcon(), collapsedIcon=QIcon())
        self._looked_at = ""
        self.offer_starts()
        self._lay_out()
        self.folder.editingFinished.connect(self._look)
        self.browse.clicked.connect(lambda _: self._browse())
        self.advanced.toggled.connect(lambda is_open: self.advanced.setText(OPEN if is_open else CLOSED))
        follow_preference(self, "computing", "device", self.training["device"].choose)

    def request(self) -> TrainingRequest:
        """Return what is asked for; UnetError where something is missing or does not fit."""
        folder, name = self.folder.text().strip(), self.name.text().strip()
        if not folder:
            raise UnetError("Choose a folder with images and labels first.")
        output = path_of_name(name)
        if (fault := name_fault(name)) and not checkpoint_of(output).exists():
            raise UnetError(fault)
        chosen = self.how.differing()
        return TrainingRequest(
            folder=Path(os.path.expanduser(folder)),  # noqa: PTH111 - never fails
            output=output,
            how=FolderSettings(**chosen, start=self.start.currentData()),
            network=_checked(NetworkSettings, self.network.differing()),
            training=_checked(TrainingSettings, self.training.differing()),
        )

    def show_request(self, request: TrainingRequest) -> None:
        """Show what is asked for."""
        self._looked_at = str(request.folder)
        self.folder.setText(self._looked_at)
        self.name.setText(request.output.stem)
        self.start.setCurrentIndex(max(0, self.start.findData(request.how.start)))
        self.how.show(request.how.model_dump())
        self.network.show(request.network)
        self.training.show(request.training)

    def suggest(self, folder: Path | None, *, classes: bool, volumes: bool) -> None:
        """Choose what is known of the model that is wanted; a form that was filled in stays as it is."""
        if self.folder.text().strip():
            return
        self.how["truth"].choose("classes" if classes else "objects")
        self.network["dims"].choose(3 if volumes else 2)
        if folder is not None:
            self.folder.setText(str(folder))
            self._look()

    def offer_starts(self) -> None:
        """Offer nothing and all models to start from; the chosen one stays."""
        chosen = self.start.currentData()
        self.start.clear()
        self.start.addItem(FROM_NOTHING, None)
        for entry in entries():
            if entry.spec is not None:
                self.start.addItem(entry.name, str(entry.path))
        self.start.setCurrentIndex(max(0, self.start.findData(chosen)))

    def _look(self) -> None:
        """Offer a name, and let the folder be looked into, when it is another one."""
        text = self.folder.text().strip()
        if text and text != self._looked_at:
            self._looked_at = text
            stem = Path(text).name
            self.name.setText(stem if not name_fault(stem) else free_name(Path(stem)))
            self.folder_chosen.emit()

    def _browse(self) -> None:
        if chosen := QFileDialog.getExistingDirectory(self, "Folder with images and labels"):
            self.folder.setText(chosen)
            self._look()

    def _lay_out(self) -> None:
        place = QHBoxLayout()
        place.addWidget(self.folder)
        place.addWidget(self.browse)
        form = QFormLayout()
        form.addRow("Folder", place)
        form.addRow("Labels are", self.how["truth"])
        form.addRow("Start from", self.start)
        form.addRow("Name", self.name)
        inside = QWidget()
        folded = QFormLayout(inside)
        folded.setContentsMargins(0, 0, 0, 0)
        self.how.add_rows(folded, without=ON_TOP)
        self.network.add_rows(folded)
        self.training.add_rows(folded)
        self.advanced.addWidget(inside)
        self.advanced.layout().setContentsMargins(0, 0, 0, 0)
        self.advanced.collapse(animate=False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)
        layout.addWidget(self.advanced)


def _checked(settings: type[NetworkSettings | TrainingSettings], values: dict[str, Any]) -> dict[str, Any]:
    """Return values as the settings have them, which take text apart; UnetError where one cannot be."""
    checked = settings(**values)
    return {name: getattr(checked, name) for name in values}
