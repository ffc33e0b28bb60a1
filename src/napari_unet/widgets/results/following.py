"""A table follows its labels: after each stroke, edit or undo what changed is measured anew, in the background."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari.layers import Labels
from napari.qt.threading import create_worker
from qtpy.QtCore import QObject, QTimer

from napari_unet.progress import Steps
from napari_unet.widgets.parts.job import Job, JobResult, run_job

WAIT = 300
"""Milliseconds without another change before labels are compared: not while somebody paints."""


class Follower(QObject):  # type: ignore[misc]
    """Watches one Labels layer and runs work after it changed; once more where it changed meanwhile."""

    def __init__(self, parent: QObject, begin: Callable[[], Callable[[], Steps[Any]] | None]) -> None:
        """Take what gives the work, None where there is nothing to follow."""
        super().__init__(parent)
        self._begin = begin
        self._done: Callable[[Any], None] = lambda _: None
        self._layer: Labels | None = None
        self._history = (0, 0)
        self._job: Job | None = None
        self._again = self._stopped = False
        self._wait = QTimer(self, singleShot=True, interval=WAIT)
        self._wait.timeout.connect(self._run)

    def then(self, done: Callable[[Any], None]) -> None:
        """Say what happens with the results, in the window's thread."""
        self._done = done

    @property
    def is_busy(self) -> bool:
        """Whether something waits to be measured, or is."""
        return self._wait.isActive() or self._job is not None

    @property
    def layer(self) -> Labels | None:
        """Return the layer that is followed."""
        return self._layer

    def watch(self, layer: Labels | None) -> None:
        """Follow another layer; nothing once stopped, as a viewer goes on telling closed panels of layers."""
        if layer is self._layer or self._stopped:
            return
        if self._layer is not None:
            self._layer.events.paint.disconnect(self.ask)
            self._layer.events.data.disconnect(self.ask)
            self._layer.events.set_data.disconnect(self._drawn)
        self._layer = layer
        if layer is not None:
            self._history = _history(layer)
            layer.events.paint.connect(self.ask)
            layer.events.data.connect(self.ask)
            layer.events.set_data.connect(self._drawn)

    def ask(self, *_: object) -> None:
        """Look at the labels soon."""
        if self._layer is not None:
            self._history = _history(self._layer)
        self._wait.start()

    def stop(self) -> None:
        """Follow nothing any more."""
        self.watch(None)
        self._stopped = True
        self._wait.stop()
        self._again = False
        if self._job is not None:
            self._job.cancelled.set()

    def _drawn(self, *_: object) -> None:
        """See an undo, of which napari tells nothing but that the layer is drawn anew."""
        if self._layer is not None and _history(self._layer) != self._history:
            self.ask()

    def _run(self) -> None:
        if self._job is not None:
            self._again = True
            return
        begin = self._begin()
        if begin is None:
            return
        self._job = Job(begin)
        worker = create_worker(run_job, self._job)
        worker.returned.connect(self._ended)
        worker.aborted.connect(self._aborted)
        worker.start()

    def _aborted(self) -> None:
        self._ended(JobResult(cancelled=True))

    def _ended(self, ending: JobResult) -> None:
        if self._job is not None:
            self._job.begin = None  # napari keeps the worker, and it the labels
        self._job = None
        if ending.result is not None:
            self._done(ending.result)
        if self._again:
            self._again = False
            self.ask()


def _history(layer: Labels) -> tuple[int, int]:
    """Return how many steps can be undone and redone: what tells an undo from a slider that moved."""
    return len(getattr(layer, "_undo_history", ())), len(getattr(layer, "_redo_history", ()))
