"""The names of channels, as OME-XML, ImageJ and OME-Zarr state them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from napari_unet.errors import printable
from napari_unet.files.ome_xml import parse_xml
from napari_unet.files.tiff_raw import Stored

MAX_LETTERS = 80
"""Of a name that is shown; a longer one is cut."""


def tiff_channel_names(stored: Stored, axes: str, shape: Sequence[int]) -> tuple[str, ...]:
    """Return the names along C of the first image of a TIFF; empty where not every channel has one."""
    return _fitting(_ome(stored.ome) or _imagej(stored.imagej, axes, shape), axes, shape)


def zarr_channel_names(ome: Mapping[str, Any], axes: str, shape: Sequence[int]) -> tuple[str, ...]:
    """Return the labels of the channels in OME-Zarr's `omero`."""
    omero = ome.get("omero")
    channels = omero.get("channels") if isinstance(omero, Mapping) else None
    listed = channels if isinstance(channels, list) else []
    found = [one.get("label") for one in listed if isinstance(one, Mapping)]
    return _fitting([str(name or "") for name in found], axes, shape)


def _fitting(names: Sequence[str], axes: str, shape: Sequence[int]) -> tuple[str, ...]:
    """Return names, as they can be shown, where there is one for each channel."""
    count = shape[axes.index("C")] if "C" in axes else 0
    shown = tuple(printable(name.strip())[:MAX_LETTERS] for name in names)
    return shown if len(shown) == count and all(shown) else ()


def _ome(text: str | None) -> list[str]:
    """Return the names of the channels of the first image."""
    root = parse_xml(text)
    pixels = None if root is None else root.find(".//{*}Pixels")
    return [] if pixels is None else [one.get("Name", "") for one in pixels.findall("{*}Channel")]


def _imagej(meta: Mapping[str, Any] | None, axes: str, shape: Sequence[int]) -> list[str]:
    """Return the labels of the first planes, of which ImageJ has one each, channels first.

    Labels that differ from plane to plane within a channel, as names of files do, are none of channels.
    """
    labels = (meta or {}).get("Labels")
    count = shape[axes.index("C")] if "C" in axes else 0
    if not count or not isinstance(labels, list) or len(labels) % count:
        return []
    first = [str(label) for label in labels[:count]]
    same = all(str(label) == first[number % count] for number, label in enumerate(labels))
    return first if same and len(set(first)) == count else []
