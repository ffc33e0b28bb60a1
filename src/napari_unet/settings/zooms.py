"""The sizes at which a network may see an image."""

from __future__ import annotations

ZOOMS = (0.125, 0.25, 0.5, 1.0, 2.0)
"""Pixels that the network sees per pixel of the image and axis; powers of two, so that pixels join evenly."""


def zoom_text(zoom: float) -> str:
    """Return a zoom in words, for example "1/4 of its size"."""
    if zoom == 1:
        return "its own size"
    return f"1/{round(1 / zoom)} of its size" if zoom < 1 else f"{zoom:g} times its size"
