"""How long a window stands still: the beats of a 20 ms timer, and what ran while one of them was late."""

from __future__ import annotations

import faulthandler
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from tempfile import TemporaryFile
from typing import IO, Any

from napari.qt import get_qapp
from qtpy.QtCore import QTimer

BEAT = 20
"""Milliseconds between two beats: two pictures of a screen that draws sixty a second are less."""
PAUSE = 0.004
"""Seconds in which the loop of this measurement computes nothing, a fifth of a beat."""
DRAWN = 0.5
"""Seconds after the end of work in which what came of it is drawn."""
SAMPLE = 0.01
"""Seconds between two looks at where the threads are."""
LATE = 0.15
"""Seconds from which on a pause is explained: three quarters of the 0.2 s that none may last."""
MAX_LINES = 12
"""Stacks that are printed of a pause."""
MAX_EXPLAINED = 5
"""Pauses of one piece of work that are explained, the longest."""
DEPTH = 14
"""Frames of a stack that are printed, the innermost."""
FRAME = re.compile(r'File ".*?([^/"]*/[^/"]+)", line (\d+) in (.+)')
IDLE = re.compile(r"\S*/(threading|pauses)\.py")
"""What threads begin with that wait, or are the sampler itself."""


@dataclass(frozen=True, slots=True)
class Pause:
    """The time between two beats: seconds on the clock, and of the processor in the window's thread.

    What the clock counts beyond the processor's time was spent by other threads and other programs.
    """

    wall: float
    cpu: float
    stacks: tuple[tuple[int, str], ...] = ()
    """How often a stack was seen meanwhile, the commonest first; the window's thread and the workers'."""


@dataclass
class Sampler:
    """Looks every 10 ms where the threads are, for pauses that are to be explained.

    By faulthandler, which makes no frame objects of what runs: to hold those of another thread ends Python 3.11.2.
    """

    file: IO[str]
    _main: str = f"0x{threading.get_ident():016x}"
    _end: threading.Event = field(default_factory=threading.Event)
    _looks: list[tuple[float, list[str]]] = field(default_factory=list)

    def start(self) -> Sampler:
        """Begin to look."""
        threading.Thread(target=self._look, daemon=True).start()
        return self

    def stop(self) -> None:
        """Look no more, and read what was seen."""
        self._end.set()
        self.file.seek(0)
        for look in self.file.read().split("LOOK ")[1:]:
            when, _, stacks = look.partition("\n")
            self._looks.append((float(when), [self._shown(stack) for stack in stacks.split("\n\n")]))

    def between(self, begin: float, end: float) -> tuple[tuple[int, str], ...]:
        """Return the stacks seen between two moments of `time.perf_counter` with their counts."""
        looks = [stacks for when, stacks in self._looks if begin <= when <= end]
        found = Counter(stack for stacks in looks for stack in stacks if not IDLE.match(stack))
        return (len(looks), "looks"), *((count, stack) for stack, count in found.most_common(MAX_LINES))

    def _look(self) -> None:
        while not self._end.wait(SAMPLE):
            self.file.write(f"LOOK {time.perf_counter()}\n")
            self.file.flush()
            faulthandler.dump_traceback(self.file)

    def _shown(self, stack: str) -> str:
        """Return the innermost frames of a stack, in one line."""
        head, *lines = stack.strip().splitlines()
        frames = [FRAME.sub(r"\1:\2 \3", line.strip()) for line in lines if "frozen importlib" not in line]
        return ("window: " if self._main in head else "") + " < ".join(frames[:DEPTH])


def pauses(
    act: Callable[[], None], job: Any, watch: Callable[[], None] = lambda: None, *, where: bool = False
) -> list[Pause]:
    """Do something and return the pauses between beats until its work ended and was drawn, the longest first.

    `job` says by `is_running` whether the work goes on, `watch` is called meanwhile, `where` explains late beats.
    """
    app = get_qapp()
    beats: list[tuple[float, float]] = []
    sampler = Sampler(TemporaryFile("w+")).start() if where else None  # noqa: SIM115 - read until the end

    def beat() -> None:
        beats.append((time.perf_counter(), time.thread_time()))

    heart = QTimer()
    heart.timeout.connect(beat)
    beat()
    heart.start(BEAT)
    act()
    ended = time.perf_counter()
    while job.is_running or time.perf_counter() < ended + DRAWN:
        if job.is_running:
            ended = time.perf_counter()
        app.processEvents()
        watch()
        time.sleep(PAUSE)
    heart.stop()
    if sampler is not None:
        sampler.stop()
    return sorted(_between(beats, sampler), key=lambda pause: pause.wall, reverse=True)


def _between(beats: Sequence[tuple[float, float]], sampler: Sampler | None) -> list[Pause]:
    """Return the pauses between beats."""
    found = []
    for (before, used), (after, used_then) in pairwise(beats):
        wall = after - before
        stacks = sampler.between(before, after) if sampler is not None and wall > LATE else ()
        found.append(Pause(wall, used_then - used, stacks))
    return found


def explain(name: str, found: Sequence[Pause]) -> str:
    """Return what ran during the pauses that were late."""
    lines = []
    for pause in found[:MAX_EXPLAINED]:
        if pause.stacks:
            lines.append(f"\n{name}: {pause.wall:.3f} s, of which the window computed {pause.cpu:.3f}")
            lines += [f"  {count:4d} {stack}" for count, stack in pause.stacks]
    return "\n".join(lines)
