"""The Results panel: a table of the objects in a result, and corrections by hand."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import napari.layers
import numpy as np
from magicgui.widgets import create_widget
from numpy.typing import NDArray
from qtpy.QtWidgets import QFileDialog, QFormLayout, QLineEdit, QPushButton

from napari_unet.errors import UnetError
from napari_unet.widgets.autosave.watcher import Autosave
from napari_unet.widgets.model_choice import rename_choices
from napari_unet.widgets.parts.ignore_wheel import ignore_wheel
from napari_unet.widgets.parts.job import JobControl
from napari_unet.widgets.parts.layouts import row
from napari_unet.widgets.parts.long_names import cut_long_names
from napari_unet.widgets.parts.message_label import MessageLabel, capitalized
from napari_unet.widgets.parts.panel_closed import on_panel_closed
from napari_unet.widgets.parts.scrolling import ScrollingPanel
from napari_unet.widgets.results.canvas import CanvasTools, fly_to
from napari_unet.widgets.results.choices import ImageChoice, RegionChoice
from napari_unet.widgets.results.corrections import can_edit, named
from napari_unet.widgets.results.filtering import matching
from napari_unet.widgets.results.following import Follower
from napari_unet.widgets.results.histogram import Histogram
from napari_unet.widgets.results.proof_bar import ProofBar
from napari_unet.widgets.results.proofreader import Proofreader
from napari_unet.widgets.results.table_view import ObjectTableView
from napari_unet.widgets.results.work import Measured, Measurement, begin_measuring, begin_writing
from napari_unet.widgets.viewer.arrivals import watch_layers
from napari_unet.widgets.viewer.layers import full_resolution, labels_axes, pixel_size, unwrapped
from napari_unet.widgets.viewer.notes import notes_of
from napari_unet.widgets.viewer.paint import nearest, value_names
from napari_unet.widgets.viewer.shortcuts import bind_keys

MIN_HEIGHT = 250
"""Height in pixels that the panel keeps beside others: what is measured, the button and some rows are in sight."""


class ResultsPanel(ScrollingPanel):
    """Widgets and wiring; `napari_viewer` is filled in by napari."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = unwrapped(napari_viewer)
        self._found: WeakKeyDictionary[napari.layers.Labels, Measured] = WeakKeyDictionary()
        """The table of each layer that was measured."""
        self.labels = create_widget(annotation=napari.layers.Labels, label="Result")
        cut_long_names(self.labels.native)
        self.images = ImageChoice(self._viewer)
        self.regions = RegionChoice(self._viewer)
        self.job = JobControl("Measure", self.start)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("filter, as: area > 20 and solidity < 0.9")
        self.filter.setClearButtonEnabled(True)
        self.count = MessageLabel()
        self.table = ObjectTableView()
        self.histogram = Histogram()
        self.line, self._complaint = MessageLabel(), ""
        self.proof = Proofreader(self._viewer, self.table, self.regions, self.line, self._chosen)
        self.bar = ProofBar(self.proof.act, self.proof.remove)
        self.export = QPushButton("Export CSV…")
        self.export.setToolTip("Write all rows as a table, with a JSON beside it that says units and origin.")
        self.tools = CanvasTools(self._viewer, lambda: self.layer, self._clicked, self.proof.cut)
        self.proof.tools, self.proof.job = self.tools, self.job
        self.follower = Follower(self, self._begin_update)
        watch_layers(napari_viewer)
        Autosave.of(napari_viewer)  # corrections are kept from the first one on
        self._lay_out()
        self._connect()
        self._layers_changed()

    @property
    def layer(self) -> napari.layers.Labels | None:
        """Return the chosen labels layer."""
        return self.labels.value

    @property
    def measured(self) -> Measured | None:
        """Return what is known of the chosen layer."""
        return self._found.get(self.layer) if self.layer is not None else None

    def _chosen(self) -> tuple[napari.layers.Labels | None, Measured | None]:
        return self.layer, self.measured

    def measure_new(self) -> None:
        """Measure what was not measured yet: opening the tab asks for its table."""
        if self.layer is not None and self.measured is None and not self.job.is_running:
            self.start()

    def start(self) -> None:
        """Measure all objects of the chosen layer."""
        layer = self.layer
        if layer is None:
            self.job.fail("There are no labels: segment an image first.")
            return
        try:
            wanted = self._measurement(layer)
        except UnetError as error:
            self.job.fail(str(error))
            return
        self.job.run(begin_measuring(wanted), partial(self._came, layer))

    def _measurement(self, layer: napari.layers.Labels) -> Measurement:
        axes = labels_axes(layer)
        return Measurement(
            labels=full_resolution(layer),
            axes=axes,
            images=self.images.sources(layer),
            pixel_size=pixel_size(layer, axes),
            regions=self.regions.labels(layer) if self.regions.layer is not None else None,
        )

    def _begin_update(self) -> Any:
        """Return what measures anew the objects that changed, None where nothing was measured."""
        former = self.measured
        if former is None or self.layer is None:
            return None
        if self.job.is_running:
            self.follower.ask()
            return None
        now = full_resolution(self.layer)
        return (
            begin_measuring(Measurement.of(former.of, now), former) if now.shape == former.labels.shape else None
        )

    def _came(self, layer: napari.layers.Labels, measured: Measured) -> None:
        """Show a new table, and look whether labels changed meanwhile."""
        if layer not in self._viewer.layers:
            return
        self._found[layer] = measured
        layer.features = _features(measured, value_names(layer))
        if layer is self.layer:
            self._show_table()
        self.follower.ask()

    def _updated(self, measured: Measured) -> None:
        """Show a table of which some rows changed."""
        layer, former = self.layer, self.measured
        if layer is None or former is None or measured is former or former.of is not measured.of:
            return
        self._found[layer] = measured
        layer.features = _features(measured, value_names(layer))
        self._show_table()

    def _show_table(self) -> None:
        measured = self.measured
        columns = measured.table.columns if measured is not None else {}
        self.table.rows.show(columns, measured.table.units if measured else {}, self._met(columns))
        self.histogram.offer([name for name in self.table.rows.names if name != "label"])
        self.bar.show_unit(self.table.rows.unit("area"))
        self.export.setEnabled(measured is not None)
        self._show_count()

    def _met(self, columns: dict[str, NDArray[Any]]) -> NDArray[np.bool_]:
        """Return the rows that meet the filter; all where it is no condition, and say why."""
        if self.line.text() == self._complaint:  # what a correction said stays while its rows are measured anew
            self.line.setText("")
        try:
            return matching(columns, self.filter.text() if columns else "")
        except UnetError as error:
            self._complaint = f"{capitalized(str(error))}."
            self.line.setText(self._complaint)
            return matching(columns, "")

    def _filter(self, *_: object) -> None:
        self.table.rows.filter(self._met(self.table.rows.columns))
        self._show_count()

    def _show_count(self) -> None:
        rows, measured = self.table.rows, self.measured
        total = len(measured.table) if measured is not None else 0
        listed = f", {len(rows.rows)} listed" if len(rows.rows) < total else ""
        missing = "Not measured yet." if self.layer is not None else "There are no labels: segment an image first."
        self.count.setText(f"{total} objects{listed}" if measured is not None else missing)
        name = self.histogram.column.currentText()
        self.histogram.draw(rows.shown(name) if name in rows.columns else np.zeros(0), rows.unit(name))

    def _row_chosen(self, ids: list[int], row: int) -> None:
        """Fly to an object, and let the brush hold its number."""
        layer, measured = self.layer, self.measured
        if layer is None or measured is None or row < 0:
            return
        figures = self.table.rows.row(row)
        self._viewer.layers.selection.active = layer  # napari's tools and keys for labels are for it now
        layer.selected_label = int(figures["label"])
        fly_to(self._viewer, layer, measured.of.axes, measured.table.spatial, figures)
        self.line.setText(f"Selected: {named(ids)}.")

    def _clicked(self, number: int, add: bool) -> None:
        """Select the object that was clicked in the image."""
        assert self.layer is not None
        self._viewer.layers.selection.active = self.layer
        former = self.table.selected_ids() if add else []
        ids = [one for one in former if one != number] if number in former else [*former, number]
        self.layer.selected_label = number
        self.table.select_ids(ids)
        self.line.setText(f"Selected: {named(ids)}." if ids else "")

    def _write(self) -> None:
        measured, layer = self.measured, self.layer
        chosen, _ = QFileDialog.getSaveFileName(self, "Export CSV", "objects.csv", "CSV (*.csv)")
        if not chosen or measured is None or layer is None:
            return
        notes = notes_of(layer)
        before = notes.predictions or (() if notes.stored is None else (notes.stored,))
        begin = begin_writing(measured, Path(chosen), notes.provenance, nearest(before, measured.labels))
        self.job.run(begin, lambda path: self.job.messages.show(f"Written: {path}"))

    def _layer_chosen(self, *_: object) -> None:
        """Show what is known of another layer."""
        self.tools.stop_cutting()
        self.line.setText("")  # what was done to another layer
        self.job.messages.choose(self.layer)
        self.follower.watch(self.layer)
        classes = self.layer is not None and notes_of(self.layer).provenance.get("values") == "classes"
        self.bar.setEnabled(can_edit(self.layer) and not classes)
        self.images.offer(self.layer)
        self.regions.offer()
        self.table.select_ids([])
        self._show_table()

    def _layers_changed(self, *_: object) -> None:
        former = self.follower.layer  # none while the panel opens, though the box may hold one already
        self.labels.reset_choices()
        shown = [layer for layer in self._viewer.layers if layer in self.labels.choices and layer.visible]
        if shown and (former is None or former not in self.labels.choices):
            active = self._viewer.layers.selection.active
            self.labels.value = active if active in shown else shown[-1]
        self._layer_chosen() if self.layer is not former or self.layer is None else self._offer_others()

    def _offer_others(self) -> None:
        self.images.offer(self.layer)
        self.regions.offer()

    def _selected(self, event: Any) -> None:
        """Follow the selected labels."""
        if event.value in self.labels.choices:
            self.labels.value = event.value

    def _renamed(self, *_: object) -> None:
        rename_choices(self.labels)
        self._offer_others()

    def _connect(self) -> None:
        self.follower.then(self._updated)
        self.labels.changed.connect(self._layer_chosen)
        self.filter.textChanged.connect(self._filter)
        self.histogram.column.currentIndexChanged.connect(self._show_count)
        self.table.chosen.connect(self._row_chosen)
        self.export.clicked.connect(self._write)
        layers = self._viewer.layers
        layers.events.inserted.connect(self._layers_changed)
        layers.events.removed.connect(self._layers_changed)
        layers.events.renamed.connect(self._renamed)
        layers.selection.events.active.connect(self._selected)
        bind_keys(self._viewer, self, self.bar.keys())
        for act in (self.job.abandon, self.follower.stop, self.tools.close):
            on_panel_closed(self, act)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.addRow("Result", self.labels.native)
        form.addRow("Intensities", self.images)
        form.addRow("Region", self.regions)
        layout = self.contents()
        layout.addLayout(form)
        layout.addWidget(self.job)
        layout.addWidget(self.filter)
        layout.addLayout(row(self.count, self.export))  # in sight on a low screen, too
        layout.addWidget(self.table, stretch=1)
        for part in (self.bar, self.line, self.histogram):  # what was done is in sight on a low screen
            layout.addWidget(part)
        ignore_wheel(self)
        self.keep_height(MIN_HEIGHT)


def _features(measured: Measured, meanings: dict[int, str]) -> dict[str, Any]:
    """Return what napari's status bar says of each object; classes keep their names."""
    columns = measured.table.columns
    ids = columns["label"]
    meaning = {"meaning": [meanings.get(int(number), "") for number in ids]} if meanings else {}
    return {"index": ids, **meaning, **{name: column for name, column in columns.items() if name != "label"}}
