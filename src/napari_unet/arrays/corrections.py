"""Corrections survive: what a person drew, changed or erased in labels is put into labels that are found anew.

Labels that a person corrects come with the labels that were there before. Both are of one shape, 0 is background.
An object of the corrected labels whose pixels are exactly those of one former object was not touched, whatever its
id; every other one was, and is kept with all of its pixels. What was an object before and is background now was
erased. Kept objects and erased pixels together are the *area* of the corrections.

New labels take the place of everything outside the area, and what was there before stays remembered inside it. So
the same corrections are found again in the merged labels, however often an image is segmented anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.contingency import Pairs, contingency
from napari_unet.errors import UnetError

Origin = Literal["found", "edited", "drawn"]
MIN_SHARED = 0.5
"""Share of the smaller of two objects, one before and one after, from which the second is the first, edited."""
MIN_PIECE = 0.5
"""Share of a found object that must lie, in one piece, outside the corrections; else it is what they correct."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Corrections:
    """What a person changed in labels."""

    objects: NDArray[np.int32]
    """(*spatial) the kept objects, 1..n; 0 elsewhere."""
    origins: tuple[Origin, ...]
    """Of each kept object: "edited" or "drawn"."""
    erased: NDArray[np.bool_]
    """(*spatial) objects before, background now."""
    before: NDArray[np.int32]
    """(*spatial) the former objects in the area, with the id of the object that each became, else beyond n."""

    @property
    def area(self) -> NDArray[np.bool_]:
        """Return where new labels have nothing to say."""
        area: NDArray[np.bool_] = (self.objects > 0) | self.erased
        return area

    @property
    def any(self) -> bool:
        """Whether a person changed anything."""
        return bool(self.origins) or bool(self.erased.any())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Merged:
    """New labels with corrections in them."""

    labels: NDArray[np.int32]
    """(*spatial) of objects 1..n without gaps: the found ones, then the kept ones; or classes."""
    before: NDArray[np.int32]
    """(*spatial) the labels without the corrections: `find_corrections(before, labels)` gives them again."""
    kept: int
    """How many objects were kept; of classes how many pixels."""
    erased: int
    """How many pixels were kept erased; 0 for classes."""


def find_corrections(before: NDArray[Any], after: NDArray[Any]) -> Corrections:
    """Return what a person changed from one labels array (*spatial) to another.

    A kept object is "edited" where it shares with a former object at least half of the smaller of both (it was
    grown, cut, split or merged), else "drawn".
    """
    _require_one_shape(before, after)
    pairs = contingency(before, after).pairs
    old, new = (np.unique(labels[labels > 0]) for labels in (before, after))
    unchanged = (pairs.overlap == pairs.predicted_area) & (pairs.overlap == pairs.truth_area)
    touched_new = np.setdiff1d(np.arange(len(new)), pairs.truth[unchanged])
    touched_old = np.setdiff1d(np.arange(len(old)), pairs.predicted[unchanged])
    became = _became(pairs, unchanged)
    numbers = {int(index): number for number, index in enumerate(touched_new, start=1)}
    following = len(numbers)
    former = {}
    for index in touched_old.tolist():
        if index in became:
            former[index] = numbers[became[index]]
        else:
            following += 1
            former[index] = following
    edited = _edited(pairs)
    return Corrections(
        objects=_renumbered(after, new, numbers),
        origins=tuple("edited" if index in edited else "drawn" for index in numbers),
        erased=(before > 0) & (after == 0),
        before=_renumbered(before, old, former),
    )


def merge_corrections(found: NDArray[Any], corrections: Corrections) -> Merged:
    """Return found labels (*spatial) with the corrections in them.

    A found object that the area cuts stays with its largest piece outside the area, if that is at least half of
    the object: otherwise it is what the person drew, or erased, found again.
    """
    _require_one_shape(found, corrections.objects)
    area = corrections.area
    outside = _outside(found, area)
    count = int(outside.max(initial=0))
    shifted = (np.where(labels > 0, labels + count, 0) for labels in (corrections.objects, corrections.before))
    labels, before = (np.where(area, part, outside).astype(np.int32) for part in shifted)
    kept, erased = len(corrections.origins), int(np.count_nonzero(corrections.erased))
    return Merged(labels=labels, before=before, kept=kept, erased=erased)


def merge_classes(found: NDArray[Any], before: NDArray[Any], after: NDArray[Any]) -> Merged:
    """Return found classes (*spatial), with those of the pixels that a person gave another class than `before`."""
    _require_one_shape(before, after)
    _require_one_shape(found, after)
    kept = before != after
    labels, remembered = (np.where(kept, part, found).astype(np.int32) for part in (after, before))
    return Merged(labels=labels, before=remembered, kept=int(np.count_nonzero(kept)), erased=0)


def object_origins(before: NDArray[Any], after: NDArray[Any]) -> dict[int, Origin]:
    """Return the origin of every object by its id in `after`, in rising order."""
    corrections = find_corrections(before, after)
    ids, first = np.unique(after, return_index=True)
    kept = corrections.objects.reshape(-1)[first]
    return {
        number: corrections.origins[place - 1] if place else "found"
        for number, place in zip(ids.tolist(), kept.tolist(), strict=True)
        if number
    }


def _became(pairs: Pairs, unchanged: NDArray[np.bool_]) -> dict[int, int]:
    """Return by index of a former object that of the touched one with which it shares most pixels, each once."""
    became: dict[int, int] = {}
    taken: set[int] = set()
    touched = np.flatnonzero(~unchanged)
    for place in touched[np.argsort(-pairs.overlap[touched], kind="stable")].tolist():
        old, new = int(pairs.predicted[place]), int(pairs.truth[place])
        if old not in became and new not in taken:
            became[old] = new
            taken.add(new)
    return became


def _edited(pairs: Pairs) -> set[int]:
    """Return the indices of objects that are former ones, edited."""
    smaller = np.minimum(pairs.predicted_area, pairs.truth_area)
    return set(pairs.truth[pairs.overlap >= MIN_SHARED * smaller].tolist())


def _renumbered(labels: NDArray[Any], ids: NDArray[Any], numbers: dict[int, int]) -> NDArray[np.int32]:
    """Return labels with new numbers for some ids, given by their index among all; the others become 0."""
    table = np.zeros(len(ids) + 1, np.int32)
    for index, number in numbers.items():
        table[index + 1] = number
    places = np.where(labels > 0, np.searchsorted(ids, labels) + 1, 0)
    return table[places]


def _outside(found: NDArray[Any], area: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return the found objects that stay outside of an area, 1..n."""
    from scipy import ndimage

    outside = np.where(area, 0, found)
    boxes = ndimage.find_objects(found.astype(np.int32))
    for number in np.setdiff1d(found[area], 0).tolist():
        box = boxes[number - 1]
        whole = np.count_nonzero(found[box] == number)
        pieces, _ = ndimage.label(outside[box] == number, np.ones((3,) * found.ndim))
        sizes = np.bincount(pieces.reshape(-1))
        sizes[0] = 0
        largest = int(sizes.argmax())
        goes = (pieces > 0) & ((pieces != largest) | (sizes[largest] < MIN_PIECE * whole))
        outside[box][goes] = 0
    ids = np.unique(outside)
    return np.searchsorted(ids[ids > 0], outside, side="right").astype(np.int32)


def _require_one_shape(first: NDArray[Any], second: NDArray[Any]) -> None:
    if first.shape != second.shape:
        raise UnetError(
            f"the labels are {first.shape} and the corrected ones {second.shape}: they must be of one image"
        )
