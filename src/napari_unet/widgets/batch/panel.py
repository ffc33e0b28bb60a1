"""The Batch panel: choose a folder and a model, get a mask of every image and a table, the worst images first."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any

import napari
from napari.utils.notifications import show_info
from qtpy.QtWidgets import QFileDialog, QFormLayout, QHBoxLayout, QLineEdit, QPushButton

from napari_unet.errors import UnetError
from napari_unet.files.batch_row import FAILED, BatchRow
from napari_unet.files.zarr import is_zarr
from napari_unet.progress import Progress
from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.widgets.autosave.watcher import Autosave
from napari_unet.widgets.batch.corrections import is_corrected
from napari_unet.widgets.batch.opening import OpenedImages
from napari_unet.widgets.batch.table import BatchTable
from napari_unet.widgets.batch.work import ListedImages, PanelRequest, begin_batch, begin_listing, begin_table
from napari_unet.widgets.model_choice import ModelChoice
from napari_unet.widgets.parts.ignore_wheel import ignore_wheel
from napari_unet.widgets.parts.job import JobControl
from napari_unet.widgets.parts.message_label import MessageLabel
from napari_unet.widgets.parts.option_boxes import OptionBoxes
from napari_unet.widgets.parts.panel_closed import on_panel_closed
from napari_unet.widgets.parts.scrolling import ScrollingPanel
from napari_unet.widgets.viewer.arrivals import watch_layers
from napari_unet.widgets.viewer.project import offer_project
from napari_unet.words import counted

MIN_HEIGHT = 250
"""Height in pixels that the panel keeps beside others: folder, model, button and the first rows are in sight."""
MASKS = "masks"
"""Folder within that of the images where masks go unless another one is chosen."""
ADVICE = "Double-click a row to see the image with its mask and to correct it. The upper rows need it most."


class BatchPanel(ScrollingPanel):
    """Widgets and wiring; `napari_viewer` is filled in by napari."""

    def __init__(self, napari_viewer: napari.viewer.Viewer, model: ModelChoice | None = None) -> None:
        """Offer models, but where `model` stands elsewhere already."""
        super().__init__()
        self._viewer = napari_viewer
        self._inputs: tuple[str, ...] = ()
        self._shown_inputs = ""
        self._stop_asked = Event()
        self._segmented_by: Path | None = None
        self.images = QLineEdit()
        self.images.setPlaceholderText("a folder of images")
        self.images.setToolTip("A folder, a file, or a pattern such as plate/*.tif")
        self.folder, self.files, self.browse = QPushButton("Folder…"), QPushButton("Files…"), QPushButton("…")
        self.output = QLineEdit()
        self.output.setPlaceholderText("folder for the masks")
        self.model = model or ModelChoice(napari_viewer)
        self._own_model = model is None
        self.boxes = OptionBoxes(SegmentationSettings, "Batch panel")
        self.channels = self.boxes["channels"]
        self.job = JobControl("Segment all", self.start, stop=self._stop)
        self.line = MessageLabel()
        self.table = BatchTable()
        self.corrected = QPushButton("Open corrected images")
        self.corrected.setToolTip("Open every image that was corrected: Fine-tune then learns from all of them.")
        self.measure = QPushButton("Measure all…")
        self.measure.setToolTip("Write the objects of all images into one table (CSV), with units beside it.")
        self.opened = OpenedImages(napari_viewer)
        watch_layers(napari_viewer)
        Autosave.of(napari_viewer)
        self._lay_out()
        self._connect()
        self._model_changed()
        self._refresh()

    def start(self) -> None:
        """Segment what is chosen."""
        text, path = self.images.text().strip(), self.model.path
        if not text:
            self.job.fail("Choose a folder of images first.")
        elif path is None:
            self.job.fail("There is no model: choose one, or open a .safetensors file.")
        elif not self.output.text().strip():
            self.job.fail("Say where the masks go: choose a folder.")
        else:
            self._run(path)

    def open_image(self, image: Path) -> None:
        """Show an image with its mask."""
        row = self.table.rows.row_of(image)
        if row is None or row.state == FAILED or self._segmented_by is None:
            self.job.fail(f"{image.name} has no mask: {row.text if row else 'press Segment all first'}")
            return
        try:
            self.opened.show(row, self._segmented_by)
        except UnetError as error:
            self.job.fail(str(error))

    def open_corrected(self) -> None:
        """Open every image that was corrected, so that all are learnt from together."""
        self.opened.save()
        for image in self._corrected_images():
            self.open_image(image)

    def measure_all(self) -> None:
        """Write one table of the objects of all images."""
        rows = [row for row in self.table.rows.rows() if row.state != FAILED]
        if not rows:
            self.job.fail("There are no masks to measure: press Segment all first.")
            return
        self.opened.save()
        place = rows[0].mask.parent / "objects.csv"
        chosen, _ = QFileDialog.getSaveFileName(self, "Table of all objects", str(place), "CSV (*.csv)")
        if chosen:
            path = Path(chosen)

            def written(faults: list[str]) -> None:
                self.job.messages.show(" ".join([f"Written: {path}", *faults]))

            self.job.run(begin_table(rows, path), written)

    def choose(self, inputs: tuple[str, ...]) -> None:
        """Take over folders, files or patterns, and list the images that they mean."""
        if not self.job.is_running:
            self._take_over(inputs)
            self.table.rows.forget()
            self.job.run(begin_listing(inputs), self._listed)

    def _take_over(self, inputs: tuple[str, ...]) -> None:
        """Show what was chosen, and offer a folder for the masks."""
        self._inputs = tuple(map(os.path.expanduser, inputs))
        first = Path(self._inputs[0])
        is_folder = os.path.isdir(first) and not is_zarr(first)  # noqa: PTH112 - never fails
        place = first if is_folder else first.parent
        self._shown_inputs = inputs[0] if len(inputs) == 1 else f"{len(inputs)} files in {place}"
        self.images.setText(self._shown_inputs)
        self.output.setText(str(place / MASKS))

    def _run(self, model: Path) -> None:
        try:
            settings = self.boxes.chosen(SegmentationSettings())
        except UnetError as error:
            self.job.fail(str(error))
            return
        self.opened.save()
        self._stop_asked = Event()
        request = PanelRequest(
            inputs=self._inputs,
            output=Path(os.path.expanduser(self.output.text().strip())),  # noqa: PTH111 - never fails
            model=model,
            settings=settings,
            stop=self._stop_asked,
        )
        self._segmented_by = model
        self.table.rows.forget()
        self.job.run(begin_batch(request), self._done, self._ended)

    def _listed(self, listed: ListedImages) -> None:
        self.table.rows.begin(listed.images)
        count = len(listed.images)
        self.job.messages.show(f"{counted(count, 'image')}. {' '.join(listed.left_out)}".strip())
        self._refresh()

    def _progressed(self, progress: Progress) -> None:
        """Fill the table."""
        news = progress.preview
        if isinstance(news, ListedImages):
            self.table.rows.begin(news.images)
        elif isinstance(news, BatchRow):
            self.table.take(news)
            if news.state != FAILED:
                with suppress(UnetError):  # what is shown is said when it is opened
                    self.opened.renew(news, self._segmented_by or news.mask)
        self.table.rows.set_working(self.table.rows.next_image)

    def _done(self, rows: list[BatchRow]) -> None:
        self._ended()
        failed = sum(row.state == FAILED for row in rows)
        left = len(self.table.rows.images) - len(rows)
        said = [f"{len(rows) - failed} of {len(self.table.rows.images)} images have a mask."]
        said += [f"{failed} failed: see their rows."] * bool(failed)
        said += [f"{left} wait: press Segment all to go on."] * bool(left)
        self.job.messages.show(" ".join(said))
        show_info(" ".join(said))

    def _ended(self) -> None:
        self.table.rows.set_working(None)
        self.table.fit_rows()
        self._refresh()

    def _model_changed(self) -> None:
        """Name the inputs of the model where a choice of channels is typed, in their order."""
        spec = self.model.spec
        named = ", ".join(map(str, spec.inputs)) if spec is not None else ""
        self.channels.setPlaceholderText(named or "as they are")

    def _stop(self) -> None:
        self._stop_asked.set()

    def _refresh(self) -> None:
        """Say how many images were corrected; their files are looked for, which takes a moment."""
        count = len(self._corrected_images())
        self.corrected.setVisible(count > 0)
        self.corrected.setText(f"Open {counted(count, 'corrected image')}")
        self._say_more()

    def _say_more(self) -> None:
        """Say what became of the chosen image, else what can be done."""
        row = self.table.rows.row_of(self.table.image) if self.table.image is not None else None
        waiting = ADVICE if self.table.rows.rows() else ""
        self.line.setText(f"{row.image.name}: {row.text}" if row is not None and row.state != FAILED else waiting)

    def _corrected_images(self) -> list[Path]:
        """Return the images that were corrected, now or before."""
        return [row.image for row in self.table.rows.rows() if row.state != FAILED and is_corrected(row.mask)]

    def _worst_first(self) -> list[Path]:
        """Return the images whose mask is uncorrected, the lowest predicted quality first."""
        rows = [row for row in self.table.rows.rows() if row.state != FAILED and not is_corrected(row.mask)]
        rows.sort(key=lambda row: 1.0 if row.quality is None else row.quality)
        return [row.image for row in rows]

    def _layer_removed(self, event: Any) -> None:
        self.opened.closed(event.value)
        self._refresh()

    def _leave(self) -> None:
        self._stop_asked.set()
        self.job.abandon()
        self.opened.save()

    def _typed(self) -> None:
        """Take over what was typed; images are listed once Segment all is pressed, or the return key."""
        text = self.images.text().strip()
        if text and text != self._shown_inputs:
            self._take_over((text,))
            if not self.job.is_running:  # rows and sentence are of another folder
                self.table.rows.begin(())
                self.job.messages.forget()
                self._refresh()

    def _entered(self) -> None:
        if text := self.images.text().strip():
            self.choose((text,) if text != self._shown_inputs else self._inputs)

    def _choose_folder(self) -> None:
        if chosen := QFileDialog.getExistingDirectory(self, "Images to segment"):
            self.choose((chosen,))

    def _choose_files(self) -> None:
        chosen, _ = QFileDialog.getOpenFileNames(self, "Images to segment")
        if chosen:
            self.choose(tuple(chosen))

    def _choose_output(self) -> None:
        if chosen := QFileDialog.getExistingDirectory(self, "Folder for the masks"):
            self.output.setText(chosen)

    def _connect(self) -> None:
        self.model.changed.connect(self._model_changed)
        self.images.returnPressed.connect(self._entered)
        self.images.editingFinished.connect(self._typed)
        self.folder.clicked.connect(lambda _: self._choose_folder())
        self.files.clicked.connect(lambda _: self._choose_files())
        self.browse.clicked.connect(lambda _: self._choose_output())
        self.job.progressed.connect(self._progressed)
        self.table.opened.connect(self.open_image)
        self.table.chosen.connect(self._say_more)
        self.corrected.clicked.connect(lambda _: self.open_corrected())
        self.measure.clicked.connect(lambda _: self.measure_all())
        self._viewer.layers.events.removed.connect(self._layer_removed)
        offer_project(self._viewer, self._worst_first, self.open_image)
        on_panel_closed(self, self._leave)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.folder)
        buttons.addWidget(self.files)
        place = QHBoxLayout()
        place.addWidget(self.output)
        place.addWidget(self.browse)
        form = QFormLayout()
        form.addRow("Images", self.images)
        form.addRow("", buttons)
        if self._own_model:
            form.addRow("Model", self.model)
        self.boxes.add_rows(form)
        form.addRow("Masks", place)
        layout = self.contents()
        layout.addLayout(form)
        layout.addWidget(self.job)
        layout.addWidget(self.table, stretch=1)
        layout.addWidget(self.line)
        layout.addWidget(self.measure)
        layout.addWidget(self.corrected)
        ignore_wheel(self)
        self.keep_height(MIN_HEIGHT)
