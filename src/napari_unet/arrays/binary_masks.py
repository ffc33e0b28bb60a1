"""Masks that pass for instances: one value in many places, where every object should have an id of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.errors import UnetError

SPECK = 0.1
"""Share of the largest part's area below which a part does not count: a slip of the brush is no object."""


def refuse_masks(labels: Iterable[tuple[str, NDArray[Any]]], remedy: str, *, dims: int = 2) -> None:
    """Refuse a set of named labels (..., *spatial) that are plainly masks; `remedy` is what else may be done.

    Plainly is: all of them hold one and the same value, and most planes (or volumes, of `dims` axes) in which it
    occurs hold it in several places. So images of one object each are none, whatever its id is. Nothing is drawn
    from the iterable once a second value was seen.
    """
    values: set[int] = set()
    several, shown, first = 0, 0, ("", 0)
    for name, array in labels:
        inside = array[array > 0]
        if not inside.size:
            continue
        values |= {int(inside.min()), int(inside.max())}
        if len(values) > 1:
            return
        places = _parts(array > 0)
        counts = [_parts(array[plane] > 0) for plane in np.ndindex(array.shape[:-dims])]
        shown += sum(count > 0 for count in counts)
        if places > 1:
            several += sum(count > 1 for count in counts)
            first = first if first[0] else (name, places)
    if 2 * several > shown:
        raise UnetError(
            f"labels of {first[0]} are a mask with one value ({values.pop()}) in {first[1]} places, not one "
            f"id per object: label connected parts first, or {remedy}"
        )


def _parts(mask: NDArray[np.bool_]) -> int:
    """Return how many connected parts a mask has, corners included, specks beside larger ones left out."""
    from scipy import ndimage

    parted, count = ndimage.label(mask, np.ones((3,) * mask.ndim))
    areas = np.bincount(parted.ravel(), minlength=count + 1)[1:]
    return int(np.count_nonzero(areas > SPECK * areas.max(initial=0)))
