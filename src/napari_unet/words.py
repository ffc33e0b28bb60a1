"""Words in sentences."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: 1 object, 2 objects."""
    return f"{count} {noun}{'s' * (count != 1)}"
