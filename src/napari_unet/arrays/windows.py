"""A few small windows that stand for an image of any size."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from napari_unet.arrays.axes import Plane
from napari_unet.arrays.boxes import Box
from napari_unet.arrays.channels import COLOURS

CANDIDATES = 12
"""Windows per axis among which is chosen, at most: an image of any size costs the same."""
PLANES = (1 / 3, 2 / 3)
"""Which planes of a stack are looked at, as shares of the way through it: its ends often show little."""
OVERLAP = 0.25
"""Share of a side by which two windows may overlap."""


def telling_windows(planes: Sequence[Plane], side: int, step: int) -> list[tuple[int, Box]]:
    """Return (number of a plane, window) twice: the window of most contrast, and the middle one of the others.

    The first shows objects where there are few, the second what is usual. A small image has one window. Windows
    have `side` pixels per axis, or the smallest multiple of `step` that holds a smaller image.
    """
    tried = []
    for number in sorted({round(share * (len(planes) - 1)) for share in PLANES}):
        grey = planes[number]
        if grey.channels in (1, COLOURS):  # else all channels are looked at, each as the network sees it
            grey = replace(grey, channels=1)
        tried += [(float(grey.read(box).std()), number, box) for box in _candidates(grey.whole_shape, side, step)]
    tried.sort(key=lambda one: -one[0])
    _, number, first = tried[0]
    others = [(n, box) for _, n, box in tried if n != number or _are_apart(box, first, side)]
    return [(number, first), *([others[len(others) // 2]] if others else [])]


def _candidates(shape: Sequence[int], side: int, step: int) -> Iterator[Box]:
    """Yield windows spread evenly over a plane, half a window apart where it is not too large."""
    ways = []
    for length in shape:
        own = min(side, -(-length // step) * step)
        spare = max(0, length - own)
        count = min(CANDIDATES, 1 + math.ceil(2 * spare / side))
        starts = [round(k * spare / max(1, count - 1)) for k in range(count)]
        ways.append([slice(start, start + own) for start in starts])
    yield from itertools.product(*ways)


def _are_apart(box: Box, other: Box, side: int) -> bool:
    pairs = zip(box, other, strict=True)
    return any(abs(one.start - two.start) >= (1 - OVERLAP) * side for one, two in pairs)
