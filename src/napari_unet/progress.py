"""The contract of all long work: a generator that yields Progress and returns its result.

Closing the generator cancels the work; the time between two yields is the time that a Cancel takes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far long work has come: `done` of `total` steps, what it does, and figures worth showing."""

    done: int
    total: int
    doing: str = ""
    figures: dict[str, float] = field(default_factory=dict)
    preview: Any = None
    """Something to look at meanwhile, where the work was asked for it."""


Steps = Generator[Progress, None, Result]
"""Long work in steps: yields Progress, returns its result."""

Report = Callable[[Progress], None]


def finish(steps: Steps[Result], report: Report | None = None) -> Result:
    """Run steps to their end, hand every Progress to `report`, and return the result."""
    while True:
        try:
            progress = next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result
        if report is not None:
            report(progress)


def map_progress(steps: Steps[Result], change: Callable[[Progress], Progress]) -> Steps[Result]:
    """Run steps and change each `Progress`; return their result."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result
        yield change(step)


def indeterminate(steps: Steps[Result], doing: str = "") -> Steps[Result]:
    """Run steps with an unknown total, so that the bar of longer work is not reset; `doing` renames them."""
    return map_progress(steps, lambda step: Progress(done=0, total=0, doing=doing or step.doing))


def share_of(steps: Steps[Result], number: int, count: int) -> Steps[Result]:
    """Yield the progress of one plane out of several as a share of that of all."""

    def share(step: Progress) -> Progress:
        doing = step.doing if count == 1 else f"{step.doing} plane {number + 1} of {count}"
        return replace(step, done=number * step.total + step.done, total=count * step.total, doing=doing)

    return (yield from map_progress(steps, share))
