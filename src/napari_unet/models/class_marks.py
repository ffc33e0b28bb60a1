"""Marks: the colour or grey value by which label images show each class, and the names that follow from them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from PIL.ImageColor import colormap

from napari_unet.errors import UnetError

MARK = re.compile(r"#[0-9a-f]{6}|[0-9]{1,20}")
"""A colour as in HTML, or a grey value."""
NAMES = {code: name for name, code in colormap.items() if isinstance(code, str)}
"""Names of colours, as HTML has them."""


def class_names(count: int, marks: Sequence[str] = ()) -> tuple[str, ...]:
    """Return names for `count` classes, two at least: by their marks, unless these are class indices."""
    indices = [str(number) for number in range(len(marks))]
    named = [] if list(marks) == indices else [_name(mark) for mark in marks[1:count]]
    return ("background", *named, *(f"class {number}" for number in range(1 + len(named), max(count, 2))))


def marks_of(count: int, marks: Sequence[str]) -> tuple[str, ...]:
    """Return the marks of `count` classes, two at least; none where there are fewer."""
    count = max(count, 2)
    return tuple(marks[:count]) if len(marks) >= count else ()


def colour_of(mark: str) -> tuple[float, float, float] | None:
    """Return the colour of a mark as red, green and blue in 0..1; None for a grey value, or what is no mark."""
    if not (mark.startswith("#") and MARK.fullmatch(mark)):
        return None
    red, green, blue = (int(mark[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return red, green, blue


def check_marks(marks: Sequence[str], classes: int) -> None:
    """Refuse marks that are none, or not one for each class."""
    if marks and (len(marks) != classes or not all(isinstance(m, str) and MARK.fullmatch(m) for m in marks)):
        raise UnetError(f"each of {classes} classes needs a colour like #ff0000 or a grey value, got {len(marks)}")


def _name(mark: str) -> str:
    return NAMES.get(mark, mark) if mark.startswith("#") else f"value {mark}"
