"""Corrections of labels by hand: each finds one `Edit`, which can be applied and taken back, in 2D and 3D.

Labels are whole numbers of any dimensions, 0 is background. Nothing but the named objects changes. `spatial` are
the numbers of the axes along which one object extends; along the others every plane is corrected by itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.boxes import Box, bounding_box, moved, union, within
from napari_unet.arrays.cutting import sides
from napari_unet.arrays.dividing import distance_within, first_cores
from napari_unet.arrays.object_boxes import box_around, boxes_of
from napari_unet.arrays.object_ids import ObjectIds, slabs
from napari_unet.errors import UnetError
from napari_unet.progress import Progress, Steps, finish

Labels = NDArray[Any]
Ids = Sequence[int] | NDArray[Any]

MIN_PART = 0.05
"""Share of an object that a part must have to become an object: smaller ones are its roughness."""
SMOOTHING, MARGIN = 1.5, 6
"""Pixels (standard deviation) over which an outline is smoothed: what is narrower than about 2 px goes. And pixels
around an object that are looked at: four standard deviations, beyond which nothing counts."""


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """A change of labels within a box; `before` and `after` are the labels there, `count` pixels differ."""

    box: Box
    before: Labels
    after: Labels
    count: int

    @classmethod
    def none(cls, ndim: int) -> Edit:
        """Return an edit that changes nothing."""
        nowhere = np.zeros((0,) * ndim, np.uint8)
        return cls((slice(0, 0),) * ndim, nowhere, nowhere, 0)

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return not self.count

    def apply(self, labels: Labels) -> None:
        """Change the labels in place."""
        labels[self.box] = self.after

    def revert(self, labels: Labels) -> None:
        """Take the change back, in place."""
        labels[self.box] = self.before

    def changes(self) -> tuple[tuple[NDArray[np.intp], ...], Labels]:
        """Return the indices of the pixels that change, and their new labels."""
        at = np.nonzero(self.before != self.after)
        indices = tuple(axis + side.start for axis, side in zip(at, self.box, strict=True))
        return indices, self.after[at]


def delete(labels: Labels, ids: Ids) -> Edit:
    """Return the edit that makes objects background."""
    return _with_table(labels, ids, np.zeros(len(ids), labels.dtype))


def merge(labels: Labels, ids: Ids) -> Edit:
    """Return the edit that gives several objects the id of the first that is there."""
    present = set(ObjectIds.of(labels, ids).ids.tolist())
    known = [int(number) for number in dict.fromkeys(ids) if int(number) in present]
    if len(known) < 2:
        raise UnetError(f"merging takes two objects at least, got {len(known)}: select more rows or objects")
    return _with_table(labels, known, np.full(len(known), known[0], labels.dtype))


def renumber(labels: Labels) -> Edit:
    """Return the edit that numbers objects from 1 on without gaps, in the order of their ids."""
    ids = ObjectIds.of(labels).ids
    return _with_table(labels, ids, np.arange(1, len(ids) + 1).astype(labels.dtype))


def split_along(
    labels: Labels,
    number: int,
    line: NDArray[Any],
    axes: tuple[int, int] | None = None,
    within: Box | None = None,
) -> Edit:
    """Return the edit that cuts an object along a line; the largest part keeps the id.

    Parameters
    ----------
    labels
        Whole numbers, 0 is background.
    number
        The object.
    line
        Points (N, 2) in pixels along `axes`. Both ends are drawn on where the line ends within the object.
    axes
        The two axes in which the line was drawn; the cut goes straight through others. None takes the last two.
    within
        The part of the image in which the object is cut, as one time; None for all of it.

    Raises
    ------
    UnetError
        If the line does not divide the object.
    """
    box, mask = _object(labels, number, within)
    first, second = axes or (labels.ndim - 2, labels.ndim - 1)
    corner = np.array([box[first].start, box[second].start])
    parts = sides(mask, np.asarray(line, float) - corner, (first, second), MIN_PART)
    if parts is None:
        raise UnetError(f"the line does not divide object {number}: draw it across the whole object")
    return _with_parts(labels, box, mask, parts)


def split_by_level(
    labels: Labels,
    number: int,
    height: NDArray[Any] | None = None,
    spacing: Sequence[float] | None = None,
    within: Box | None = None,
) -> Edit:
    """Return the edit that divides an object where a higher threshold divides it; the largest part keeps the id.

    Parameters
    ----------
    labels
        Whole numbers, 0 is background.
    number
        The object.
    height
        What is thresholded, of the labels' shape: the model's probability. None takes the distance to the
        object's edge, which divides it at its waist.
    spacing
        Size of a pixel per axis, for the distance.
    within
        The part of the image in which the object is divided, as one time; None for all of it.

    Raises
    ------
    UnetError
        If no threshold divides the object.
    """
    from skimage.segmentation import watershed

    box, mask = _object(labels, number, within)
    map_ = distance_within(mask, spacing) if height is None else np.asarray(height[box], float)
    cores = first_cores(mask, map_, MIN_PART)
    if cores is None:
        what = "its shape has no waist" if height is None else "no threshold of the probability divides it"
        raise UnetError(f"object {number} stays whole: {what}: draw a line across it instead")
    return _with_parts(labels, box, mask, watershed(-map_, cores, mask=mask))


def fill_holes(labels: Labels, ids: Ids, spatial: Sequence[int] | None = None) -> Edit:
    """Return the edit that fills the background that objects enclose; what other objects cover stays theirs."""
    return finish(reshape_steps("fill", labels, ids, spatial))


def smooth(labels: Labels, ids: Ids, spatial: Sequence[int] | None = None) -> Edit:
    """Return the edit that smooths outlines; what other objects cover stays theirs, and none vanishes."""
    return finish(reshape_steps("smooth", labels, ids, spatial))


def touching_border(labels: Labels, spatial: Sequence[int] | None = None) -> NDArray[np.int64]:
    """Return the ids of objects that touch the border of the image along the spatial axes."""
    found = []
    for axis in range(labels.ndim) if spatial is None else spatial:
        if labels.shape[axis] > 1:
            found += [np.take(labels, end, axis).ravel() for end in (0, -1)]
    ids = np.unique(np.concatenate([*found, np.zeros(1, labels.dtype)])).astype(np.int64)
    return ids[ids > 0]


def outside(labels: Labels, region: NDArray[Any]) -> NDArray[np.int64]:
    """Return the ids of objects of which no pixel lies in a region (not 0), whose axes are the labels' last."""
    inside = ObjectIds.of(np.where(np.broadcast_to(region, labels.shape) != 0, labels, 0)).ids
    return np.setdiff1d(ObjectIds.of(labels).ids, inside)


