"""Names of what a training keeps beside the model that it is to write, hidden, until it has come to its end."""

from __future__ import annotations

from pathlib import Path


def checkpoint_of(output: Path) -> Path:
    """Return where a training goes on from."""
    return output.with_name(f".{output.stem}-checkpoint.safetensors")


def best_of(checkpoint: Path) -> Path:
    """Return where the best weights so far are kept."""
    return checkpoint.with_name(f"{checkpoint.stem}-best.safetensors")


def request_of(output: Path) -> Path:
    """Return where is kept what was asked for, so that a window can go on with it."""
    return output.with_name(f".{output.stem}-training.json")
