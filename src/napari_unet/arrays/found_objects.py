"""Which painted objects are found as one object."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.annotations import Annotation
from napari_unet.arrays.contingency import contingency

MIN_IOU = 0.5
"""IoU above which a found object is the painted one: no other can reach it, too (Caicedo 2019)."""


def found_as_one(found: NDArray[Any], annotation: Annotation) -> NDArray[np.bool_]:
    """Return by id (n + 1,) of an annotation (*spatial) whether one found object and the painted one are the same.

    They are where their IoU is above 0.5. Beside a scribble, which says nothing of its object's border, the found
    object counts with its annotated pixels alone: with painted background, and other objects, that it runs into.
    An object that was painted whole is compared with all of the found one.
    """
    said = np.where(annotation.annotated, annotation.labels, 0)
    whole = contingency(found, said)
    among = contingency(np.where(annotation.annotated, found, 0), said)
    right = np.zeros(len(annotation.complete), bool)
    for table, wanted in ((whole, annotation.complete), (among, ~annotation.complete)):
        pairs = table.pairs
        same = table.truth_ids[1:][pairs.truth[pairs.iou > MIN_IOU]]
        right[same] |= wanted[same]
    right[0] = False
    return right
