"""The Export panel and napari's File > Save for Labels layers: calibrated TIFF with provenance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import napari.layers
import numpy as np
from magicgui.widgets import create_widget
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QMessageBox,
    QPushButton,
)

from napari_unet.errors import UnetError
from napari_unet.files.file_errors import unwritable
from napari_unet.files.same_file import same_file
from napari_unet.files.tiff import write_labels
from napari_unet.progress import Progress, Steps
from napari_unet.widgets.model_choice import rename_choices
from napari_unet.widgets.parts.ignore_wheel import ignore_wheel
from napari_unet.widgets.parts.job import JobControl
from napari_unet.widgets.parts.message_label import MessageLabel, capitalized
from napari_unet.widgets.parts.scrolling import ScrollingPanel
from napari_unet.widgets.viewer.file_header import KEY
from napari_unet.widgets.viewer.layers import GUESSED, LETTERS, full_resolution, pixel_size
from napari_unet.widgets.viewer.opened_masks import show_masks_as_labels
from napari_unet.widgets.viewer.paint import images_of, path_of

LOWEST = 130
"""Height in pixels that the panel keeps beside others: labels, pixel size and file are in sight."""
UNKNOWN = "unknown"
ROUNDING = 1e-5
"""What the box rounds away of a pixel size, in um."""


class ExportPanel(ScrollingPanel):
    """Widgets and wiring; `napari_viewer` is filled in by napari."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self.labels = create_widget(annotation=napari.layers.Labels, label="Labels")
        self.labels.native.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._agreed: tuple[Path, Any] | None = None
        """The file that may be replaced, and by which layer."""
        self._shown: napari.layers.Labels | None = None
        self._typed: WeakKeyDictionary[napari.layers.Labels, tuple[float, float]] = WeakKeyDictionary()
        self.size = _micrometres("Width of a pixel. Taken from the layer; correct it if the image did not say.")
        self.depth = _micrometres("Distance of planes. Unknown is taken as the pixel size.")
        self.path = QLineEdit()
        self.path.setPlaceholderText("where to write, for example masks.tif")
        self.browse = QPushButton("…")
        self.line = MessageLabel()
        self.job = JobControl("Export", self.start)
        show_masks_as_labels(napari_viewer)
        self._lay_out()
        self.browse.clicked.connect(self._browse)
        self.labels.changed.connect(self.refresh)
        self._viewer.layers.events.inserted.connect(self._layers_changed)
        self._viewer.layers.events.removed.connect(self._layers_changed)
        self._viewer.layers.events.renamed.connect(self._renamed)
        self._viewer.layers.selection.events.active.connect(self._selected)
        self.labels.reset_choices()
        self.refresh()

    @property
    def layer(self) -> napari.layers.Labels | None:
        """Return the chosen labels layer."""
        return self.labels.value

    def start(self) -> None:
        """Write the chosen layer."""
        if self.layer is None:
            self.job.fail("There are no labels: segment an image first.")
            return
        try:
            target = chosen_file(self.path.text().strip())
            axes = labels_axes(self.layer)
        except UnetError as error:
            self.job.fail(str(error))
            return
        if fault := self._fault_of(target):
            self.job.fail(fault)
            return
        pair = (target, self.layer.unique_id)
        if target.exists() and pair != self._agreed and not self._may_replace(target):
            return
        sizes = self._sizes(axes)
        data, facts = full_resolution(self.layer), provenance_of(self.layer.metadata)

        def begin() -> Steps[Path]:
            yield Progress(done=0, total=0, doing="Writing")
            write_labels(target, np.array(data), axes=axes, pixel_size=sizes, provenance=facts)
            return target

        def written(path: Path) -> None:
            self._agreed = pair
            self.job.status.setText(f"Written: {path}")

        self.job.run(begin, written)

    def refresh(self, *_: object) -> None:
        """Show the pixel size of the chosen layer, and that it gets from now on."""
        self._watch(self.layer)
        if self.layer is None:
            self.size.setValue(0)
            self._form.setRowVisible(self.depth, False)
            self.line.setText("Segment an image first.")
            return
        try:
            axes = labels_axes(self.layer)
        except UnetError as error:
            self.line.setText(capitalized(str(error)))
            return
        size = pixel_size(self.layer, axes)
        typed = self._typed.get(self.layer, (0, 0))
        self.size.setValue(size.um[-1] if size else typed[0])
        self.depth.setValue((size.um[0] if size else typed[1]) if "Z" in axes else 0)
        self._form.setRowVisible(self.depth, "Z" in axes)
        if size is None:
            self.line.setText("The image did not say how large a pixel is: type it, or leave it unknown.")
        elif not size.stated:
            self.line.setText("The image has a scale but names no unit: check that this is in µm.")
        else:
            self.line.setText("")

    def _sizes(self, axes: str) -> tuple[float, ...] | None:
        """Return um per axis: the layer's, or what was typed in their place; an unknown depth is the width."""
        if not self.size.value() or self.layer is None:
            return None
        known = pixel_size(self.layer, axes)
        width, depth = self.size.value(), self.depth.value() or self.size.value()
        sides: tuple[float, ...] = (width, width)
        if known is not None and abs(known.um[-1] - width) < ROUNDING:
            sides = known.um[-2:]
            depth = known.um[0] if "Z" in axes and abs(known.um[0] - depth) < ROUNDING else depth
        return (depth, *sides) if "Z" in axes else sides

    def _fault_of(self, target: Path) -> str:
        """Return why nothing can be written there, empty where it can."""
        try:
            if target.is_dir():
                return f"{target} is a folder: add a file name that ends with .tif."
        except OSError as error:  # a name that is too long
            return f"{unwritable(target, error)}."
        return replaced_image(self._viewer, target)

    def _may_replace(self, target: Path) -> bool:
        answer = QMessageBox.question(self, "Export masks", f"{target} exists. Replace it?")
        return bool(answer == QMessageBox.StandardButton.Yes)

    def _selected(self, event: Any) -> None:
        """Follow the selected labels."""
        if event.value in self.labels.choices:
            self.labels.value = event.value

    def _renamed(self, *_: object) -> None:
        rename_choices(self.labels)

    def _layers_changed(self, *_: object) -> None:
        self.labels.reset_choices()
        if self.layer is not self._shown:  # else what was typed stands
            self.refresh()

    def _watch(self, layer: napari.layers.Labels | None) -> None:
        """Follow the calibration of one layer."""
        if layer is self._shown:
            return
        if self._shown is not None:
            self._typed[self._shown] = (self.size.value(), self.depth.value())
            self._shown.events.scale.disconnect(self.refresh)
            self._shown.events.units.disconnect(self.refresh)
        if layer is not None:
            layer.events.scale.connect(self.refresh)
            layer.events.units.connect(self.refresh)
        self._shown = layer

    def _browse(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, "Export masks", "masks.tif", "TIFF (*.tif *.tiff)")
        if chosen:
            self.path.setText(chosen)
            if self.layer is not None:
                self._agreed = (Path(chosen).resolve(), self.layer.unique_id)  # the dialog has asked

    def _lay_out(self) -> None:
        place = QHBoxLayout()
        place.addWidget(self.path)
        place.addWidget(self.browse)
        self._form = QFormLayout()
        self._form.addRow("Labels", self.labels.native)
        self._form.addRow("Pixel size", self.size)
        self._form.addRow("Plane distance", self.depth)
        self._form.addRow("File", place)
        layout = self.contents()
        layout.addLayout(self._form)
        layout.addWidget(self.line)
        layout.addWidget(self.job)
        layout.addStretch(1)
        ignore_wheel(self)
        self.keep(LOWEST)


