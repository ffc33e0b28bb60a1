"""The Fine-tune panel: paint, let the network learn it, look whether it became better, accept or revert."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import napari.layers
from napari.utils.notifications import show_info
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QCheckBox

from napari_unet.errors import UnetError
from napari_unet.files.saved_layer import like
from napari_unet.progress import Progress
from napari_unet.widgets.autosave.restore_bar import RestoreBar
from napari_unet.widgets.autosave.restoring import restore
from napari_unet.widgets.autosave.watcher import Autosave
from napari_unet.widgets.model_choice import MODEL_NEWS, ModelChoice
from napari_unet.widgets.parts.ignore_wheel import ignore_wheel
from napari_unet.widgets.parts.job import MOMENT, JobControl
from napari_unet.widgets.parts.message_label import MessageLabel
from napari_unet.widgets.parts.panel_closed import on_panel_closed
from napari_unet.widgets.parts.scrolling import ScrollingPanel
from napari_unet.widgets.teach.annotation_tools import AnnotationTools
from napari_unet.widgets.teach.comparison import ComparisonView
from napari_unet.widgets.teach.curves import Curves
from napari_unet.widgets.teach.form import TeachingForm
from napari_unet.widgets.teach.guide import Guide
from napari_unet.widgets.teach.missing_paint import explain_missing_paint
from napari_unet.widgets.teach.naming import free_name, name_fault, path_of_name
from napari_unet.widgets.teach.painted_table import PaintedTable
from napari_unet.widgets.teach.preview import within
from napari_unet.widgets.teach.shown_plane import times_the_plane
from napari_unet.widgets.teach.weights_layer import show_weights
from napari_unet.widgets.teach.work import (
    FineTuneComparison,
    FineTuneControl,
    FineTuneRequest,
    WeightedPart,
    begin_fine_tuning,
    begin_saving,
    begin_weights,
)
from napari_unet.widgets.viewer.arrivals import watch_layers
from napari_unet.widgets.viewer.layers import read_layer, unwrapped
from napari_unet.widgets.viewer.notes import PREVIEW, RESULT, notes_of, role_of
from napari_unet.widgets.viewer.paint import CORRECTIONS, Paint, take
from napari_unet.widgets.viewer.removed_layers import unfreeze_after_removal
from napari_unet.widgets.viewer.shortcuts import ACCEPT, BACKGROUND, ERASER, NEXT, OBJECT, bind_keys
from napari_unet.widgets.viewer.visible import visible_region

MIN_HEIGHT = 210
"""Height in pixels that the panel keeps beside others: what to paint on and to learn from is in sight."""


class FineTunePanel(ScrollingPanel):
    """Widgets and wiring; `napari_viewer` is filled in by napari, `model` by the workspace that shows it."""

    def __init__(self, napari_viewer: napari.viewer.Viewer, model: ModelChoice | None = None) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._watch = FineTuneControl()
        self._made: WeakKeyDictionary[napari.layers.Labels, Any] = WeakKeyDictionary()
        self.table = PaintedTable(napari_viewer)
        self.form = TeachingForm(napari_viewer, model)
        self.tools = AnnotationTools(napari_viewer, self.table, self.form)
        self.right = QCheckBox("Treat the rest of the view as correct")
        self.right.setToolTip(
            "Learn from all that is visible of corrected results, not from the corrections alone."
        )
        self.job = JobControl("Fine-tune", self.start, stop=self._stop)
        self.guide = Guide(napari_viewer, self.table, self.form, self.job, self.tools.image_to_paint)
        self.curves = Curves()
        self.advice = MessageLabel()
        self.trial = ComparisonView(napari_viewer)
        self.outcome = self.trial.box
        watch_layers(napari_viewer)
        self._autosave = Autosave.of(napari_viewer)
        self.restore_bar = RestoreBar(lambda session: restore(napari_viewer, session))
        self._lay_out()
        self._layers_changed()
        if former := like(self._autosave.settings, self.settings()):
            self._use(former)
        results = [layer for layer in napari_viewer.layers if role_of(layer) == RESULT]
        for layer in results:
            self._watch_result(layer)
        if came := [layer for layer in results if layer.name not in former.get("layers", {})]:
            self.form.follow(notes_of(came[-1]))
        self._connect()
        self._form_changed()

    def settings(self) -> dict[str, Any]:
        """Return what is chosen, as JSON values, for the autosave."""
        return {**self.form.settings(), "right": self.right.isChecked(), "layers": self.table.settings()}

    def start(self) -> None:
        """Learn from what is painted."""
        if (request := self._request()) is not None:
            self._learn(request)

    def learn_longer(self) -> None:
        """Learn from what is painted now, from where the learning of the outcome ended."""
        outcome, request = self.trial.outcome, None if self.job.is_running else self._request()
        if outcome is None or request is None:
            return
        if not request.begins_like(outcome.request):
            self.job.fail(f"This was learnt from {outcome.request.start}: choose that again to learn for longer.")
        else:
            self._learn(replace(request, begun=outcome.tuned))

    def _learn(self, request: FineTuneRequest) -> None:
        if not self.form.tells_classes:
            self.tools.offer_split(request.paints)
        work = times_the_plane(self.form.model.spec, request.axes)
        self.trial.begin(request.paints[0].of, work)
        self._watch = FineTuneControl(region=self.trial.region(), work=work)
        if self.trial.unseen:
            show_info(f"There is no preview for now: {self.trial.unseen}.")
        self.curves.clear()
        self.job.run(begin_fine_tuning(request, self._watch), self._learnt, self.trial.offer_former)
        self.form.seconds.setEnabled(False)

    def accept(self) -> None:
        """Save the new model and offer it everywhere."""
        learnt = self.trial.outcome
        if learnt is None or self.job.is_running:
            return
        name = self.outcome.name.text().strip()
        if fault := name_fault(name):
            self.job.fail(fault)
        else:
            self.job.run(begin_saving(learnt.tuned, path_of_name(name)), self._saved)

    def show_weights(self) -> None:
        """Show what each pixel of the present paint counts in the loss, as an image layer."""
        request = self._request()
        if request is None:
            return

        def done(maps: list[WeightedPart]) -> None:
            show_weights(self._viewer, maps)
            self.job.messages.show("The weights are shown: brighter pixels count more, black ones not at all.")

        self.job.run(begin_weights(request), done)

    def _request(self) -> FineTuneRequest | None:
        """Return what is to be learnt; None, and a sentence to the user, where that is unclear."""
        try:
            self.form.check_model()
            return self.form.request(self._paints())
        except UnetError as error:
            self.job.fail(str(error))
            return None

    def _paints(self) -> list[Paint]:
        """Return snapshots of the ticked layers with paint; UnetError where there is none."""
        paints = []
        for layer, image, meaning in self.table.chosen():
            right = None
            if self.right.isChecked() and meaning == CORRECTIONS:
                right = within(visible_region(self._viewer, image, read_layer(image).axes), layer)
            paint = take(layer, image, meaning, right=right)
            if paint is not None:
                paints.append(paint)
        if not paints:
            raise UnetError(explain_missing_paint(self._viewer))
        return paints

    def _progressed(self, progress: Progress) -> None:
        """Draw the curves and what the model sees meanwhile."""
        self._watch.region = self.trial.region(self._watch.side)
        figures = progress.figures
        if progress.doing == "Learning" and not progress.total and "score" in figures:
            self.curves.show_before(figures["score"])
        elif "loss" in figures:
            seconds = figures["seconds"]
            self.curves.add("loss", seconds, figures["loss"])
            if progress.preview is not None or not self.curves.points["score"]:
                self.curves.add("score", seconds, figures["score"])
        if progress.preview is not None:
            self.trial.see(progress.preview)

    def _learnt(self, outcome: FineTuneComparison) -> None:
        for entry in outcome.tuned.history:
            if not self.curves.points["score"] or entry["seconds"] > self.curves.points["score"][-1][0]:
                self.curves.add("score", entry["seconds"], entry["score"])
        if not self.trial.offer(outcome, free_name(outcome.request.model)):
            self.job.messages.show(
                "Nothing better was learnt this time. What was learnt before is still on offer."
            )
        QTimer.singleShot(MOMENT, self._show_outcome)  # a method: Qt forgets it where the panel is gone by then
        show_info(outcome.tuned.sentence())

    def _stop(self) -> None:
        self._watch.stop.set()

    def _show_outcome(self) -> None:
        self._scroll.ensureWidgetVisible(self.outcome)

    def _leave(self) -> None:
        """End the work of a closed panel, and show the results again."""
        self.job.abandon()
        self.trial.forget()

    def _saved(self, path: Path) -> None:
        self.trial.forget()
        MODEL_NEWS.saved.emit(str(path), unwrapped(self._viewer))
        self.job.messages.show(f"Saved as {path.stem}. Segment uses it now.")

    def _use(self, settings: dict[str, Any]) -> None:
        """Choose what was chosen in a former session, as far as that can be chosen."""
        chosen = like(settings, self.settings())
        self.form.restore(chosen)
        self.right.setChecked(chosen.get("right", False))
        self.table.choose(chosen.get("layers", {}))

    def _layer_came(self, event: Any) -> None:
        if role_of(event.value) != PREVIEW:
            self.job.messages.forget_failure()
        self._layers_changed()
        if role_of(event.value) == RESULT:
            self.form.follow(notes_of(event.value))
            self._watch_result(event.value)

    def _layer_went(self, event: Any) -> None:
        if role_of(event.value) != PREVIEW:
            self.job.messages.forget()  # weights shown, pixels painted
        self._layers_changed()

    def _watch_result(self, layer: napari.layers.Labels) -> None:
        self._made[layer] = notes_of(layer).provenance
        layer.events.metadata.connect(self._remade)

    def _remade(self, event: Any) -> None:
        """Follow a result that another run of its model replaced in its layer; other notes of it change, too."""
        notes = notes_of(event.source)
        if notes.provenance is not self._made.get(event.source):
            self._made[event.source] = notes.provenance
            self.form.follow(notes)

    def _layers_changed(self, *_: object) -> None:
        self.table.refresh()
        images = self._images_read()
        self.form.offer_channels(images)
        self.form.offer_volumes(bool(images) and all("Z" in read.axes for _, read in images))

    def _images_read(self) -> list[Any]:
        found = []
        for _, image, _ in self.table.chosen():
            with suppress(UnetError):
                found.append((image, read_layer(image)))
        return found

    def _form_changed(self, *_: object) -> None:
        self.advice.setText(self.form.advice())
        self._keep_settings()

    def _keep_settings(self, *_: object) -> None:
        self._autosave.settings = self.settings()

    def _connect(self) -> None:
        self.form.changed.connect(self._form_changed)
        self.right.toggled.connect(self._keep_settings)
        self._autosave.restored.connect(self._use)
        on_panel_closed(self, self._leave)
        self.table.changed.connect(self._keep_settings)
        self.tools.weights.clicked.connect(lambda _: self.show_weights())
        self.tools.told.connect(self.job.messages.show)
        self.tools.failed.connect(self.job.fail)
        brushes = self.tools.brushes
        keys = {OBJECT: brushes.object, BACKGROUND: brushes.background, ERASER: brushes.eraser}
        bind_keys(self._viewer, self, {**keys, NEXT: self.guide.next, ACCEPT: self.outcome.accept})
        self.job.finished.connect(lambda: self.form.seconds.setEnabled(True))
        self.job.progressed.connect(self._progressed)
        self.outcome.accepted.connect(self.accept)
        self.outcome.continued.connect(self.learn_longer)
        self.outcome.reverted.connect(self.trial.forget)
        self._viewer.layers.events.inserted.connect(self._layer_came)
        self._viewer.layers.events.removed.connect(self._layer_went)
        self._viewer.layers.events.removed.connect(unfreeze_after_removal)

    def _lay_out(self) -> None:
        layout = self.contents()
        layout.addWidget(self.restore_bar)
        layout.addWidget(self.advice)
        layout.addWidget(self.tools)
        layout.addWidget(self.guide)
        layout.addWidget(self.table)
        layout.addWidget(self.right)
        layout.addWidget(self.form)
        layout.addWidget(self.job)
        layout.addWidget(self.curves)
        layout.addWidget(self.outcome)
        layout.addStretch(1)
        ignore_wheel(self)
        self.keep_height(MIN_HEIGHT)
