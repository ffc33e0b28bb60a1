"""What tifffile finds in a TIFF, untouched: with `tiff_lazy` the only file that reads with tifffile.

It turns every way in which tifffile and its decoders fail into one sentence, keeps their log messages from
the user, and takes from them the ones that mean that planes are missing.
"""

from __future__ import annotations

import logging
import math
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_unet.errors import UnetError
from napari_unet.files.file_errors import damaged
from napari_unet.files.ome_xml import require_sane_ome
from napari_unet.files.openable import require_regular_file
from napari_unet.files.tiff_errors import tiff_errors
from napari_unet.files.tiff_lazy import is_large, lazy_pixels

# Messages after which tifffile goes on with fewer planes than the file promised, or with empty ones.
_LOST_PLANES = ("page offset", "offset to page", "corrupted", "segments, got")
_LOST_FILES = "series failed to read"
# Messages on tags that lie beyond the end of the file; tifffile then goes on with a default.
_LOST_TAG = re.compile(r"TiffTag (\d+) .*offset")
# The tags that decide on the pixels: sizes, bits, coding, strips, tiles, palette and JPEG tables.
_PIXEL_TAGS = {256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325, 338, 339, 347}


MAX_BYTES = 2**50
"""Decoded, of an image: no disk holds more, and a damaged header may claim anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The first image of a TIFF as stored, with the tags that decide how it is to be understood."""

    path: Path
    array: npt.NDArray[Any]
    shape: tuple[int, ...]
    """That of the array, also where its pixels were not read."""
    axes: str
    series: int
    photometric: str
    compression: str
    bits: int
    extra_samples: tuple[int, ...]
    colormap: npt.NDArray[Any] | None
    imagej: dict[str, Any] | None
    ome: str | None
    pixels_per_unit: tuple[float, float] | None
    """Along (Y, X), in `resolution_unit`."""
    resolution_unit: str


def load(path: Path, *, pixels: bool = True) -> Stored:
    """Read the first image (full resolution) of a TIFF; `pixels=False` leaves the array empty."""
    messages: list[str] = []
    require_regular_file(path)
    with tiff_errors(path), _listen_to_tifffile(messages), tifffile.TiffFile(path) as tiff:
        _require_image(path, tiff)
        stored = _stored(path, tiff, pixels=pixels)
        _require_all_planes(path, messages)
        return stored


def _require_image(path: Path, tiff: Any) -> None:
    """Refuse a TIFF without pages, or whose OME-XML would lead tifffile astray."""
    require_sane_ome(path, tiff.ome_metadata if tiff.pages else None)
    if not tiff.pages or not tiff.series:
        raise UnetError(f"{path.name} holds no image: export it again")
    if tiff.series[0].nbytes > MAX_BYTES:
        raise damaged(path)


def _stored(path: Path, tiff: Any, *, pixels: bool) -> Stored:
    """Copy out of an open tifffile what outlives it."""
    series = tiff.series[0]
    page = series.keyframe
    if pixels:
        _require_all_bytes(path, series)
    array = _pixels(path, series) if pixels else np.empty(0, series.dtype)
    if pixels and array.ndim != len(series.axes):
        raise damaged(path)
    return Stored(
        path=path,
        array=array,
        shape=tuple(series.shape),
        axes=str(series.axes),
        series=len(tiff.series),
        photometric=_name(page.photometric),
        compression=_name(page.compression),
        bits=_bits(page),
        extra_samples=tuple(int(sample) for sample in page.extrasamples),
        colormap=page.colormap,
        imagej=tiff.imagej_metadata,
        ome=tiff.ome_metadata,
        pixels_per_unit=_pixels_per_unit(tiff.pages.first),
        resolution_unit=_name(tiff.pages.first.tags.valueof("ResolutionUnit", default="")),
    )


def _pixels(path: Path, series: Any) -> Any:
    """Return the pixels of an image, decoded at once or, of a large one, where they are looked at."""
    if is_large(series.nbytes, _name(series.keyframe.photometric)):
        return lazy_pixels(path, tuple(series.shape), series.dtype)
    return _native(series.asarray())


def _native(array: Any) -> npt.NDArray[Any]:
    """Return `array` in the byte order of this machine."""
    stored = np.asarray(array)
    return stored.astype(stored.dtype.newbyteorder("="), copy=False)


def _name(code: Any) -> str:
    """Return the name of one of tifffile's codes, or the number itself where it knows no name."""
    return str(getattr(code, "name", code))


def _bits(page: Any) -> int:
    """Return the bits of one sample, or 0 where the samples differ."""
    return page.bitspersample if isinstance(page.bitspersample, int) else 0


def _pixels_per_unit(page: Any) -> tuple[float, float] | None:
    """Return the resolution tags along (Y, X), None unless both are positive."""
    values = []
    for tag in ("YResolution", "XResolution"):
        value = page.tags.valueof(tag)
        if not isinstance(value, tuple) or len(value) != 2 or min(value) <= 0:
            return None
        values.append(value[0] / value[1])
    return values[0], values[1]


def _require_all_planes(path: Path, messages: list[str]) -> None:
    """Refuse a file of which tifffile has said that it only gives a part."""
    for message in messages:
        tag = _LOST_TAG.search(message)
        if any(hint in message for hint in _LOST_PLANES) or (tag and int(tag[1]) in _PIXEL_TAGS):
            raise damaged(path)
        if _LOST_FILES in message:
            raise UnetError(f"{path.name} needs other files of its set that are missing: put them beside it")


def _require_all_bytes(path: Path, series: Any) -> None:
    """Refuse compressed data that end beyond the file, or are of fewer strips or tiles than the image has.

    JPEG decoders would fill the rest with gray, tifffile with zeros.
    """
    if series.keyframe.compression == 1:
        return  # tifffile itself refuses uncompressed data that are cut off
    parts = math.prod(series.keyframe.chunked)
    for page in series.pages:
        if page is not None and page.dataoffsets:
            if len(page.dataoffsets) < parts:
                raise damaged(path)
            ends = map(sum, zip(page.dataoffsets, page.databytecounts, strict=False))
            if max(ends, default=0) > page.parent.filehandle.size:
                raise damaged(path)


@contextmanager
def _listen_to_tifffile(messages: list[str]) -> Iterator[None]:
    """Collect what this thread makes tifffile log, instead of showing it; other threads keep their log."""
    thread = threading.get_ident()

    def collect(record: logging.LogRecord) -> bool:
        if record.thread != thread:
            return True
        messages.append(record.getMessage())
        return False

    logger = logging.getLogger("tifffile")
    logger.addFilter(collect)
    try:
        yield
    finally:
        logger.removeFilter(collect)
