"""What made a label file, kept inside it: a JSON object under one key, in ImageJ's or OME's own place.

ImageJ keeps its Info property, and OME software its map annotations, when it saves a file again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_unet.errors import UnetError
from napari_unet.files.json_text import parse_json
from napari_unet.files.ome_xml import parse_xml
from napari_unet.files.provenance_values import without_odd_values
from napari_unet.files.tiff_raw import Stored, load
from napari_unet.settings.former_names import with_present_names

KEY = "napari_unet"


def encode(provenance: Mapping[str, Any]) -> str:
    """Return one line of ASCII, which survives ImageJ's line-based Info and every encoding of OME-XML."""
    try:
        return json.dumps(dict(provenance), ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UnetError(
            f"provenance must hold text, numbers and lists only, got one that JSON refuses ({error}): "
            "convert its values first"
        ) from error


def info_line(provenance: Mapping[str, Any]) -> str:
    """Return the line of ImageJ's Info property, in the form that its getInfo("napari_unet") finds."""
    return f"{KEY}: {encode(provenance)}\n"


def read_provenance(path: str | Path) -> dict[str, Any] | None:
    """Return what made the TIFF file at `path`; None where the file does not carry it from us."""
    return find_provenance(load(Path(path), pixels=False))


def find_provenance(stored: Stored) -> dict[str, Any] | None:
    """Return our provenance out of the metadata of a TIFF; None where it is absent or damaged."""
    text = _in_ome(stored.ome) or _in_info(stored.imagej)
    return None if text is None else decode(text)


def decode(text: object) -> dict[str, Any] | None:
    """Return what `encode` wrote; None where it is damaged, or something else."""
    try:
        found = parse_json(text)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    found = without_odd_values(found)
    if isinstance(found.get("settings"), dict):
        found["settings"] = with_present_names(found["settings"])
    return found


def _in_ome(ome: str | None) -> str | None:
    """Return the text of our entry in a MapAnnotation of OME-XML."""
    root = parse_xml(ome)
    if root is None:
        return None
    return next((entry.text for entry in root.iter() if entry.get("K") == KEY), None)


def _in_info(imagej: Mapping[str, Any] | None) -> str | None:
    """Return the text of our line in ImageJ's Info property."""
    for line in str((imagej or {}).get("Info", "")).splitlines():
        key, _, text = line.partition(":")
        if key.strip() == KEY:
            return text.strip()
    return None
