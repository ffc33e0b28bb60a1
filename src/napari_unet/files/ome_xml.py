"""OME-XML of foreign origin, checked before anything follows it: no entities, no pipes, no planes that cannot be.

tifffile believes what it says: it opens every file that is named in it, and makes a list as long as the planes it
counts.
"""

from __future__ import annotations

import stat
import xml.etree.ElementTree as ET
from pathlib import Path

from napari_unet.errors import UnetError
from napari_unet.files.file_errors import damaged

MAX_LETTERS = 2**26
"""Of OME-XML: a plate's with a million planes has fewer."""
MIN_PLANE = 64
"""Bytes of a file that a plane takes at least, for the tags that describe it."""


def parse_xml(text: str | None) -> ET.Element | None:
    """Return the root of an XML text, None where it is none, or defines entities, which could grow without end."""
    if text is None or not _is_plain(text):
        return None
    try:
        return ET.fromstring(text)
    except (ET.ParseError, ValueError, RecursionError):
        return None


def require_sane_ome(path: Path, text: str | None) -> None:
    """Refuse OME-XML, if there is any, that names what is no file of its folder, or counts planes that cannot be.

    Raises
    ------
    UnetError
        In a sentence about the image at `path`.
    """
    if text is None:
        return
    if not _is_plain(text):
        raise UnetError(f"the OME-XML in {path.name} is not plain, it defines entities: export it again")
    root = parse_xml(text)
    if root is None:
        return  # tifffile reads the pages without it
    parts = {name for entry in root.iter() if (name := entry.get("FileName"))}
    size = path.stat().st_size + sum(_size(path, name) for name in parts)
    for pixels in root.iter():
        if pixels.tag.endswith("Pixels") and _planes(path, pixels) > max(1, size // MIN_PLANE):
            raise UnetError(f"{path.name} says that it holds more planes than fit into it: export it again")


def _is_plain(text: str) -> bool:
    return len(text) <= MAX_LETTERS and "<!DOCTYPE" not in text and "<!ENTITY" not in text


def _planes(path: Path, pixels: ET.Element) -> int:
    """Return how many planes an image claims, also by where one of its parts begins or how many it counts."""
    try:
        planes = 1
        for axis in "ZCT":
            planes *= max(1, int(pixels.get(f"Size{axis}", 1)))
        for part in pixels:
            counts = (part.get(name, 0) for name in ("NumPlanes", "PlaneCount", "FirstZ", "FirstC", "FirstT"))
            planes = max(planes, *map(int, counts))
    except ValueError:
        raise damaged(path) from None
    return planes


def _size(path: Path, name: str) -> int:
    """Return the bytes of a file of the same set, 0 where it is missing; UnetError where it lies elsewhere."""
    named = Path(name.replace("\\", "/"))
    if named.is_absolute() or ".." in named.parts or "\0" in name:
        raise UnetError(f"{path.name} names a file outside its folder, {name!r}: export it again")
    try:
        found = (path.parent / name).stat()
    except OSError:
        return 0
    if not stat.S_ISREG(found.st_mode):
        raise UnetError(f"{path.name} names {name!r}, which is no file but a pipe or folder: export it again")
    return found.st_size
