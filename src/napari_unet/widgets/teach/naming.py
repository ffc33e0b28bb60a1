"""Names of models that are accepted."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path

from napari_unet.models.library import SUFFIX, entries, own_folder

MAX_NAME_LENGTH = 60
"""Letters of a model's name: of four bytes each, with an ending, they still make a file name on every disk."""


def free_name(start: Path | None) -> str:
    """Return a name that no other model has, for one that was learnt from another or from nothing."""
    base = re.sub(r" \d+$", "", start.stem if start is not None else "my model")
    taken = {entry.name for entry in entries()}
    return next(name for number in count(2) if (name := f"{base} {number}") not in taken)


def path_of_name(name: str) -> Path:
    """Return the file of a model of the user's own."""
    return own_folder() / f"{name}{SUFFIX}"


def name_fault(name: str) -> str:
    """Return in a sentence why a new model cannot have a name; empty where it can."""
    if not re.fullmatch(r"[\w][\w .()-]*", name):
        return f"{name!r} cannot name a model: use letters, digits, spaces, - and _."
    if len(name) > MAX_NAME_LENGTH:
        return f"The name has {len(name)} letters, a model's has at most {MAX_NAME_LENGTH}: shorten it."
    if path_of_name(name).exists() or name in {entry.name for entry in entries()}:
        return f"There is a model {name} already: choose another name."
    return ""
