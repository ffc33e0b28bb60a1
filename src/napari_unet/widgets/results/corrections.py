"""Corrections of a Labels layer, each one step that napari's undo takes back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray

from napari_unet import proofreading
from napari_unet.arrays.tiling import Box
from napari_unet.errors import UnetError
from napari_unet.measurement import has_volumes
from napari_unet.proofreading import Edit
from napari_unet.widgets.results.proof_bar import BORDER, LARGER, OUTSIDE, SMALLER
from napari_unet.widgets.results.work import Measured

MAX_NAMED = 3
"""Ids that a sentence names; of more it says how many."""


def can_edit(layer: Labels | None) -> bool:
    """Whether a layer can be corrected: in memory, and at one resolution."""
    return layer is not None and not layer.multiscale and isinstance(layer.data, np.ndarray)


def apply_edit(layer: Labels, edit: Edit) -> int:
    """Change a layer in one step of its undo; return how many pixels changed."""
    if edit.is_empty:
        return 0
    indices, values = edit.changes()
    layer.data_setitem(indices, values.astype(layer.data.dtype))
    return len(values)


def edit_of(action: str, layer: Labels, axes: str, ids: Sequence[int], now: Box | None) -> Edit:
    """Return the edit of an action on the selected objects; `now` is the time that is shown."""
    if action == "renumber":
        return proofreading.renumber(layer.data)
    first = first_of(ids)
    if action == "split":
        return proofreading.split_by_level(layer.data, first, spacing=np.abs(layer.scale).tolist(), within=now)
    edits: dict[str, Callable[[], Edit]] = {
        "delete": lambda: proofreading.delete(layer.data, ids),
        "merge": lambda: proofreading.merge(layer.data, ids),
        "fill": lambda: proofreading.fill_holes(layer.data, ids, spatial_axes(layer, axes)),
        "smooth": lambda: proofreading.smooth(layer.data, ids, spatial_axes(layer, axes)),
    }
    return edits[action]()


def first_of(ids: Sequence[int]) -> int:
    """Return the object that was selected first; UnetError where none is."""
    if not ids:
        raise UnetError("No object is selected: click on one, or on a row of the table")
    return int(ids[0])


def removed_ids(
    kind: str,
    layer: Labels,
    axes: str,
    *,
    limit: float,
    measured: Measured | None,
    listed: NDArray[Any],
    region: Callable[[], NDArray[Any]],
) -> NDArray[Any]:
    """Return the ids of what is to be removed from the whole image."""
    if kind == BORDER:
        return proofreading.touching_border(layer.data, spatial_axes(layer, axes))
    if kind == OUTSIDE:
        return proofreading.outside(layer.data, region())
    if measured is None:
        raise UnetError("Measure first: which objects these are, the table says")
    if kind in (SMALLER, LARGER):
        columns = measured.table.columns
        chosen = columns["area"] < limit if kind == SMALLER else columns["area"] > limit
        return np.unique(columns["label"][chosen])
    return np.unique(listed)


def spatial_axes(layer: Labels, axes: str) -> list[int]:
    """Return the numbers of the axes along which one object extends."""
    solid = has_volumes(layer.data, axes)
    return [number for number, axis in enumerate(axes) if axis in "YX" or (axis == "Z" and solid)]


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
