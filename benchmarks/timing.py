"""Interleaved timing and tables."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence

ROUNDS = 5


def interleaved(ways: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Run every way once a round, the order rotated each round, and return CPU seconds; warm up before."""
    names = list(ways)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            began = time.process_time()
            ways[name]()
            seconds[name].append(time.process_time() - began)
    return seconds


def ratios(seconds: Mapping[str, Sequence[float]], reference: str) -> dict[str, tuple[float, float]]:
    """Return (median, minimum) over the rounds of how many times as long each way takes as the reference."""
    pairs = {
        name: [value / one for value, one in zip(values, seconds[reference], strict=True)]
        for name, values in seconds.items()
    }
    return {name: (statistics.median(values), min(values)) for name, values in pairs.items()}


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [f"### {title}", "", "| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += [
        "| " + " | ".join(f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row) + " |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"
