"""A part of an image as a model sees it, ready to be drawn: made in a worker, so that the window does not wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.contingency import contingency

if TYPE_CHECKING:
    from napari_unet.segmentation import Segmentation

MIN_SAME_IOU = 0.5
"""IoU from which an object counts as the same before and after."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShownPart:
    """Labels of a part of an image, as the preview draws them."""

    labels: NDArray[Any]
    colours: NDArray[np.uint8]
    """The labels as RGBA (*labels.shape, 4)."""
    axes: str
    origin: tuple[int, ...]
    """Where their first pixel lies in the image, per axis."""
    count: int
    """Objects among them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeenByBoth:
    """A part of an image as the old and as the new model see it; None where nothing is shown."""

    before: ShownPart | None
    after: ShownPart | None
    in_view: str
    """What became of the part, strokes or not; empty where none is shown."""


def shown_part(seen: Segmentation, cut: dict[str, tuple[int, int]] | None = None) -> ShownPart:
    """Return what was segmented, of some axes only the part from start to stop of the image."""
    part, origin = [], []
    for axis, start, length in zip(seen.axes, seen.origin, seen.labels.shape, strict=True):
        low, high = (cut or {}).get(axis, (start, start + length))
        part.append(slice(max(0, low - start), min(length, high - start)))
        origin.append(max(low, start))
    labels = np.asarray(seen.labels[tuple(part)])
    count = int(np.count_nonzero(np.unique(labels))) if cut else seen.count
    return ShownPart(labels=labels, colours=coloured(labels), axes=seen.axes, origin=tuple(origin), count=count)


def coloured(labels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return labels in the colours of a Labels layer, as RGBA; background is transparent."""
    from napari.utils.colormaps import label_colormap

    # in full brightness: dark colours vanish on dark images
    colours = label_colormap().map(np.arange(labels.max(initial=0) + 1))
    colours[:, :3] /= np.maximum(colours[:, :3].max(axis=1, keepdims=True), 1e-3)
    table: NDArray[np.uint8] = np.asarray(colours * 255, np.uint8)
    return np.asarray(table[labels])


def changes_in_words(before: ShownPart | None, after: ShownPart | None, *, classes: bool) -> str:
    """Return what became of the part shown, strokes or not; empty where none is shown."""
    if before is None or after is None:
        return ""
    if classes:
        changed = float((before.labels != after.labels).mean())
        return f"In the part shown {changed:.1%} of the pixels changed their class."
    same = contingency(after.labels, before.labels).matches(MIN_SAME_IOU)
    return f"In the part shown: {before.count} objects before, {after.count} after, {same} of them the same."
