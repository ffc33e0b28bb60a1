"""From a model and one plane of an image to labels: predict, then read the maps as the model means them.

Whatever the zoom at which the network sees a plane, its map has the plane's own size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import Plane, planes
from napari_unet.arrays.boxes import Box
from napari_unet.arrays.channels import Choice
from napari_unet.arrays.instances import label_instances
from napari_unet.arrays.intensities import measure_intensity
from napari_unet.arrays.per_axis import per_axis
from napari_unet.arrays.zoom import Zoomed, Zooms, bring_back, downsampling, is_own_size
from napari_unet.errors import UnetError
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.prediction import Choose, PartDone, Predictor, Result, predict
from napari_unet.progress import Progress, Steps, map_progress
from napari_unet.settings.instances import InstanceSettings
from napari_unet.settings.zooms import Zoom

BAND = 4_000_000
"""Pixels of a map that are brought back to the image's own size at once."""
BESIDE = 2
"""Rows beside a band on which what comes of it depends: less than one per doubling, each half as far."""


def measured_planes(
    image: Any, axes: str, spec: ModelSpec, *, channels: Choice | None = None
) -> Steps[list[Plane]]:
    """Return the planes of an image with the intensities of all of it, as a model wants them."""
    wanted = list(planes(image, axes, spatial=spec.axes, channels=spec.reads, chosen=channels))
    intensity = yield from measure_intensity(wanted, spec.normalization)
    return [replace(plane, intensity=intensity) for plane in wanted]


def kept_maps(spec: ModelSpec) -> Result:
    """Return what is kept of the network's answer: one map, the foreground's level or the likeliest class.

    UnetError where the answer is an image, which holds no labels.
    """
    if spec.gives_image:
        raise UnetError(f"{spec.name} gives images and no labels: choose another model")
    return Result(kind="classes") if spec.is_semantic else Result(levels=spec.levels)


MakeMap = Callable[[Sequence[int], type], Any]
"""Gives an array of a shape and dtype, filled with 0."""


def predict_map(
    predictor: Predictor,
    plane: Plane,
    spec: ModelSpec,
    zoom: Zoom = 1.0,
    *,
    out: MakeMap = np.zeros,
    choose: Choose | None = None,
) -> Steps[NDArray[np.uint8]]:
    """Return the map (*spatial) uint8 of a plane: foreground level times 255, or class indices.

    `out` gives the arrays of the plane's size that are needed. Along zoomed axes a plane is read a little beyond
    its region, because the way back is interpolated: a part of the map is the same as in the whole one. `choose`
    as of `predict`, in pixels that the network sees.
    """
    zooms = per_axis(zoom, len(plane.spatial), "zoom")
    beside = [step * (one != 1) for step, one in zip(grid_steps(predictor, zooms), zooms, strict=True)]
    around, inner = plane.grown(beside)
    zoomed = Zoomed(plane=around, zoom=zooms)
    before = [round(side.start * one) for side, one in zip(inner, zooms, strict=True)]
    first = None if choose is None else partial(_choose_from, choose, before)
    steps = predict(predictor, zoomed, kept_maps(spec), out=out((1, *zoomed.shape), np.uint8), choose=first)
    maps: NDArray[Any] = yield from map_progress(steps, partial(_counted_from, before))
    found: NDArray[np.uint8] = maps[0]
    if not is_own_size(zooms):
        whole = out(around.shape, np.uint8)
        yield from _bring_back_by_bands(found, zooms, whole, smooth=not spec.is_semantic)
        found = whole[inner]
    return found


def _counted_from(start: Sequence[int], step: Progress) -> Progress:
    """Return a step with the part that is done counted from a pixel; it may begin before it."""
    part = step.preview
    if not isinstance(part, PartDone):
        return step
    return replace(step, preview=replace(part, box=_moved(part.box, start)))


def _choose_from(choose: Choose, start: Sequence[int], boxes: Sequence[Box]) -> int:
    """Return which box is next, counted from a pixel."""
    return choose([_moved(box, start) for box in boxes])


def _moved(box: Box, start: Sequence[int]) -> Box:
    return tuple(slice(side.start - a, side.stop - a) for side, a in zip(box, start, strict=True))


def _bring_back_by_bands(seen: NDArray[np.uint8], zooms: Zooms, out: Any, *, smooth: bool) -> Steps[None]:
    """Write the map at the image's own size, band by band along the first axis, one yield each."""
    shape, along = out.shape, zooms[0]
    rows = max(BESIDE, int(BAND * along / math.prod(shape[1:])))
    rows += rows % 2
    for start in range(0, len(seen), rows):
        low, stop = max(0, start - BESIDE), min(start + rows, len(seen))
        part = seen[low : stop + BESIDE]
        wide = bring_back(part, zooms, (round(len(part) / along), *shape[1:]), smooth=smooth)
        first, last = round(start / along), min(round(stop / along), len(out))
        skip = round((start - low) / along)
        out[first:last] = wide[skip : skip + last - first]
        yield Progress(done=0, total=0, doing="Predicting")


def grid_steps(predictor: Predictor, zoom: Zoom) -> tuple[int, ...]:
    """Return the step of the network's pooling grid per axis in pixels of an image that it sees at a zoom."""
    strides = predictor.geometry.stride
    zooms = per_axis(zoom, len(strides), "zoom")
    return tuple(step * downsampling(one) for step, one in zip(strides, zooms, strict=True))


def grid_step(predictor: Predictor, zoom: Zoom) -> int:
    """Return the largest of `grid_steps`, a multiple of all of them."""
    return max(grid_steps(predictor, zoom))


def read_map(
    predicted: NDArray[np.uint8], spec: ModelSpec, thresholds: InstanceSettings | None = None
) -> Steps[NDArray[np.int32]]:
    """Return the labels (*spatial) int32 in a predicted map: instances 1..n, or class indices."""
    if spec.is_semantic:
        return predicted.astype(np.int32)
    labels: NDArray[np.int32] = yield from label_instances(predicted, thresholds or spec.instances)
    return labels
