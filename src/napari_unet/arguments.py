"""What callers of the public functions hand over: what is of a wrong kind is refused in a sentence."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any

from napari_unet.errors import UnetError


def as_path(name: object, what: str) -> Path:
    """Return the path that a caller's argument names; UnetError where it is no name at all."""
    path = name.__fspath__() if isinstance(name, PathLike) else name
    if not isinstance(path, str):
        raise UnetError(f"{what} is the name of a file, got a {type(name).__name__}: give its path")
    return Path(path)


def as_pairs(given: object, verb: str, second: str) -> list[Any]:
    """Return a caller's pairs of an image and what is known of it; UnetError where they are none."""
    pairs = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    if any(not isinstance(pair, tuple | list) or len(pair) != 2 for pair in pairs):
        raise UnetError(f"{verb} needs pairs of an image and its {second}: [(image, {second}), ...]")
    return pairs
