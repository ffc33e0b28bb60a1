"""Watching a run: which part of an image is in view, and the map of it before the run is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import Plane
from napari_unet.arrays.boxes import Box
from napari_unet.arrays.map_part import MapPart
from napari_unet.nets.prediction import PartDone
from napari_unet.planning import SegmentationPlan
from napari_unet.progress import Progress

LookedAt = Callable[[], Mapping[str, float]]
"""Gives a place, in pixels of the image by axis; empty where there is no view."""


def nearest(looked_at: LookedAt, plan: SegmentationPlan, plane: Plane, boxes: Sequence[Box]) -> int:
    """Return which of some boxes of a plane, in pixels that the network sees, is nearest to that place."""
    zooms, starts = dict(zip(plan.spec.axes, plan.zoom, strict=True)), _starts(plan, plane)
    point = {axis: (at - starts[axis]) * zooms[axis] for axis, at in looked_at().items() if axis in zooms}
    return int(near_first(point, plan.spec.axes, boxes)[0])


def near_first(point: Mapping[str, float], axes: str, boxes: Sequence[Box]) -> NDArray[np.intp]:
    """Return the numbers of boxes in the order of their middles' distance from a place, all in the same pixels.

    Boxes at the same distance keep their order, and all do along axes that the place does not name.
    """
    wanted = [n for n, axis in enumerate(axes) if axis in point]
    middles = np.array([[(box[n].start + box[n].stop) / 2 for n in wanted] for box in boxes])
    there = np.array([point[axes[n]] for n in wanted])
    return np.argsort(((middles - there) ** 2).sum(axis=-1), kind="stable")


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
