"""Lengths per axis: one number means the same for every axis, several are in the order of the axes.

A `spacing` says how far apart neighbouring pixels are along each axis, in any one unit; where it counts as pixels,
those of the finest axis are meant.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

from napari_unet.errors import UnetError

Sides = tuple[int, ...]
Number = TypeVar("Number", int, float)


def per_axis(value: Number | Sequence[Number], dims: int, what: str) -> tuple[Number, ...]:
    """Return one number for each of `dims` axes; UnetError where another count of them is given."""
    sides = (value,) * dims if isinstance(value, int | float) else tuple(value)
    if len(sides) != dims:
        raise UnetError(f"{what} must be one number, or one for each of {dims} axes, got {sides}")
    return sides


def in_words(sides: Sequence[int]) -> str:
    """Return "16" where all sides are alike, else "4 x 16 x 16"."""
    return str(sides[0]) if len(set(sides)) == 1 else " x ".join(map(str, sides))


def relative_spacing(spacing: Sequence[float] | None, dims: int) -> tuple[float, ...]:
    """Return a spacing in pixels of the finest axis; 1 for all where none is given.

    Raises
    ------
    UnetError
        If it is not one finite number above 0 for each axis.
    """
    if not spacing:
        return (1.0,) * dims
    if len(spacing) != dims or not all(0 < step < math.inf for step in spacing):
        raise UnetError(f"spacing must be {dims} numbers above 0, one per axis, got {tuple(spacing)}")
    finest = min(spacing)
    return tuple(float(step / finest) for step in spacing)


VOLUME = 2
"""A part of a volume has so many times as many pixels as one of a plane: an object takes more of them."""


def even_sides(side: int, spacing: Sequence[float]) -> tuple[float, ...]:
    """Return the sides in pixels of a box that is equally long along all axes.

    That of a plane is a square of `side` pixels (where these are square); that of a volume holds `VOLUME` times as
    many pixels.
    """
    dims = len(spacing)
    pixels = side**2 * (VOLUME if dims > 2 else 1) * math.prod(spacing)  # in pixels of the finest axis
    return tuple(pixels ** (1 / dims) / step for step in spacing)
