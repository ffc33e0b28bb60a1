"""What goes to and comes from elsewhere beside the written file: copied texts, and outlines corrected there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import napari.layers
from qtpy.QtWidgets import QApplication, QFileDialog, QGridLayout, QWidget

from napari_unet.arrays.axes import SINGLE, result_axes
from napari_unet.errors import UnetError
from napari_unet.files.image_file import ImageFile
from napari_unet.files.label_formats import read_outlined_labels
from napari_unet.methods_text import methods_paragraph, python_script
from napari_unet.models.library import SHIPPED, own_folder
from napari_unet.models.spec import ModelSpec, read_spec
from napari_unet.progress import Progress, Steps
from napari_unet.widgets.export.labels import labels_to_write
from napari_unet.widgets.parts.buttons import button
from napari_unet.widgets.parts.job import JobControl
from napari_unet.widgets.viewer.file_header import whole_file
from napari_unet.widgets.viewer.layers import full_resolution, labels_axes, pixel_size, read_layer
from napari_unet.widgets.viewer.notes import LayerNotes, notes_of
from napari_unet.widgets.viewer.origin import origin_of
from napari_unet.widgets.viewer.paint import image_of, image_reference, images_of
from napari_unet.widgets.viewer.placing import add_labels, placement

OUTLINES = "Outlines (*.zip *.roi *.geojson *.json)"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """A layer on which outlines were drawn: what its file would say, where it lies, and its image."""

    like: ImageFile
    place: dict[str, Any]
    image: napari.layers.Image | None


class Elsewhere(QWidget):  # type: ignore[misc]
    """Buttons that copy how a mask was made, and open outlines that were corrected in another program.

    Parameters
    ----------
    viewer
        The viewer itself, not a panel's proxy.
    layer
        Returns the labels that are chosen.
    job
        Runs the reading, and shows what is said.
    """

    def __init__(
        self, viewer: napari.viewer.Viewer, layer: Callable[[], napari.layers.Labels | None], job: JobControl
    ) -> None:
        super().__init__()
        self._viewer, self._layer, self._job = viewer, layer, job
        self.command = button("Copy command", "The command that makes these labels from the image's file.")
        self.python = button("Copy Python", "Python that makes these labels from the image's file.")
        self.methods = button("Copy methods", "A paragraph for a paper: model, settings, citations.")
        self.open = button("Open outlines…", "ImageJ ROIs or GeoJSON of QuPath, corrected there, as labels.")
        self.command.clicked.connect(lambda: self._copy("The command", self.command_text))
        self.python.clicked.connect(lambda: self._copy("The script", self.python_text))
        self.methods.clicked.connect(lambda: self._copy("The paragraph", self.methods_text))
        self.open.clicked.connect(self._choose)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for number, one in enumerate((self.command, self.python, self.methods, self.open)):
            layout.addWidget(one, *divmod(number, 2))

    def command_text(self) -> str:
        """Return the command that made the chosen labels; UnetError where nothing says it, or it makes more."""
        layer, known = self._made()
        if notes_of(layer).origin:
            raise UnetError("the labels are of a part of the image, the command segments all of it: copy Python")
        command = known.get("command")
        if not isinstance(command, str) or not command:
            raise UnetError("the labels do not say by which command they were made: copy Python")
        return command

    def python_text(self) -> str:
        """Return the script that makes the chosen labels; UnetError where nothing says how."""
        layer, known = self._made()
        image = image_of(self._viewer, layer)
        name = (whole_file(image) or image.name) if image is not None else str(known.get("source", "image.tif"))
        notes = notes_of(layer)
        part = zip(notes.axes, notes.origin, full_resolution(layer).shape, strict=False) if notes.origin else ()
        region = {axis: (start, start + length) for axis, start, length in part if axis != SINGLE}
        return python_script(known, name, _model_name(notes, known), region=region or None)

    def methods_text(self) -> str:
        """Return the paragraph on the chosen labels; UnetError where nothing says how they were made."""
        layer, _ = self._made()
        axes = labels_axes(layer)
        written = labels_to_write(layer, self._viewer, axes, pixel_size(layer, axes))
        return methods_paragraph(written.described(), _spec(notes_of(layer)))

    def open_file(self, path: Path) -> None:
        """Read outlines as labels on the chosen layer, or else on the topmost image, and show them."""
        try:
            reference = self._reference()
        except UnetError as error:
            self._job.fail(str(error))
            return

        def begin() -> Steps[ImageFile]:
            yield Progress(done=0, total=0, doing="Reading")
            return read_outlined_labels(path, reference.like)

        self._job.run(begin, lambda labels: self._show(path, labels, reference))

    def _made(self) -> tuple[napari.layers.Labels, dict[str, Any]]:
        """Return the chosen labels and what made them; UnetError where no model did."""
        layer = self._layer()
        known = dict(notes_of(layer).provenance) if layer is not None else {}
        if layer is None or not known.get("model"):
            raise UnetError("nothing says how these labels were made: choose a result of Segment")
        return layer, known

    def _copy(self, what: str, text: Callable[[], str]) -> None:
        try:
            copied = text()
        except UnetError as error:
            self._job.fail(str(error))
            return
        QApplication.clipboard().setText(copied)
        if QApplication.clipboard().text() != copied:  # an X server gives it to whoever asked last
            self._job.fail("another program holds the clipboard: press the button again")
            return
        self._job.messages.show(f"{what} was copied: paste it where you need it.")

    def _choose(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Open corrected outlines", "", OUTLINES)
        if chosen:
            self.open_file(Path(chosen))

    def _reference(self) -> Reference:
        """Return the layer that outlines lie on; UnetError where there is none."""
        layer = self._layer()
        if layer is not None:
            axes = labels_axes(layer)
            like = _like(layer, axes, full_resolution(layer), origin_of(self._viewer, layer, axes))
            return Reference(like=like, place=placement(layer, axes, axes), image=image_of(self._viewer, layer))
        images = images_of(self._viewer)
        if not images:
            raise UnetError("there is no image: open the one that the objects were outlined on")
        read = read_layer(images[-1])
        like = _like(images[-1], read.axes, read.array, {})
        place = placement(images[-1], read.axes, result_axes(read.axes))
        return Reference(like=like, place=place, image=images[-1])

    def _show(self, path: Path, labels: ImageFile, reference: Reference) -> None:
        """Add the labels, and say how many came."""
        axes = labels.axes
        notes = LayerNotes(axes=axes, provenance=labels.metadata.get("provenance") or {})
        if reference.image is not None:
            notes = replace(notes, image=image_reference(reference.image))
        layer = add_labels(self._viewer, labels.array, name=path.stem, notes=notes, place=reference.place)
        left_out = labels.metadata.get("left_out", 0)
        more = f" Left out, {left_out} without an area." if left_out else ""
        text = f"{path.name} is open as labels.{more} To learn from them, tick them under Use for training."
        self._job.messages.show(text)
        self._job.messages.keep(layer, text)  # which is chosen a moment later


def _like(layer: Any, axes: str, array: Any, origin: dict[str, float]) -> ImageFile:
    """Return what a file of a layer would say; UnetError where outlines have no plane in it."""
    if SINGLE in axes:
        raise UnetError(f"outlines cannot be placed on {layer.name}, whose channels lie between other axes")
    provenance = {"origin": origin} if any(origin.values()) else {}
    size = pixel_size(layer, axes)
    return ImageFile(array=array, axes=axes, calibration=size, metadata={"provenance": provenance})


def _model_name(notes: LayerNotes, known: dict[str, Any]) -> str:
    """Return the name of a model in the library, the file of any other."""
    path = Path(notes.model_path)
    if not notes.model_path:
        return str(known.get("model"))
    return path.stem if path.parent in (SHIPPED, own_folder()) else str(path)


def _spec(notes: LayerNotes) -> ModelSpec | None:
    try:
        return read_spec(Path(notes.model_path)) if notes.model_path else None
    except UnetError:  # the file is gone: what the labels say themselves is left
        return None
