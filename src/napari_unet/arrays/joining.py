"""Objects of a stack: what overlaps from plane to plane is one, as Cellpose joins masks (Stringer et al. 2021)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.contingency import Pairs, contingency
from napari_unet.progress import Progress, Steps

OVERLAP = 0.5
"""Share of the smaller of two objects in neighbouring planes that must lie in the other for both to be one.

Not their IoU: the last section of a sphere is a small disc within the one before.
"""


def join_planes(stack: NDArray[np.int32], highest: int = 0) -> Steps[int]:
    """Give objects of neighbouring planes one id where they overlap each other most; in place.

    `stack` is (N, *plane), instance labels whose ids differ between planes; 0 is background. A plane may be a
    volume. Afterwards ids go on from `highest`, in the order in which objects first appear; the last is returned.
    """
    before = np.zeros_like(stack[0])
    for number, plane in enumerate(stack):
        shared = contingency(before, plane)
        former, present = partners(shared.pairs)
        ids = np.zeros(len(shared.truth_ids), np.int32)
        ids[1 + present] = shared.predicted_ids[1 + former]
        new = 1 + np.flatnonzero(ids[1:] == 0)
        ids[new] = highest + 1 + np.arange(len(new))
        highest += len(new)
        plane[...] = ids[np.searchsorted(shared.truth_ids, plane)]
        before = plane
        yield Progress(done=number + 1, total=len(stack), doing="Joining planes")
    return highest


def partners(pairs: Pairs) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the objects of one plane and of the next that are one, each at most once."""
    smaller = np.minimum(pairs.predicted_area, pairs.truth_area)
    likely = np.flatnonzero(pairs.overlap >= OVERLAP * smaller)
    best = likely[np.argsort(-pairs.iou[likely], kind="stable")]
    chosen = best[_is_first(pairs.predicted[best]) & _is_first(pairs.truth[best])]
    return pairs.predicted[chosen], pairs.truth[chosen]


def _is_first(values: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which values occur for the first time."""
    first = np.zeros(len(values), bool)
    first[np.unique(values, return_index=True)[1]] = True
    return first