def write_labels_layer(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a Labels layer for napari's File > Save; return what was written."""
    levels = isinstance(data, Sequence) and not isinstance(data, np.ndarray)
    viewer = napari.current_viewer()
    if viewer is not None and (fault := replaced_image(viewer, Path(path))):
        raise UnetError(fault)
    full = np.asarray(data[0] if levels else data)
    layer = napari.layers.Labels(full, **_placing(meta))
    size = pixel_size(layer, labels_axes(layer))
    write_labels(
        path,
        full,
        axes=labels_axes(layer),
        pixel_size=size.um if size else None,
        provenance=provenance_of(layer.metadata),
    )
    return [path]


def replaced_image(viewer: napari.viewer.Viewer, target: Path) -> str:
    """Return a sentence where a file is that of an image open in a viewer, under whatever name; else nothing."""
    opened = [path for image in images_of(viewer) if (path := path_of(image))]
    try:
        replaced = any(same_file(path, target) for path in opened)
    except UnetError as error:  # nobody may look there
        return f"{error}."
    if replaced:
        return f"{target.name} is an image that is open here, and masks would replace it: choose another name."
    return ""


def chosen_file(text: str) -> Path:
    """Return the file that somebody typed."""
    if not text:
        raise UnetError("Say where to write: type a file name that ends with .tif, or press …")
    try:
        return Path(text).expanduser().resolve()
    except RuntimeError as error:  # the home of somebody who is not known here
        raise UnetError(f"{error}: type the whole path.") from None


def labels_axes(layer: napari.layers.Labels) -> str:
    """Return the axes of a labels layer: from our own record, from its axis labels, or by their number."""
    known = str(layer.metadata.get(KEY, {}).get("axes", ""))
    if len(known) == layer.ndim:
        return known
    letters = "".join(LETTERS.get(str(label).lower(), "?") for label in layer.axis_labels)
    if "?" not in letters and len(set(letters)) == len(letters) and {"Y", "X"} <= set(letters):
        return letters
    if layer.ndim not in GUESSED:
        raise UnetError(f"labels of {layer.ndim} dimensions cannot be written: export a part of them")
    return GUESSED[layer.ndim]


def provenance_of(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return what made the labels; for labels that we did not make, that much."""
    return dict(metadata.get(KEY, {}).get("provenance", {})) or {"source": "labels drawn or loaded in napari"}


def _micrometres(tip: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setDecimals(5)
    box.setRange(0, 1e6)
    box.setSpecialValueText(UNKNOWN)
    box.setSuffix(" µm")
    box.setToolTip(tip)
    return box


def _placing(meta: dict[str, Any]) -> dict[str, Any]:
    return {name: meta[name] for name in ("scale", "units", "axis_labels", "metadata") if name in meta}
