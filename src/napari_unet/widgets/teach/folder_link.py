"""From Teach to Train: a new network may learn from a folder of labelled images instead of from paint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QPushButton

from napari_unet.files.openable import is_there
from napari_unet.settings.folder_training import FolderSettings
from napari_unet.widgets.viewer.layers import unwrapped
from napari_unet.widgets.viewer.paint import images_of, path_of

if TYPE_CHECKING:
    import napari

PLUGIN, TRAIN = "napari-unet-interactive", "Train"


def link_to_training() -> QPushButton:
    """Return the button, which looks like a line of text."""
    button = QPushButton("Or train on a folder of labelled images…")
    button.setStyleSheet("background: transparent; text-align: left; text-decoration: underline")
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    button.setToolTip("Opens Train, for images in which all objects are labelled already.")
    return button


def open_training(viewer: napari.viewer.Viewer, *, classes: bool, volumes: bool) -> None:
    """Show the Train panel beside the others, with what is known of the model that is wanted."""
    dock, train = unwrapped(viewer).window.add_plugin_dock_widget(PLUGIN, TRAIN, tabify=True)
    dock.raise_()
    train.form.suggest(folder_around(viewer), classes=classes, volumes=volumes)


def folder_around(viewer: napari.viewer.Viewer) -> Path | None:
    """Return the folder with images and labels in which an opened image lies, None where none does."""
    for image in images_of(viewer):
        inner = Path(path_of(image)).absolute().parent
        if path_of(image) and inner.name == "images" and is_there(inner.parent / FolderSettings().labels):
            return inner.parent
    return None
