"""The Export panel and napari's File > Save for Labels layers: calibrated TIFF with provenance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import napari.layers
import numpy as np
from magicgui.widgets import create_widget
from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_unet.files.tiff import write_labels
from napari_unet.progress import Progress, Steps
from napari_unet.widgets.job import JobControl
from napari_unet.widgets.layers import GUESSED, KEY, LETTERS, pixel_size

UNKNOWN = "unknown"


class ExportPanel(QWidget):  # type: ignore[misc]
    """Widgets and wiring; `napari_viewer` is filled in by napari."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self.labels = create_widget(annotation=napari.layers.Labels, label="Labels")
        self.size = QDoubleSpinBox()
        self.size.setDecimals(5)
        self.size.setRange(0, 1e6)
        self.size.setSpecialValueText(UNKNOWN)
        self.size.setSuffix(" µm")
        self.size.setToolTip("Width of a pixel. Taken from the layer; correct it here if the image did not say.")
        self.path = QLineEdit()
        self.path.setPlaceholderText("where to write, for example masks.tif")
        self.browse = QPushButton("…")
        self.line = QLabel()
        self.line.setWordWrap(True)
        self.job = JobControl("Export", self.start)
        self._lay_out()
        self.browse.clicked.connect(self._browse)
        self.labels.changed.connect(self.refresh)
        self._viewer.layers.events.inserted.connect(self._layers_changed)
        self._viewer.layers.events.removed.connect(self._layers_changed)
        self._layers_changed()

    @property
    def layer(self) -> napari.layers.Labels | None:
        """Return the chosen labels layer."""
        return self.labels.value

    def start(self) -> None:
        """Write the chosen layer."""
        if self.layer is None:
            self.job.fail("There are no labels: segment an image first.")
            return
        if not self.path.text().strip():
            self.job.fail("Say where to write: type a file name that ends with .tif, or press …")
            return
        target = Path(self.path.text().strip()).expanduser()
        axes = labels_axes(self.layer)
        sizes = self._sizes(axes)
        data, facts = np.array(self.layer.data), provenance_of(self.layer.metadata)

        def begin() -> Steps[Path]:
            yield Progress(done=0, total=0, doing="Writing")
            write_labels(target, data, axes=axes, pixel_size=sizes, provenance=facts)
            return target

        self.job.run(begin, lambda path: self.job.status.setText(f"Written: {path}"))

    def refresh(self, *_: object) -> None:
        """Show the pixel size of the chosen layer."""
        if self.layer is None:
            self.size.setValue(0)
            self.line.setText("Segment an image first.")
            return
        size = pixel_size(self.layer, labels_axes(self.layer))
        self.size.setValue(size.um[-1] if size else 0)
        if size is None:
            self.line.setText("The image did not say how large a pixel is: type it, or leave it unknown.")
        elif not size.stated:
            self.line.setText("The image has a scale but names no unit: check that this is in µm.")
        else:
            self.line.setText("")

    def _sizes(self, axes: str) -> tuple[float, ...] | None:
        """Return um per axis: the layer's, with the width that the user typed in place of Y and X."""
        if not self.size.value() or self.layer is None:
            return None
        known = pixel_size(self.layer, axes)
        sizes = list(known.um) if known else [1.0] * len(set(axes) & set("ZYX"))
        if known is None or abs(known.um[-1] - self.size.value()) > 1e-5:
            sizes[-2:] = [self.size.value()] * 2
        return tuple(sizes)

    def _layers_changed(self, *_: object) -> None:
        self.labels.reset_choices()
        self.refresh()

    def _browse(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, "Export masks", "masks.tif", "TIFF (*.tif *.tiff)")
        if chosen:
            self.path.setText(chosen)

    def _lay_out(self) -> None:
        place = QHBoxLayout()
        place.addWidget(self.path)
        place.addWidget(self.browse)
        form = QFormLayout()
        form.addRow("Labels", self.labels.native)
        form.addRow("Pixel size", self.size)
        form.addRow("File", place)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.line)
        layout.addWidget(self.job)
        layout.addStretch(1)
        self.setMinimumWidth(300)


def write_labels_layer(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a Labels layer for napari's File > Save; return what was written."""
    layer = napari.layers.Labels(np.asarray(data), **_placing(meta))
    size = pixel_size(layer, labels_axes(layer))
    write_labels(
        path,
        np.asarray(data),
        axes=labels_axes(layer),
        pixel_size=size.um if size else None,
        provenance=provenance_of(layer.metadata),
    )
    return [path]


def labels_axes(layer: napari.layers.Labels) -> str:
    """Return the axes of a labels layer: from our own record, from its axis labels, or by their number."""
    known = str(layer.metadata.get(KEY, {}).get("axes", ""))
    if len(known) == layer.ndim:
        return known
    letters = "".join(LETTERS.get(str(label).lower(), "?") for label in layer.axis_labels)
    if "?" not in letters and len(set(letters)) == len(letters):
        return letters
    return GUESSED[layer.ndim]


def provenance_of(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return what made the labels; for labels that we did not make, that much."""
    return dict(metadata.get(KEY, {}).get("provenance", {})) or {"source": "labels drawn or loaded in napari"}


def _placing(meta: dict[str, Any]) -> dict[str, Any]:
    return {name: meta[name] for name in ("scale", "units", "axis_labels", "metadata") if name in meta}
