"""JSON of outlines, which may be large: bounded by the memory that its numbers take before it is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from napari_unet.errors import UnetError
from napari_unet.files.file_errors import unreadable
from napari_unet.files.npz import require_memory
from napari_unet.files.openable import require_regular_file

MAX_BYTES = 2**28
"""Of a file: the outlines of a million cells take half of it."""
EXPANSION = 30
"""Bytes of memory a byte of text: "[1,2]," is a list of two numbers, 150 bytes in Python."""


def read_large_json(path: Path) -> Any:
    """Return what a file of outlines holds; UnetError in a sentence where it is no JSON, or too large."""
    size = require_regular_file(path)
    if size > MAX_BYTES:
        raise UnetError(f"{path.name} has {size} bytes, outlines at most {MAX_BYTES}: export fewer objects")
    try:
        require_memory(EXPANSION * size)
        return json.loads(path.read_bytes())
    except OSError as error:
        raise unreadable(path, error) from error
    except (ValueError, RecursionError, MemoryError):  # never quoted: it is of foreign origin
        raise UnetError(
            f"{path.name} is no JSON that can be read: it is damaged, nested too deeply or too large for the free "
            "memory: export it again"
        ) from None
