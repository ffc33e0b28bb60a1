"""Watching a run: which part of an image somebody looks at, and what is known of it before the run is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from napari_unet.arrays.axes import Plane
from napari_unet.arrays.map_part import MapPart
from napari_unet.arrays.tiling import Box
from napari_unet.nets.prediction import PartDone
from napari_unet.planning import SegmentationPlan
from napari_unet.progress import Progress

LookedAt = Callable[[], Mapping[str, float]]
"""Gives a place, in pixels of the image by axis; empty where nobody looks."""


def nearest(looked_at: LookedAt, plan: SegmentationPlan, plane: Plane, boxes: Sequence[Box]) -> int:
    """Return which of some boxes of a plane, in pixels that the network sees, is nearest to that place."""
    point = looked_at()
    wanted = [(axis, n) for n, axis in enumerate(plan.spec.axes) if axis in point]
    middles = np.array([[(box[n].start + box[n].stop) / 2 for _, n in wanted] for box in boxes])
    there = [(point[axis] - _starts(plan, plane)[axis]) * plan.zoom[n] for axis, n in wanted]
    return int(((middles - there) ** 2).sum(axis=-1).argmin())


def as_seen(plan: SegmentationPlan, plane: Plane, step: Progress) -> Progress:
    """Return a step of predicting a plane, or a part of it, with its preview in pixels of the image."""
    part = step.preview
    if not isinstance(part, PartDone):
        return step
    starts = _starts(plan, plane)
    box = {
        axis: (starts[axis] + round(side.start / zoom), starts[axis] + round(side.stop / zoom))
        for axis, side, zoom in zip(plan.spec.axes, part.box, plan.zoom, strict=True)
    }
    return replace(step, preview=MapPart(index=plane.index, box=box, values=part.values[0]))


def _starts(plan: SegmentationPlan, plane: Plane) -> dict[str, int]:
    """Return where the wanted part of a plane begins, by axis."""
    region = plane.region or tuple(slice(0, length) for length in plane.whole_shape)
    return {axis: side.start for axis, side in zip(plan.spec.axes, region, strict=True)}
