"""One piece of long work in a panel: progress bar, seconds left, Cancel, and every ending told to the user.

Never lets an exception leave the worker: superqt swallows a RuntimeError in a generator worker, and every
PyTorch error is one. Work ends by returning a value, also when cancelled, so that memory is freed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import Any

from napari.qt.threading import create_worker
from napari.utils.notifications import show_error
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_unet.errors import UnetError
from napari_unet.progress import Progress, Steps
from napari_unet.widgets.parts.garbage_collection import GcPause
from napari_unet.widgets.parts.message_label import MessageLabel, capitalized
from napari_unet.widgets.parts.subject_status import SubjectStatus

MOMENT = 50
"""Milliseconds in which the window draws what came before it goes on."""
TICK = 1000
"""Milliseconds between two signs that work goes on."""
NICE = 5
"""Of work beside the window: it takes all cores, but not from a window that wants to draw."""
LOGGER = logging.getLogger(__name__)


@dataclass(slots=True)
class Job:
    """What a worker runs: `begin` is called in its thread and gives the steps; emptied when done."""

    begin: Callable[[], Steps[Any]] | None
    cancelled: Event = field(default_factory=Event)

    def close(self) -> None:
        """Let go of what the work held (images, models): napari keeps workers until its window closes."""
        self.cancelled.set()
        self.begin = None
        GcPause.resume()


@dataclass(frozen=True, slots=True)
class JobResult:
    """How work ended: with a result, cancelled, or with a sentence for the user."""

    result: Any = None
    cancelled: bool = False
    fault: str = ""


def run_job(work: Job) -> Generator[Progress, None, JobResult]:
    """Run the steps of a piece of work in the worker's thread; the ending is a value whatever happens."""
    lower_thread_priority()
    try:
        assert work.begin is not None
        steps = work.begin()
        while True:
            if work.cancelled.is_set():
                steps.close()
                return JobResult(cancelled=True)
            try:
                yield next(steps)
            except StopIteration as end:
                return JobResult(result=end.value)
    except UnetError as error:
        return JobResult(fault=str(error))
    except OSError as error:
        LOGGER.warning("work in a panel could not read or write", exc_info=True)
        return JobResult(
            fault=f"A file cannot be read or written ({error.strerror or error}): check that its disk or network "
            "is there, then try again."
        )
    except (KeyboardInterrupt, SystemExit):  # superqt lets them end the thread, and the panel would stay busy
        return JobResult(fault="The work was interrupted: start it again.")
    except Exception as error:
        LOGGER.exception("work in a panel failed")
        return JobResult(
            fault=f"Something unforeseen went wrong ({type(error).__name__}: {error}). Please report it."
        )


def lower_thread_priority() -> None:
    """Give this thread, and those that PyTorch starts from it, a lower priority where threads have one (Linux)."""
    if sys.platform == "linux":
        with contextlib.suppress(PermissionError):  # napari itself was started with a lower one
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


def _nothing(*_result: Any) -> None:
    """Do nothing with a result."""


