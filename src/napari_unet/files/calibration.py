"""The pixel size in um and the frame interval in seconds, from the three ways in which TIFF files state them.

Trusted in this order: OME-XML, the ImageJ description, plain resolution tags. Plain tags are mostly the
default of some printer or screen, so they count only where they are plausible for a microscope: a unit of
inch or centimetre, a pixel of at most 20 um, and no multiple of 1200 dots per inch, which scanners write.
That leaves out 72, 96, 150, 300 and 600 dpi, and a resolution of 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from napari_unet.arrays.pixel_size import MAX_SECONDS, MAX_UM, MIN_SECONDS, MIN_UM, PixelSize
from napari_unet.files.ome_xml import parse_xml
from napari_unet.files.tiff_raw import Stored
from napari_unet.files.units import UM_PER_CM, UM_PER_INCH, number, seconds_per, um_per

_PRINTERS_UNITS = (UM_PER_INCH, UM_PER_CM)
_MAX_PLAUSIBLE_UM = 20.0

Sizes = Mapping[str, float]
"""um along X, Y and, where known, Z; seconds along T where known."""


def pixel_size(stored: Stored) -> PixelSize | None:
    """Return um along Z, Y, X and seconds along T, as far as the file says; None where it says nothing."""
    sizes: dict[str, float | None] = dict(_ome(stored) or _imagej(stored) or _plain(stored) or {})
    return PixelSize.known({**sizes, "T": _interval(stored)})


def position(stored: Stored) -> dict[str, float] | None:
    """Return where the first pixel lies in um along Z, Y, X, OME's position of the stage; None where it is 0."""
    root = parse_xml(stored.ome)
    plane = None if root is None else root.find(".//{*}Plane")
    said = {} if plane is None else plane.attrib
    places = {axis: _place(said.get(f"Position{axis}"), said.get(f"Position{axis}Unit")) for axis in "ZYX"}
    return {axis: place for axis, place in places.items() if place} or None


def _place(value: str | None, unit: str | None) -> float | None:
    """Return um, below 0 too; None where it is no number, or the unit is none of length."""
    found, factor = number(value), um_per(unit)
    if found is None or factor is None or not abs(found * factor) <= MAX_UM:
        return None
    return found * factor


def assumed(size: PixelSize | None, axes: str) -> str | None:
    """Return the sentence on what is assumed: that Z is Y, of a file with Z that says Y and X alone."""
    if size is None or "Z" not in axes or size.get("Z") is not None or (side := size.get("Y")) is None:
        return None
    return f"the file does not say the z spacing: assumed {side:g} um, the pixel size in y"


def micrometres(value: object, unit: str | None) -> float | None:
    """Return a length in um; None where it is no plausible number, or the unit is none of length."""
    found, factor = number(value), um_per(unit)
    if found is None or factor is None or not MIN_UM <= found * factor <= MAX_UM:
        return None
    return found * factor


def seconds(value: object, unit: str | None) -> float | None:
    """Return a time in seconds; None where it is no plausible number, or the unit is none of time."""
    found, factor = number(value), seconds_per(unit)
    if found is None or factor is None or not MIN_SECONDS <= found * factor <= MAX_SECONDS:
        return None
    return found * factor


def _interval(stored: Stored) -> float | None:
    """Return the seconds from frame to frame: OME's TimeIncrement, or ImageJ's `finterval`."""
    pixels = _ome_pixels(stored.ome)
    if (stated := pixels.get("TimeIncrement")) is not None:
        return seconds(stated, pixels.get("TimeIncrementUnit") or "s")
    meta = stored.imagej or {}
    return seconds(meta.get("finterval"), str(meta.get("tunit", "s")))


def _ome(stored: Stored) -> Sizes | None:
    """Return the PhysicalSize attributes of the first image; their default unit is um (OME schema)."""
    pixels = _ome_pixels(stored.ome)
    sizes = {}
    for axis in "XYZ":
        size = micrometres(pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit") or "µm")
        if size is not None:
            sizes[axis] = size
    return _both_in_plane(sizes)


def _ome_pixels(ome: str | None) -> Mapping[str, str]:
    """Return the attributes of the first Pixels element, none where there is no valid OME-XML."""
    root = parse_xml(ome)
    pixels = None if root is None else root.find(".//{*}Pixels")
    return {} if pixels is None else pixels.attrib


def _both_in_plane(sizes: dict[str, float]) -> Sizes | None:
    """Return sizes with X and Y, one standing in for the other; None where both are missing."""
    if not {"X", "Y"} & set(sizes):
        return None
    return {"Y": sizes.get("Y", sizes.get("X", 0.0)), "X": sizes.get("X", sizes.get("Y", 0.0)), **sizes}


def _imagej(stored: Stored) -> Sizes | None:
    """Return what ImageJ states: pixels per unit in the resolution tags, spacing and unit in its text.

    ImageJ leaves spacing out where it is 1 unit, and the unit where it is pixels (FileSaver.java). Of a series in
    time, which may be called a stack, it states no spacing at all.
    """
    meta: dict[str, Any] = stored.imagej or {}
    unit = str(meta.get("unit", ""))
    if stored.pixels_per_unit is None or not _trusted(stored.pixels_per_unit, unit):
        return None
    units = str(meta.get("yunit", unit)), unit
    y, x = (micrometres(1 / density, unit) for density, unit in zip(stored.pixels_per_unit, units, strict=True))
    spacing = str(meta.get("spacing", 1.0)).removeprefix("-")  # below 0 where planes go from the top down
    stated = "spacing" in meta or "Z" in stored.axes
    z = micrometres(spacing, str(meta.get("zunit", unit))) if stated else None
    if y is None or x is None:
        return None
    return {"Y": y, "X": x} if z is None else {"Z": z, "Y": y, "X": x}


def _plain(stored: Stored) -> Sizes | None:
    """Return what the resolution tags say where that can be a microscope's; see the head of this module."""
    unit = stored.resolution_unit
    if unit not in ("INCH", "CENTIMETER") or stored.pixels_per_unit is None:
        return None
    if not _trusted(stored.pixels_per_unit, unit):
        return None
    y, x = (micrometres(1 / density, unit) for density in stored.pixels_per_unit)
    return None if y is None or x is None else {"Y": y, "X": x}


def _trusted(pixels_per_unit: tuple[float, float], unit: str) -> bool:
    """Tell whether a resolution is a microscope's; one in inch or cm may be a printer's default."""
    factor = um_per(unit)
    if factor not in _PRINTERS_UNITS:
        return factor is not None
    if any(factor / density > _MAX_PLAUSIBLE_UM for density in pixels_per_unit):
        return False
    return not any(_scanners(density * UM_PER_INCH / factor) for density in pixels_per_unit)


def _scanners(dots_per_inch: float) -> bool:
    """Tell whether this is a resolution of scanners: 2400, 3600, 4800, ... 19200 dots per inch."""
    return dots_per_inch < 20000 and math.isclose(dots_per_inch % 1200, 0, abs_tol=0.01)
