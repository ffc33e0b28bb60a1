"""The one place where the command line prints: nothing of a file reaches the terminal but printable text."""

from __future__ import annotations

import sys
from typing import TextIO

from napari_unet.errors import printable


def say(text: object, *, file: TextIO | None = None, end: str = "\n") -> None:
    """Print one line on stdout, or on `file`."""
    print(printable(text), file=file, end=end)


def say_lines(text: str) -> None:
    """Print a text of several lines of our own making, as tables and JSON are, on stdout."""
    for line in text.removesuffix("\n").split("\n"):
        say(line)


def complain(text: object) -> None:
    """Print one line on stderr."""
    say(text, file=sys.stderr)
