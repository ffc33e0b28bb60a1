"""What was changed by hand: labels beside those that were there before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.corrections import object_origins

BY_HAND = ("drawn", "edited")
"""Origins of objects that a person made."""
EDITED = "edited_by_hand"
"""Entry of the provenance: how many objects, or pixels of classes, a person changed."""
OBJECTS = "objects"
"""Entry of the provenance: the ids of the objects that a person drew or edited."""


def count_edits(before: NDArray[Any], after: NDArray[Any], *, classes: bool = False) -> dict[str, int]:
    """Return how many objects were changed, added and removed; of classes how many pixels changed.

    An object is an id. One that only got another id, with all of its pixels, counts as unchanged.

    Parameters
    ----------
    before, after
        Labels of one shape, 0 for background.
    classes
        Whether values are classes, not objects.
    """
    different = before != after
    if classes:
        return {"pixels_changed": int(np.count_nonzero(different))}
    old, new = np.unique(before[different]), np.unique(after[different])
    touched = np.union1d(old, new)
    touched = touched[touched > 0]
    former, present = _pixels(before, touched), _pixels(after, touched)
    renamed = _renamed(before, after, different, former, present)
    names = {"changed": 0, "added": 0, "removed": 0}
    for number in touched.tolist():
        was, is_now = number in former, number in present
        if (was and (number, "old") in renamed) or (is_now and (number, "new") in renamed):
            continue
        names["changed" if was and is_now else "added" if is_now else "removed"] += 1
    return names


def objects_by_hand(before: NDArray[Any], after: NDArray[Any], former: Any = None) -> dict[str, list[int]]:
    """Return the ids of the objects in `after` that a person drew or edited; all others are as a model found them.

    `former` is what this function returned of an earlier session, of labels that `before` holds.
    """
    origins: dict[int, str] = dict(object_origins(before, after))
    known = former if isinstance(former, Mapping) else {}
    for name in BY_HAND:
        ids = known.get(name)
        for number in ids if isinstance(ids, list) else ():
            if not isinstance(number, int):  # written by another program
                continue
            if origins.get(number) == "found" or (name == "drawn" and number in origins):
                origins[number] = name
    return {name: [number for number, origin in origins.items() if origin == name] for name in BY_HAND}


def _pixels(labels: NDArray[Any], ids: NDArray[Any]) -> dict[int, int]:
    """Return how many pixels each of some ids has, for those that have any."""
    found, counts = np.unique(labels[np.isin(labels, ids)], return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def _renamed(
    before: NDArray[Any],
    after: NDArray[Any],
    different: NDArray[np.bool_],
    former: dict[int, int],
    present: dict[int, int],
) -> set[tuple[int, str]]:
    """Return the old and the new ids of objects that have another id now, and the same pixels."""
    if not different.any():
        return set()
    pairs, counts = np.unique(np.stack([before[different], after[different]]), axis=1, return_counts=True)
    same = set()
    for (old, new), count in zip(pairs.T.tolist(), counts.tolist(), strict=True):
        if old and new and former.get(old) == count == present.get(new):
            same |= {(old, "old"), (new, "new")}
    return same
