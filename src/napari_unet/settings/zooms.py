"""The sizes at which a network may see an image."""

from __future__ import annotations

from fractions import Fraction

ZOOMS = (0.125, 0.25, 0.5, 1.0, 2.0)
"""Pixels that the network sees per pixel of the image and axis; powers of two, so that pixels join evenly."""
Zoom = float | tuple[float, ...]
"""A zoom as people and files state it: one number for all axes, or one for each in the order of the axes."""


def short_zoom(zooms: Zoom) -> Zoom:
    """Return one number for a zoom per axis that is the same along all."""
    if not isinstance(zooms, tuple):
        return zooms
    return zooms[0] if len(set(zooms)) == 1 else zooms


def stored_zoom(value: float | list[float] | tuple[float, ...] | None) -> Zoom | None:
    """Return the zoom that JSON states, None where it states none."""
    return tuple(map(float, value)) if isinstance(value, list | tuple) else value


def zoom_text(zoom: Zoom) -> str:
    """Return a zoom in words, for example "1/4 of its size", or "1 x 1/4 x 1/4 of its size" per axis."""
    zoom = short_zoom(zoom)
    if isinstance(zoom, tuple):
        each = " x ".join(str(Fraction(one)) for one in zoom)
        return f"{each} {'times' if max(zoom) > 1 else 'of'} its size"
    if zoom == 1:
        return "its own size"
    return f"1/{round(1 / zoom)} of its size" if zoom < 1 else f"{zoom:g} times its size"
