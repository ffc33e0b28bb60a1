"""What several commands share: names of files, the progress bar."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from napari_unet.errors import UnetError, printable
from napari_unet.files.atomic import require_writable
from napari_unet.models.library import SUFFIX
from napari_unet.progress import Progress, Steps, finish, map_progress

Result = TypeVar("Result")


def named_path(text: str) -> Path:
    """Return the path that an argument names; an empty one, as of a variable that is not set, names none."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the name is empty")
    return Path(text)


def require_model_place(output: Path) -> None:
    """Refuse an --output that could not hold a model, before anything is learnt."""
    if output.suffix != SUFFIX:
        raise UnetError(f"--output must end with {SUFFIX}, got {output.name!r}")
    require_writable(output)


class StoppedBetweenSteps(KeyboardInterrupt):
    """Ctrl-C, after the step was done in which it came."""


def stop_between_steps(steps: Steps[Result]) -> Steps[Result]:
    """Run steps so that Ctrl-C waits for the end of one and leaves nothing half done; a second does not wait."""
    if threading.current_thread() is not threading.main_thread():  # others get no signals
        return (yield from steps)
    former = signal.getsignal(signal.SIGINT)
    if former is signal.SIG_IGN:
        return (yield from steps)
    asked = False

    def ask(*_: object) -> None:
        nonlocal asked
        asked = True
        signal.signal(signal.SIGINT, former)

    def check(step: Progress) -> Progress:
        if asked:
            raise StoppedBetweenSteps
        return step

    signal.signal(signal.SIGINT, ask)
    try:
        return (yield from map_progress(steps, check))
    finally:
        signal.signal(signal.SIGINT, former)


def with_bar(steps: Steps[Result], title: str) -> Result:
    """Run steps to their end under a progress bar on stderr; figures stand beside it."""
    with tqdm(desc=printable(title), unit="step", file=sys.stderr, leave=False, disable=None) as bar:
        return finish(steps, partial(_show, bar))


def _show(bar: tqdm[Any], progress: Progress) -> None:
    if progress.total:
        bar.total = progress.total
        bar.update(progress.done - bar.n)
    if progress.figures:
        bar.set_postfix({name: f"{value:.4g}" for name, value in progress.figures.items()}, refresh=False)
