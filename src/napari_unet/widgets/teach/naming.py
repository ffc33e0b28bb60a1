"""Names of models that are accepted."""

from __future__ import annotations

import re
from itertools import chain, count
from pathlib import Path

from napari_unet.models.library import SUFFIX, entries, own_folder

MAX_NAME_LENGTH = 60
"""Letters of a model's name: of four bytes each, with an ending, they still make a file name on every disk."""


def free_name(start: Path | None) -> str:
    """Return a name that no other model has, for one that was learnt from another or from nothing."""
    base = "my model" if start is None else re.sub(r" \d+$", "", start.stem)
    taken = {entry.name for entry in entries()} | ({base} if start is not None else set())
    return next(name for name in chain([base], (f"{base} {n}" for n in count(2))) if name not in taken)


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
