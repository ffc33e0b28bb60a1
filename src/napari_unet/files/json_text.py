"""JSON of foreign files: bounded in size and depth before it is used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from napari_unet.files.openable import require_regular_file

MAX_LETTERS = 2**22
"""Of a description or a session's index: a thousand layers with all that is known of them take half of it."""
MAX_DEPTH = 32
"""Levels of lists and dictionaries: ours have 5; deeper ones end the stack of whoever walks through them."""


def parse_json(text: object) -> Any:
    """Return what a JSON text holds; ValueError where it is none, too large or too deep, which never quotes it."""
    if not isinstance(text, str | bytes):
        raise ValueError("it is not text")  # noqa: TRY004 - one kind of error for whatever a file holds
    if len(text) > MAX_LETTERS:
        raise ValueError(f"it has {len(text)} letters, and at most {MAX_LETTERS} are read")
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not is_shallow(found):
        raise ValueError("it is nested too deeply")
    return found


def read_json(path: Path) -> Any:
    """Return what a JSON file holds; ValueError or UnetError where it cannot be used."""
    if require_regular_file(path, links=False) > MAX_LETTERS:
        raise ValueError(f"it is larger than {MAX_LETTERS} bytes")
    return parse_json(path.read_text(encoding="utf-8"))


def is_shallow(value: Any, depth: int = MAX_DEPTH) -> bool:
    """Whether lists and dictionaries within each other are at most `depth` levels deep."""
    level = [value]
    for _ in range(depth + 1):
        level = [inner for one in level if isinstance(one, dict | list) for inner in _inside(one)]
        if not level:
            return True
    return False


def _inside(value: dict[str, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value
