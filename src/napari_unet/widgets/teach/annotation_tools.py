"""The buttons above the painted layers: brushes, a new layer to paint on, a ring of background, new ids."""

from __future__ import annotations

from collections.abc import Iterable

import napari.layers
import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from napari_unet.errors import UnetError
from napari_unet.widgets.parts.buttons import button
from napari_unet.widgets.teach.brushes import Brushes
from napari_unet.widgets.teach.form import TeachingForm
from napari_unet.widgets.teach.painted_table import PaintedTable
from napari_unet.widgets.viewer import annotation_layers
from napari_unet.widgets.viewer.layers import read_layer
from napari_unet.widgets.viewer.notes import ANNOTATION, role_of
from napari_unet.widgets.viewer.paint import Paint, image_of, images_of, prediction_of, take


class AnnotationTools(QWidget):  # type: ignore[misc]
    """Buttons that work on a viewer's layers and on what is ticked in the table; `told` says what came of it."""

    told = Signal(str)
    failed = Signal(str)

    def __init__(self, viewer: napari.viewer.Viewer, table: PaintedTable, form: TeachingForm) -> None:
        super().__init__()
        self._viewer = viewer
        self._table = table
        self._form = form
        self.brushes = Brushes(viewer, self._add_layer, lambda: form.tells_classes)
        self.new_layer = button("New layer", "An empty annotation layer over the image, to paint on.")
        self.ring = button(
            "Background ring", "Paint a thin rim of background around the objects of the annotation layers."
        )
        self.weights = button("Weights", "Show how much each pixel of your paint counts in the loss.")
        self.split = button(
            "Split disconnected pieces", "One id was painted in several places: each piece gets an id of its own."
        )
        self.split.hide()
        row = QHBoxLayout()
        row.setSpacing(4)  # else they widen the panel
        for one in (self.new_layer, self.ring, self.weights):
            row.addWidget(one)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.brushes)
        layout.addLayout(row)
        layout.addWidget(self.split)
        self.brushes.failed.connect(self.failed)
        self.new_layer.clicked.connect(lambda _: self._add_layer())
        self.ring.clicked.connect(lambda _: self._add_ring())
        self.split.clicked.connect(lambda _: self._split())

    def offer_split(self, paints: Iterable[Paint]) -> None:
        """Offer ids of their own for painted objects that share one: they are learnt as several objects anyway."""
        self.split.setVisible(any(annotation_layers.has_scattered_ids(paint) for paint in paints))

    def _add_layer(self) -> None:
        image = self.image_to_paint()
        if image is None:
            self.failed.emit("There is no image: open one, or try File > Open Sample.")
            return
        try:
            annotation_layers.new_annotation_layer(self._viewer, image, read_layer(image), self._form.values)
        except UnetError as error:
            self.failed.emit(str(error))

    def image_to_paint(self) -> napari.layers.Image | None:
        """Return the selected image, that of the selected labels, or the topmost one."""
        active = self._viewer.layers.selection.active
        images = images_of(self._viewer)
        if active in images:
            return active
        if isinstance(active, napari.layers.Labels) and (image := image_of(self._viewer, active)) is not None:
            return image
        return images[-1] if images else None

    def _add_ring(self) -> None:
        """Put a ring of background around the objects of every ticked annotation layer."""
        added = 0
        try:
            for layer, image, _ in self._table.chosen():
                if role_of(layer) == ANNOTATION and np.any(layer.data):
                    added += annotation_layers.add_ring(layer, self._sure(image, layer.data.shape))
        except UnetError as error:
            self.failed.emit(str(error))
            return
        text = f"{added} pixels of background were painted. Undo (Ctrl+Z) takes them back."
        self.told.emit(text if added else "Paint objects on an annotation layer first, with the object brush.")

    def _sure(self, image: napari.layers.Image, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
        """Return where some result of an image has an object."""
        for layer in self._viewer.layers:
            if isinstance(layer, napari.layers.Labels) and image_of(self._viewer, layer) == image:
                known = prediction_of(layer)
                if known is not None and known.shape == shape:
                    return known > 0
        return None

    def _split(self) -> None:
        try:
            for layer, image, meaning in self._table.chosen():
                paint = take(layer, image, meaning)
                if paint is not None:
                    annotation_layers.split_ids(layer, paint)
        except UnetError as error:
            self.failed.emit(str(error))
            return
        self.split.hide()
