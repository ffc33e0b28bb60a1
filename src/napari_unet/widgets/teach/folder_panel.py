"""The Train panel: a folder of labelled images becomes a model, as the command `train` makes it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

import napari
from napari.utils.notifications import show_info
from qtpy.QtWidgets import QMessageBox, QPushButton, QWidget

from napari_unet.errors import UnetError
from napari_unet.folder_training.interrupted import forget_training, interrupted_trainings
from napari_unet.folder_training.request import TrainingRequest
from napari_unet.models.library import own_folder
from napari_unet.progress import Progress
from napari_unet.widgets.model_choice import MODEL_NEWS
from napari_unet.widgets.parts.ignore_wheel import ignore_wheel
from napari_unet.widgets.parts.job import JobControl
from napari_unet.widgets.parts.layouts import lay_out, row
from napari_unet.widgets.parts.message_label import MessageLabel
from napari_unet.widgets.parts.panel_closed import on_panel_closed
from napari_unet.widgets.parts.scrolling import ScrollingPanel
from napari_unet.widgets.teach.curves import Curves
from napari_unet.widgets.teach.folder_form import FolderForm
from napari_unet.widgets.teach.folder_work import LearntFolder, begin_looking, begin_training
from napari_unet.widgets.viewer.layers import unwrapped
from napari_unet.words import counted

MIN_HEIGHT = 230
"""Height in pixels that the panel keeps beside others: folder, name and button are in sight."""
ADVICE = "A folder with images and labels of the same names becomes a model. It goes on where it was interrupted."


class TrainPanel(ScrollingPanel):
    """Widgets and wiring; `napari_viewer` is filled in by napari."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._stop_asked = Event()
        self.form = FolderForm()
        self.interrupted = InterruptedBar(self._go_on)
        self.job = JobControl("Train", self.start, stop=self._stop)
        self.curves = Curves(score="Held out", along="step", highest=None)
        self._lay_out()
        self.form.folder_chosen.connect(self.look)
        self.job.progressed.connect(self._progressed)
        on_panel_closed(self, self._leave)
        self.interrupted.refresh()

    def look(self) -> None:
        """Say how many images have labels, or what is wrong with the folder."""
        try:
            request = self.form.request()
        except UnetError as error:
            self.job.fail(str(error))
            return

        def found(count: int) -> None:
            self.job.messages.show(f"{counted(count, 'image')} with labels.")

        self.job.run(begin_looking(request), found)

    def start(self) -> None:
        """Train on what is chosen, from where an interrupted training of this name was."""
        try:
            request = self.form.request()
        except UnetError as error:
            self.job.fail(str(error))
            return
        self._stop_asked = Event()
        self.curves.clear()
        self.interrupted.hide()
        self.job.run(begin_training(request, self._stop_asked), self._learnt, self.interrupted.refresh)

    def _go_on(self, request: TrainingRequest) -> None:
        if not self.job.is_running:
            self.form.show_request(request)
            self.start()

    def _progressed(self, progress: Progress) -> None:
        """Draw the loss, and the held-out score when it became better."""
        figures = progress.figures
        if "loss" not in figures:
            return
        self.curves.add("loss", progress.done, figures["loss"])
        score, known = figures["score"], self.curves.points["score"]
        if score >= 0 and (not known or score != known[-1][1]):
            self.curves.add("score", progress.done, score)

    def _learnt(self, learnt: LearntFolder) -> None:
        """Offer the model everywhere, and say how good it is."""
        said = self._ended(learnt)
        self.job.messages.show(" ".join([said, *learnt.remarks]))
        show_info(said)
        self.form.offer_starts()
        self.interrupted.refresh()

    def _ended(self, learnt: LearntFolder) -> str:
        if learnt.path is None:
            return "Stopped before the first validation: no model was saved yet. Press Train to go on."
        MODEL_NEWS.saved.emit(str(learnt.path), unwrapped(self._viewer))
        images = counted(learnt.held_out, "held-out image")
        score = f": {learnt.score} on {images}" if learnt.score else ", nothing was held out to measure it"
        if learnt.is_finished:
            return f"Saved as {learnt.path.stem}{score}. Segment uses it now."
        return f"Stopped. The best so far is saved as {learnt.path.stem}{score}. Press Train to go on."

    def _stop(self) -> None:
        self._stop_asked.set()

    def _leave(self) -> None:
        """End the work of a closed panel; its checkpoint is written."""
        self.job.abandon()

    def _lay_out(self) -> None:
        advice = MessageLabel()
        advice.setText(ADVICE)
        layout = self.contents()
        for widget in (self.interrupted, advice, self.form, self.job, self.curves):
            layout.addWidget(widget)
        layout.addStretch(1)
        ignore_wheel(self)
        self.keep_height(MIN_HEIGHT)


class InterruptedBar(QWidget):  # type: ignore[misc]
    """Offers to go on with a training that was interrupted, the latest first; hidden where there is none."""

    def __init__(self, go_on: Callable[[TrainingRequest], None]) -> None:
        super().__init__()
        self._waiting: list[TrainingRequest] = []
        self.text = MessageLabel()
        self.go_on, self.discard = QPushButton("Go on"), QPushButton("Discard")
        self.discard.setToolTip("Delete what this training has learnt so far, for good.")
        lay_out(self, self.text, row(self.go_on, self.discard))
        self.go_on.clicked.connect(lambda _: go_on(self._waiting[0]))
        self.discard.clicked.connect(lambda _: self._discard())
        self.refresh()

    def refresh(self) -> None:
        """Look for interrupted trainings."""
        self._waiting = interrupted_trainings(own_folder())
        if self._waiting:
            first = self._waiting[0]
            self.text.setText(f"The training of {first.output.stem} on {first.folder.name} is not finished.")
        self.setVisible(bool(self._waiting))

    def _discard(self) -> None:
        question = "Delete what this training has learnt so far? It cannot be brought back."
        if QMessageBox.question(self, "Discard training", question) == QMessageBox.StandardButton.Yes:
            forget_training(self._waiting[0].output)
            self.refresh()