def free_ids(labels: Labels, count: int) -> list[int]:
    """Return ids that no object has: beyond the highest, or gaps where the dtype has none left."""
    highest, last = int(labels.max(initial=0)), int(np.iinfo(labels.dtype).max)
    if highest + count <= last:
        return list(range(highest + 1, highest + 1 + count))
    used = set(ObjectIds.of(labels).ids.tolist())
    gaps = list(itertools.islice((number for number in range(1, last + 1) if number not in used), count))
    if len(gaps) < count:
        raise UnetError(f"labels of {labels.dtype} have no id left: convert the layer to int32")
    return gaps


def _with_table(labels: Labels, ids: Ids, new: Labels) -> Edit:
    """Return the edit that gives each of some ids a new one."""
    box = box_around(labels, ids)
    if box is None:
        return Edit.none(labels.ndim)
    before = labels[box].copy()
    order, known = np.argsort(ids, kind="stable"), ObjectIds.of(before, ids)
    new = new[order][np.searchsorted(np.asarray(ids)[order], known.ids)]
    after = before.copy()
    for part in slabs(before.shape) if len(new) else ():
        place = known.places(before[part])
        after[part] = np.where(place >= 0, new[place], before[part])
    return _trimmed(box, before, after)


def _with_parts(labels: Labels, box: Box, mask: NDArray[np.bool_], parts: NDArray[Any]) -> Edit:
    """Return the edit that gives parts 1..n of an object ids of their own; the largest keeps the object's."""
    sizes = np.bincount(parts[mask])[1:]
    before = labels[box].copy()
    after = before.copy()
    others = [part for part in np.argsort(-sizes, kind="stable") + 1 if sizes[part - 1]][1:]
    for part, number in zip(others, free_ids(labels, len(others)), strict=True):
        after[parts == part] = number
    return _trimmed(box, before, after)


def reshape_steps(action: str, labels: Labels, ids: Ids, spatial: Sequence[int] | None = None) -> Steps[Edit]:
    """Return the edit that fills or smooths ("fill", "smooth") each object, plane by plane along other axes.

    One yield an object.
    """
    from scipy import ndimage

    change = {"fill": ndimage.binary_fill_holes, "smooth": _smoothed}[action]
    axes = tuple(range(labels.ndim)) if spatial is None else tuple(spatial)
    near = {
        number: tuple(_wider(side, labels.shape[axis]) if axis in axes else side for axis, side in enumerate(box))
        for box, number in boxes_of(labels, ids)
    }
    if not near:
        return Edit.none(labels.ndim)
    whole = union(list(near.values()))
    after = labels[whole].copy()
    for done, (number, box) in enumerate(near.items()):
        yield Progress(done=done, total=len(near), doing="Correcting")
        part = after[within(box, whole)]
        for place in _planes(part.shape, axes):
            _reshape(part[place], number, change)
    return _trimmed(whole, labels[whole], after)


def _reshape(plane: Labels, number: int, change: Any) -> None:
    """Change the mask of an object, in place."""
    mask = plane == number
    if mask.any():
        changed = change(mask)
        plane[mask & ~changed] = 0
        plane[changed & (plane == 0)] = number


def _wider(side: slice, length: int) -> slice:
    return slice(max(0, side.start - MARGIN), min(length, side.stop + MARGIN))


def _planes(shape: Sequence[int], axes: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    """Yield the index of every plane, or volume, that an object extends along."""
    along: list[Any] = [[slice(None)] if axis in axes else range(length) for axis, length in enumerate(shape)]
    return itertools.product(*along)


def _smoothed(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a smoother mask; one that would vanish stays. What the image cuts off is taken to go on."""
    from scipy import ndimage

    smoothed: NDArray[np.bool_] = ndimage.gaussian_filter(mask.astype(np.float32), SMOOTHING, mode="nearest") > 0.5
    return smoothed if smoothed.any() else mask


def _object(labels: Labels, number: int, within: Box | None) -> tuple[Box, NDArray[np.bool_]]:
    """Return an object's bounding box, and its mask in there."""
    part = within or tuple(slice(0, length) for length in labels.shape)
    mask = labels[part] == number
    box = bounding_box(mask) if number else None
    if box is None:
        raise UnetError(f"there is no object {number}: click on one that is there")
    return moved(box, part), mask[box]


def _trimmed(box: Box, before: Labels, after: Labels) -> Edit:
    """Return the edit, its box no larger than what changes."""
    different = before != after
    inner = bounding_box(different)
    if inner is None:
        return Edit.none(before.ndim)
    return Edit(moved(inner, box), before[inner].copy(), after[inner].copy(), int(np.count_nonzero(different)))
