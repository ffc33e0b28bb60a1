"""Watching a run: which part of an image somebody looks at, and what is known of it before the run is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import Plane
from napari_unet.arrays.tiling import Box
from napari_unet.nets.prediction import PartDone
from napari_unet.planning import SegmentationPlan
from napari_unet.progress import Progress

LookedAt = Callable[[], Mapping[str, float]]
"""Gives a place, in pixels of the image by axis; empty where nobody looks."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MapPart:
    """A part of a plane's map, for who watches: how likely objects are, times 255, or classes."""

    index: dict[str, int]
    """The plane, by axis."""
    box: dict[str, tuple[int, int]]
    """(start, stop) in pixels of the image, by axis."""
    values: NDArray[np.uint8]
    """With a pixel for each that the network saw, which its zoom may have made larger or smaller."""


def nearest(looked_at: LookedAt, plan: SegmentationPlan, boxes: Sequence[Box]) -> int:
    """Return which of some boxes, in pixels that the network sees, is nearest to the place that is looked at."""
    point = looked_at()
    wanted = [(axis, n) for n, axis in enumerate(plan.spec.axes) if axis in point]
    middles = np.array([[boxes[k][n].start + boxes[k][n].stop for _, n in wanted] for k in range(len(boxes))]) / 2
    there = [(point[axis] - plan.part[axis][0]) * plan.zoom for axis, _ in wanted]
    return int(((middles - there) ** 2).sum(axis=-1).argmin())


def as_seen(plan: SegmentationPlan, plane: Plane, step: Progress) -> Progress:
    """Return a step of predicting with its preview in pixels of the image."""
    part = step.preview
    if not isinstance(part, PartDone):
        return step
    starts = [plan.part[axis][0] for axis in plan.spec.axes]
    box = {
        axis: (start + round(side.start / plan.zoom), start + round(side.stop / plan.zoom))
        for axis, start, side in zip(plan.spec.axes, starts, part.box, strict=True)
    }
    return replace(step, preview=MapPart(index=plane.index, box=box, values=part.values[0]))
