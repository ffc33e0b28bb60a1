"""Work beside the window that the user did not ask for: no bar, no messages; later work replaces it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from napari.qt.threading import create_worker
from qtpy.QtCore import QObject, Signal

from napari_unet.progress import Steps
from napari_unet.widgets.parts.garbage_collection import GcPause
from napari_unet.widgets.parts.job import Job, JobResult, run_job


class QuietJob(QObject):  # type: ignore[misc]
    """One piece of work at a time; a fault is logged, not shown."""

    done = Signal(object)
    """The result of the work that was begun last."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._work: Job | None = None

    @property
    def is_running(self) -> bool:
        """Whether a result is still to come."""
        return self._work is not None

    def run(self, begin: Callable[[], Steps[Any]]) -> None:
        """Run the steps that `begin` gives in a worker, in place of what runs."""
        self.drop()
        work = Job(None)
        work.begin = partial(_with_its_work, work, begin)
        self._work = work
        GcPause.pause()
        worker = create_worker(run_job, work)
        worker.finished.connect(partial(Job.close, work))
        worker.returned.connect(self._ended)
        worker.start()

    def drop(self) -> None:
        """Stop; no result comes any more."""
        if self._work is not None:
            self._work.cancelled.set()
            self._work = None

    def _ended(self, ending: JobResult) -> None:
        if ending.result is None:  # dropped, or a fault
            return
        work, result = ending.result
        if work is self._work:
            self._work = None
            self.done.emit(result)


def _with_its_work(work: Job, begin: Callable[[], Steps[Any]]) -> Steps[tuple[Job, Any]]:
    """Return a result with the work that it is of: other work may have been begun meanwhile."""
    result = yield from begin()
    return work, result
