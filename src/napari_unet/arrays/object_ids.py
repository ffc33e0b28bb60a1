"""The ids in labels, and their places 0..n-1 in a table, also where ids are as high as memory has no room for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

PIXELS_A_STEP = 2**19
"""Pixels worked on at once: NumPy counts them in some 10 ms, in which a window in the same process cannot draw."""
MAX_SPARE = 2**24
"""Ids up to which a look-up table is made whatever the size of the image, 64 MB."""


@dataclass(frozen=True, slots=True, eq=False)
class ObjectIds:
    """Ids of objects, ascending."""

    ids: NDArray[np.int64]
    table: NDArray[np.int32] | None
    """Place by id, -1 for other values; None where ids are too high for a table."""

    @classmethod
    def of(cls, labels: NDArray[Any], only: Sequence[int] | NDArray[Any] | None = None) -> ObjectIds:
        """Return the ids in labels; of them those in `only`, where it is given. 0 is background."""
        highest = int(labels.max(initial=0))
        if highest > max(MAX_SPARE, labels.size):
            found = np.unique(labels[labels > 0]).astype(np.int64)
        else:
            present = np.zeros(highest + 1, bool)
            for part in slabs(labels.shape):
                present[labels[part]] = True
            present[0] = False
            found = np.flatnonzero(present)
        if only is not None:
            found = np.intersect1d(found, np.asarray(only, np.int64))
        return cls(found, _table(found, highest) if highest <= max(MAX_SPARE, labels.size) else None)

    def __len__(self) -> int:
        return len(self.ids)

    def places(self, labels: NDArray[Any]) -> NDArray[Any]:
        """Return the place of each value, -1 for background and ids that are not among these."""
        if self.table is not None:
            found: NDArray[np.int32] = self.table[labels]
            return found
        if not len(self.ids):
            return np.full(labels.shape, -1)
        place = np.minimum(np.searchsorted(self.ids, labels), len(self.ids) - 1)
        return np.where(self.ids[place] == labels, place, -1)


def _table(ids: NDArray[np.int64], highest: int) -> NDArray[np.int32]:
    table = np.full(highest + 1, -1, np.int32)
    table[ids] = np.arange(len(ids), dtype=np.int32)
    return table


def slabs(shape: Sequence[int], pixels: int = PIXELS_A_STEP) -> Iterator[slice]:
    """Yield slices of the first axis that divide an array, each of about so many pixels, at least one row."""
    row = max(1, int(np.prod(shape[1:])))
    step = max(1, pixels // row)
    for start in range(0, shape[0], step):
        yield slice(start, min(start + step, shape[0]))
