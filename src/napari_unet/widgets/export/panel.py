"""The Export panel: labels as calibrated files with provenance, and outlines back from other programs."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import napari.layers
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

from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.errors import UnetError
from napari_unet.files.file_errors import unwritable
from napari_unet.files.label_formats import FORMATS, format_of
from napari_unet.files.zarr import is_zarr
from napari_unet.progress import Progress, Steps
from napari_unet.widgets.export.elsewhere import Elsewhere
from napari_unet.widgets.export.labels import LabelsToWrite, labels_to_write, replaced_image
from napari_unet.widgets.model_choice import rename_choices
from napari_unet.widgets.parts.ignore_wheel import ignore_wheel
from napari_unet.widgets.parts.job import JobControl
from napari_unet.widgets.parts.long_names import cut_long_names
from napari_unet.widgets.parts.message_label import MessageLabel, capitalized
from napari_unet.widgets.parts.scrolling import ScrollingPanel
from napari_unet.widgets.viewer.arrivals import watch_layers
from napari_unet.widgets.viewer.layers import labels_axes, pixel_size, unwrapped

MIN_HEIGHT = 130
"""Height in pixels that the panel keeps beside others: labels, pixel size and file are in sight."""
UNKNOWN = "unknown"
ENDINGS = sorted((ending for known in FORMATS for ending in known.endings), key=len, reverse=True)
"""The longest first: .ome.tif is no .tif."""
ROUNDING = 1e-5
"""What the box rounds away of a pixel size, in um."""


class ExportPanel(ScrollingPanel):
    """Widgets and wiring; `napari_viewer` is filled in by napari."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self.labels = create_widget(annotation=napari.layers.Labels, label="Labels")
        cut_long_names(self.labels.native)
        self._agreed: tuple[Path, Any] | None = None
        """The file that may be replaced, and by which layer."""
        self._shown: napari.layers.Labels | None = None
        self._typed: WeakKeyDictionary[napari.layers.Labels, dict[str, float]] = WeakKeyDictionary()
        self.size = _length("µm", "Width of a pixel. Taken from the layer; correct it if the image did not say.")
        self.height = _length("µm", "Height of a pixel, where it is not its width.")
        self.depth = _length("µm", "Distance of planes. Unknown is taken as the pixel size.")
        self.interval = _length("s", "Seconds from frame to frame.")
        self._boxes = {"X": self.size, "Y": self.height, "Z": self.depth, "T": self.interval}
        self.path = QLineEdit()
        self.path.setPlaceholderText("for example masks.tif")
        self.browse = QPushButton("…")
        self.format = QComboBox()
        self.format.addItems([known.title for known in FORMATS])
        self.format.setToolTip("What the file is; the ending of its name says the same.")
        self.line = MessageLabel()
        self.job = JobControl("Export", self.start)
        self.elsewhere = Elsewhere(unwrapped(napari_viewer), lambda: self.layer, self.job)
        watch_layers(napari_viewer)
        self._lay_out()
        self.browse.clicked.connect(self._browse)
        self.format.activated.connect(self._format_chosen)
        self.path.textChanged.connect(self._follow_ending)
        self.path.returnPressed.connect(self.job.start_button.click)
        self.labels.changed.connect(self.refresh)
        self._viewer.layers.events.inserted.connect(self._layer_came)
        self._viewer.layers.events.removed.connect(self._layers_changed)
        self._viewer.layers.events.renamed.connect(self._renamed)
        self._viewer.layers.selection.events.active.connect(self._selected)
        for layer in self._viewer.layers:
            layer.events.visible.connect(self._follow_visible)
        self.labels.reset_choices()
        self._choose_likeliest()
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
        labels = self._snapshot(axes)

        def begin() -> Steps[Path]:
            yield Progress(done=0, total=0, doing="Writing")
            labels.write(target)
            return target

        def written(path: Path) -> None:
            self._agreed = pair
            self.job.messages.show(f"Written: {path}")

        self.job.run(begin, written)

    def refresh(self, *_: object) -> None:
        """Show the pixel size of the chosen layer, and that it gets from now on."""
        self._watch(self.layer)
        self.job.messages.choose(self.layer)
        if self.layer is None:
            self._show_size(None, "")
            self.line.setText("Segment an image first.")
            return
        try:
            axes = labels_axes(self.layer)
        except UnetError as error:
            self.line.setText(capitalized(str(error)))
            return
        size = pixel_size(self.layer, axes)
        self._show_size(size, axes)
        if size is None or not size.um:
            self.line.setText("The image did not say how large a pixel is: type it, or leave it unknown.")
        elif not size.stated:
            self.line.setText("The image has a scale but names no unit: check that this is in µm.")
        else:
            self.line.setText("")

    def _show_size(self, size: PixelSize | None, axes: str) -> None:
        """Fill the boxes of the axes that labels have: with what is known of them, else with what was typed."""
        typed = self._typed.get(self.layer, {}) if self.layer is not None else {}
        sizes = {axis: (size and size.get(axis)) or typed.get(axis, 0.0) for axis in self._boxes}
        for axis, box in self._boxes.items():
            box.setValue(sizes[axis] if axis in axes else 0)
        square = abs(sizes["Y"] - sizes["X"]) < ROUNDING
        for axis, box in self._boxes.items():
            self._form.setRowVisible(box, axis == "X" or (axis in axes and not (axis == "Y" and square)))

    def _sizes(self, axes: str) -> PixelSize | None:
        """Return what the boxes say; one that was left alone stands for the layer's own value, unrounded."""
        known = pixel_size(self.layer, axes) if self.layer is not None else None
        sizes: dict[str, float | None] = {}
        for axis, box in self._boxes.items():
            own = known.get(axis) if known is not None else None
            same = own is not None and abs(own - box.value()) < ROUNDING
            sizes[axis] = (own if same else box.value() or None) if axis in axes else None
        if not self._form.isRowVisible(self.height) and sizes["X"] != (known and known.get("X")):
            sizes["Y"] = sizes["X"]
        return PixelSize.known(sizes) if sizes["X"] else PixelSize.known({"T": sizes["T"]})

    def _snapshot(self, axes: str) -> LabelsToWrite:
        """Return what is written of the chosen layer, safe from painting that goes on."""
        assert self.layer is not None
        return labels_to_write(self.layer, unwrapped(self._viewer), axes, self._sizes(axes))

    def _fault_of(self, target: Path) -> str:
        """Return why nothing can be written there, empty where it can."""
        try:
            if target.is_dir() and is_zarr(target):
                return f"{target} exists: choose another name, or remove it first."
            if target.is_dir():
                return f"{target} is a folder: add a file name that ends with .tif."
            format_of(target)
        except OSError as error:  # a name that is too long
            return f"{unwritable(target, error)}."
        except UnetError as error:
            return f"{error}."
        return replaced_image(self._viewer, target)

    def _may_replace(self, target: Path) -> bool:
        answer = QMessageBox.question(self, "Export masks", f"{target} exists. Replace it?")
        return bool(answer == QMessageBox.StandardButton.Yes)

    def _selected(self, event: Any) -> None:
        """Follow the selected labels."""
        if event.value in self.labels.choices:
            self.labels.value = event.value

    def _choose_likeliest(self) -> None:
        """Offer the labels that are selected, else the topmost that are visible, else the topmost."""
        active = self._viewer.layers.selection.active
        choices = [layer for layer in self._viewer.layers if layer in self.labels.choices]
        visible = [layer for layer in choices if layer.visible]
        if choices:
            self.labels.value = active if active in choices else (visible or choices)[-1]

    def _follow_visible(self, *_: object) -> None:
        """Offer other labels where those on offer were hidden, as Segment hides former results."""
        if self.layer is not None and not self.layer.visible:
            shown = [layer for layer in self._viewer.layers if layer in self.labels.choices and layer.visible]
            if shown:
                self.labels.value = shown[-1]

    def _renamed(self, *_: object) -> None:
        rename_choices(self.labels)

    def _layer_came(self, event: Any) -> None:
        event.value.events.visible.connect(self._follow_visible)
        self._layers_changed()

    def _layers_changed(self, *_: object) -> None:
        former = self.layer
        self.job.messages.forget_failure()
        self.labels.reset_choices()
        if former is None or former not in self.labels.choices:
            self._choose_likeliest()
        if self.layer is not self._shown:  # else what was typed stands
            self.refresh()

    def _watch(self, layer: napari.layers.Labels | None) -> None:
        """Follow the calibration of one layer."""
        if layer is self._shown:
            return
        if self._shown is not None:
            self._typed[self._shown] = {axis: box.value() for axis, box in self._boxes.items()}
            self._shown.events.scale.disconnect(self.refresh)
            self._shown.events.units.disconnect(self.refresh)
        if layer is not None:
            layer.events.scale.connect(self.refresh)
            layer.events.units.connect(self.refresh)
        self._shown = layer

    def _format_chosen(self, number: int) -> None:
        """Give the file's name the ending of a format."""
        name = self.path.text().strip()
        former = next((ending for ending in ENDINGS if name.lower().endswith(ending)), "")
        self.path.setText((name[: len(name) - len(former)] or "masks") + FORMATS[number].endings[0])

    def _follow_ending(self, name: str) -> None:
        """Show the format that a name stands for."""
        with suppress(UnetError):
            self.format.setCurrentIndex(FORMATS.index(format_of(name)))

    def _browse(self) -> None:
        kinds = [f"{known.title} ({' '.join(f'*{ending}' for ending in known.endings)})" for known in FORMATS]
        name = self.path.text().strip() or "masks.tif"
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Export masks", name, ";;".join(kinds), kinds[self.format.currentIndex()]
        )
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
        self._form.addRow("Pixel height", self.height)
        self._form.addRow("Plane distance", self.depth)
        self._form.addRow("Frame interval", self.interval)
        self._form.addRow("Format", self.format)
        self._form.addRow("File", place)
        layout = self.contents()
        layout.addLayout(self._form)
        layout.addWidget(self.line)
        layout.addWidget(self.job)
        layout.addWidget(self.elsewhere)
        layout.addStretch(1)
        ignore_wheel(self)
        self.keep_height(MIN_HEIGHT)


def chosen_file(text: str) -> Path:
    """Return the file that was typed."""
    if not text:
        raise UnetError("Say where to write: type a file name that ends with .tif, or press …")
    try:
        return Path(text).expanduser().resolve()
    except RuntimeError as error:  # the home of an unknown user
        raise UnetError(f"{error}: type the whole path.") from None


def _length(unit: str, tip: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox(decimals=5, maximum=1e6, specialValueText=UNKNOWN, suffix=f" {unit}")
    box.setToolTip(tip)
    return box
