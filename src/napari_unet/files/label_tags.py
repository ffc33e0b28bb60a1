"""How a label TIFF says its axes, pixel size, frame interval, place and provenance, to ImageJ and OME software.

ImageJ reads its own text alone: an OME-TIFF would open there as one long stack without depth and time. So these
get a second ImageDescription tag in ImageJ's words. ImageJ goes by the last tag of a kind (TiffDecoder.OpenIFD),
tifffile and Bio-Formats by the first, which is the OME-XML.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.files.provenance import KEY, encode, info_line

COLOURS = 256
"""Entries of an ImageJ colour table; ids up to 255 get one each, more share them."""
MAX_FLOAT32 = 2**24
"""Whole numbers up to this one are exact in float32."""
_DESCRIPTION, _COLOUR_TABLE, _ASCII, _SHORT = 270, 320, 2, 3


def imagej_arguments(
    array: npt.NDArray[Any],
    axes: str,
    size: PixelSize | None,
    provenance: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return tifffile's arguments for an ImageJ hyperstack."""
    metadata = _imagej_metadata(array, axes, size)
    if provenance is not None:
        metadata["Info"] = info_line(provenance)
    arguments: dict[str, Any] = {"imagej": True, "metadata": metadata, "colormap": colour_table()}
    return arguments | _resolution(size)


def ome_arguments(
    axes: str,
    shape: tuple[int, ...],
    size: PixelSize | None,
    origin: Mapping[str, float],
    provenance: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return tifffile's arguments for an OME-TIFF; `origin` is where the first pixel lies, in pixels per axis."""
    metadata: dict[str, Any] = {"axes": axes}
    if provenance is not None:
        metadata["MapAnnotation"] = {KEY: encode(provenance)}
    for axis, distance in (size.by_axis if size else {}).items():
        name, unit = ("TimeIncrement", "s") if axis == "T" else (f"PhysicalSize{axis}", "µm")
        metadata |= {name: distance, f"{name}Unit": unit}
    planes = int(np.prod([length for axis, length in zip(axes, shape, strict=True) if axis not in "YX"]))
    if position := _stage_position(size, origin, planes):
        metadata["Plane"] = position
    return {"ome": True, "metadata": metadata} | _resolution(size)


def add_imagej_description(path: Path, array: npt.NDArray[Any], axes: str, size: PixelSize | None) -> None:
    """Let ImageJ open an OME-TIFF as the hyperstack that it is, in the colours of labels."""
    text = tifffile.tifffile.imagej_description(array.shape, **_imagej_metadata(array, axes, size))
    table = colour_table().astype("<u2")
    _add_tags(
        path,
        [
            (_DESCRIPTION, _ASCII, len(text) + 1, text.encode("ascii") + b"\0"),
            (_COLOUR_TABLE, _SHORT, table.size, table.tobytes()),
        ],
    )


def colour_table() -> npt.NDArray[np.uint16]:
    """Return (3, 256) red, green and blue: 0 is black, every other entry another bright colour.

    Hues go on by the golden angle, so that ids that follow each other differ most.
    """
    number = np.arange(COLOURS)
    hue = number * 0.618034 % 1 * 6
    value = 1 - 0.3 * (number % 3) / 2
    table = (0.15 + 0.85 * np.clip(np.abs((hue + np.array([[0], [4], [2]])) % 6 - 3) - 1, 0, 1)) * value
    table[:, 0] = 0
    return np.asarray(np.rint(table * 255), np.uint16) * 257


def _imagej_metadata(array: npt.NDArray[Any], axes: str, size: PixelSize | None) -> dict[str, Any]:
    """Return what ImageJ's description says; min and max set the display range."""
    highest = max(COLOURS - 1, int(array.max()))
    metadata: dict[str, Any] = {"axes": axes, "min": 0.0, "max": float(highest)}
    if size is None:
        return metadata
    if size.um:
        metadata["unit"] = "micron"
    for axis, name in (("Z", "spacing"), ("T", "finterval")):
        if axis in size.by_axis:
            metadata[name] = size.by_axis[axis]
    return metadata


def _resolution(size: PixelSize | None) -> dict[str, Any]:
    """Return pixels per um, the unit of ImageJ's description."""
    if size is None or not size.um:
        return {}
    return {"resolution": (1 / size.by_axis["X"], 1 / size.by_axis["Y"]), "resolutionunit": "NONE"}


def _stage_position(size: PixelSize | None, origin: Mapping[str, float], planes: int) -> dict[str, list[Any]]:
    """Return OME's attributes of all planes: um where the pixel size is known, else pixels."""
    attributes: dict[str, list[Any]] = {}
    for axis in "XYZ":
        if axis in origin:
            step = size.get(axis) if size else None
            attributes[f"Position{axis}"] = [origin[axis] * (step or 1)] * planes
            attributes[f"Position{axis}Unit"] = ["µm" if step else "pixel"] * planes
    return attributes


def _add_tags(path: Path, tags: list[tuple[int, int, int, bytes]]) -> None:
    """Add (code, type, count, value) to the first page of a little-endian TIFF, whose tags move to the end."""
    with path.open("r+b") as file:
        header = file.read(16)
        big = header[2] == 43
        place, offset, count, entry = (8, "<Q", "<Q", "<HHQQ") if big else (4, "<I", "<H", "<HHII")
        [first] = struct.unpack_from(offset, header, place)
        file.seek(first)
        [number] = struct.unpack(count, file.read(struct.calcsize(count)))
        entries = [file.read(struct.calcsize(entry)) for _ in range(number)]
        following = file.read(struct.calcsize(offset))
        for code, kind, length, value in tags:
            at = _append(file, value)
            entries.append(struct.pack(entry, code, kind, length, at))
        entries.sort(key=lambda one: struct.unpack_from("<H", one)[0])  # of one kind the new ones stay last
        listed = _append(file, struct.pack(count, len(entries)) + b"".join(entries) + following)
        file.seek(place)
        file.write(struct.pack(offset, listed))


def _append(file: Any, value: bytes) -> int:
    """Write at the end of a file, on a boundary of 8 bytes, and return where."""
    end = file.seek(0, 2)
    file.write(b"\0" * (-end % 8) + value)
    return int(end + -end % 8)
