"""Corrections of a Labels layer, each one step that napari's undo takes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray

from napari_unet import proofreading
from napari_unet.arrays.boxes import Box
from napari_unet.arrays.object_boxes import MAX_COMPARED
from napari_unet.errors import UnetError
from napari_unet.measurement import has_volumes
from napari_unet.progress import Progress, Steps
from napari_unet.proofreading import Edit
from napari_unet.widgets.results.proof_bar import BORDER, LISTED, SMALLER
from napari_unet.widgets.results.work import Measured

MAX_NAMED = 3
"""Ids that a sentence names; of more it says how many."""
MAX_AT_ONCE = 2**25
"""Pixels that are looked at in the window's thread: comparing them with an id takes a tenth of a second."""
COUNTING = 20
"""As long as so many comparisons takes counting the ids of an image and changing those of many."""
PIXELS_AN_OBJECT = 2**16
"""As long as comparing so many pixels takes smoothing one object."""
MAX_INDEXED = 2**17
"""Changed pixels up to which napari's undo keeps and draws each of them, in 20 ms; of more it keeps their box."""


def can_edit(layer: Labels | None) -> bool:
    """Whether a layer can be corrected: in memory, and at one resolution."""
    return layer is not None and not layer.multiscale and isinstance(layer.data, np.ndarray)


def apply_edit(layer: Labels, edit: Edit) -> bool:
    """Change a layer in one step of its undo; False, and nothing, where it changed since the edit was found."""
    if not np.array_equal(layer.data[edit.box], edit.before):
        return False
    if edit.count > MAX_INDEXED:
        # for data_setitem these are indices and values; a box and arrays do as well, for undo and redo
        layer._save_history((edit.box, edit.before, edit.after))
        edit.apply(layer.data)
        layer.refresh()
    elif not edit.is_empty:
        indices, values = edit.changes()
        layer.data_setitem(indices, values.astype(layer.data.dtype))
    return True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """What is corrected."""

    labels: NDArray[Any]
    axes: str
    spacing: Sequence[float]
    """Size of a pixel per axis."""
    now: Box | None = None
    """The time that is shown; None for all of them."""

    @property
    def spatial(self) -> list[int]:
        """Return the numbers of the axes along which one object extends."""
        solid = has_volumes(self.labels, self.axes)
        return [number for number, axis in enumerate(self.axes) if axis in "YX" or (axis == "Z" and solid)]

    def copied(self) -> Subject:
        """Return the same of labels that stay as they are now."""
        return replace(self, labels=np.array(self.labels))

    def takes_long(self, ids: Sequence[int], *, everywhere: bool) -> bool:
        """Whether the window would wait for a correction of some objects, or of those of the whole image."""
        looks = COUNTING if everywhere or len(ids) > MAX_COMPARED else max(1, len(ids))
        return self.labels.size * looks + PIXELS_AN_OBJECT * len(ids) > MAX_AT_ONCE


def edit_steps(action: str, subject: Subject, ids: Sequence[int]) -> Steps[Edit]:
    """Return the edit of an action on the selected objects."""
    labels = subject.labels
    yield Progress(done=0, total=0, doing="Correcting")
    if action == "renumber":
        return proofreading.renumber(labels)
    first = first_of(ids)
    if action in ("fill", "smooth"):
        return (yield from proofreading.reshape_steps(action, labels, ids, subject.spatial))
    if action == "split":
        return proofreading.split_by_level(labels, first, spacing=subject.spacing, within=subject.now)
    return proofreading.delete(labels, ids) if action == "delete" else proofreading.merge(labels, ids)


def first_of(ids: Sequence[int]) -> int:
    """Return the object that was selected first; UnetError where none is."""
    if not ids:
        raise UnetError("No object is selected: click on one, or on a row of the table")
    return int(ids[0])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Removal:
    """Which objects are removed from the whole image."""

    kind: str
    limit: float
    measured: Measured | None
    listed: NDArray[Any]
    """Ids of the rows that the table shows."""
    region: NDArray[Any] | None
    """Not 0 within a region, where `kind` asks for one."""

    def ids(self, subject: Subject) -> NDArray[Any]:
        """Return the ids of the objects."""
        if self.kind == BORDER:
            return proofreading.touching_border(subject.labels, subject.spatial)
        if self.region is not None:
            return proofreading.outside(subject.labels, self.region)
        if self.measured is None:
            raise UnetError("Measure first: which objects these are, the table says")
        if self.kind == LISTED:
            return np.unique(self.listed)
        columns = self.measured.table.columns
        chosen = columns["area"] < self.limit if self.kind == SMALLER else columns["area"] > self.limit
        return np.unique(columns["label"][chosen])


def one_time(layer: Labels, axes: str, point: NDArray[Any]) -> Box:
    """Return the part of labels at the time of a point, which is in their pixels; all of the other axes."""
    sides = [slice(0, length) for length in layer.data.shape]
    if "T" in axes:
        at = axes.index("T")
        now = int(np.clip(round(float(point[at])), 0, layer.data.shape[at] - 1))
        sides[at] = slice(now, now + 1)
    return tuple(sides)


def named(ids: Sequence[int] | NDArray[Any]) -> str:
    """Return objects in words."""
    numbers = [str(int(number)) for number in ids]
    if len(numbers) > MAX_NAMED:
        return f"{len(numbers)} objects"
    return f"object{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}"