class JobControl(QWidget):  # type: ignore[misc]
    """Start and Cancel buttons, a progress bar and a status line, for one piece of work at a time."""

    finished = Signal()
    """The work ended, however; its result is not yet shown."""
    progressed = Signal(object)
    """A `Progress` came."""

    def __init__(self, verb: str, start: Callable[[], None], *, stop: Callable[[], None] | None = None) -> None:
        """Take the verb on the button, what it starts, and for work that ends with a result when stopped, how."""
        super().__init__()
        self.start_button = QPushButton(verb)
        self.cancel_button = QPushButton("Cancel" if stop is None else "Stop")
        self._stop = stop
        self.bar = QProgressBar()
        self.status = MessageLabel()
        self.messages = SubjectStatus(self.status)
        self._work: Job | None = None
        self._done: Callable[[Any], None] = _nothing
        self._failed: Callable[[], None] = _nothing
        self._began = self._since = 0.0
        self._first: tuple[float, int] | None = None
        """When the first counted step of the work was done, and its number."""
        self._ending = JobResult()
        self._doing = ""
        """What is done and not counted; empty where something is counted, or nothing done."""
        self._ticking = QTimer(self, interval=TICK)
        self._ticking.timeout.connect(self._tick)
        self._moment = QTimer(self, singleShot=True, interval=MOMENT)
        self._moment.timeout.connect(self._conclude)
        self._lay_out()
        self._start = start
        self.start_button.clicked.connect(self._pressed)
        self.cancel_button.clicked.connect(self.cancel)

    @property
    def is_running(self) -> bool:
        """Whether work is under way."""
        return self._work is not None

    def run(
        self,
        begin: Callable[[], Steps[Any]],
        done: Callable[[Any], None],
        failed: Callable[[], None] = _nothing,
    ) -> None:
        """Run the steps that `begin` gives in a worker; `done` gets their result in the window's thread.

        Where there is no result, `failed` is called after the user was told why.
        """
        if self.is_running:
            return
        self._work = Job(begin)
        self._done, self._began = done, time.monotonic()
        self._failed, self._first = failed, None
        self._show_running(True)
        self.messages.begin()
        self._say_doing("Starting")
        self._ticking.start()
        # not 0 to 0: Qt moves such a bar 60 times a second, and each time all of a window with a canvas is drawn
        self.bar.setRange(0, 1)
        self.bar.reset()
        GcPause.pause()
        worker = create_worker(run_job, self._work)
        # not a slot of the panel, which may be gone by then; a worker that napari quits runs no `finally`
        worker.finished.connect(partial(Job.close, self._work))
        worker.yielded.connect(self._progressed)
        worker.returned.connect(self._ended)
        worker.aborted.connect(self._aborted)
        worker.start()

    def _pressed(self, _checked: bool) -> None:
        if not self.is_running:  # as for the moment until what came of the last work is shown
            self._start()

    def cancel(self) -> None:
        """Ask the work to stop; it does so after its present step."""
        if self._work is None:
            return
        self._doing = ""
        if self._stop is None:
            self._work.cancelled.set()
            self.status.setText("Cancelling…")
        else:
            self._stop()
            self.status.setText("Stopping…")

    def abandon(self) -> None:
        """Cancel the work; its result is not wanted any more."""
        if self._work is not None:
            self._work.cancelled.set()

    def _progressed(self, progress: Progress) -> None:
        if self._work is None or self._work.cancelled.is_set():
            return
        if progress.total and progress.done:
            self.bar.setRange(0, progress.total)
            self.bar.setValue(progress.done)
            self._doing = ""
            self.status.setText(f"{progress.doing}{self._left(progress)}")
        elif progress.doing:
            self._say_doing(progress.doing)
        self.progressed.emit(progress)

    def _say_doing(self, doing: str) -> None:
        """Say what is done, and from then on for how long."""
        if doing != self._doing:
            self._doing, self._since = doing, time.monotonic()
            self.status.setText(f"{doing}…")

    def _tick(self) -> None:
        """Show that the work goes on where nothing of it is counted."""
        seconds = time.monotonic() - self._since
        if self._doing and seconds >= 1:
            self.status.setText(f"{self._doing}… {seconds_text(seconds)}")

    def _left(self, progress: Progress) -> str:
        """Return how long it will take at the pace since the first step; what came before was loading."""
        now = time.monotonic()
        first = self._first = self._first or (now, progress.done)
        if progress.done <= first[1]:
            return "…"
        left = (now - first[0]) / (progress.done - first[1]) * (progress.total - progress.done)
        return f": {seconds_text(left)} left"

    def _ended(self, ending: JobResult) -> None:
        self._ticking.stop()
        self._show_running(False)
        self._ending = ending
        self._moment.start()  # the buttons are drawn before what came of the work: together they take too long

    def _conclude(self) -> None:
        ending, self._ending = self._ending, JobResult()
        done, self._done, self._work = self._done, _nothing, None
        failed, self._failed = self._failed, _nothing
        self.finished.emit()
        try:
            if ending.cancelled:
                self.messages.show("Cancelled. Nothing was changed.")
                failed()
            elif ending.fault:
                self.fail(ending.fault)
                failed()
            else:
                self.messages.show(f"Done in {seconds_text(time.monotonic() - self._began)}.")
                done(ending.result)
        except UnetError as error:
            self.fail(str(error))
        finally:
            if not self.is_running:  # nor was other work begun
                self.messages.end()

    def _aborted(self) -> None:
        self._ended(JobResult(cancelled=True))

    def fail(self, sentence: str) -> None:
        """Tell the user what went wrong, in the panel and as a notification."""
        self.messages.show(capitalized(sentence), failed=True)
        show_error(capitalized(sentence))

    def _show_running(self, running: bool) -> None:
        """Show the button that works now; the keyboard goes on to it, and not to what stands below."""
        former, shown = self.start_button, self.cancel_button
        if not running:
            former, shown = shown, former
        focused = self.window().focusWidget() is former
        shown.setEnabled(True)
        shown.setVisible(True)
        if focused:
            shown.setFocus()
        self.start_button.setEnabled(not running)
        self.cancel_button.setVisible(running)
        self.bar.setVisible(running)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.start_button, stretch=2)
        buttons.addWidget(self.cancel_button, stretch=1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(buttons)
        layout.addWidget(self.bar)
        layout.addWidget(self.status)
        self._show_running(False)


def seconds_text(seconds: float) -> str:
    """Return a duration as people say it."""
    if seconds < 1:
        return "less than a second"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"
