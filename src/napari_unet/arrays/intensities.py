"""The intensity range of a whole image, from pixels spread over it: one way, whatever is done with the image."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import Plane
from napari_unet.arrays.boxes import Box
from napari_unet.arrays.normalization import FittedNormalization, Normalization
from napari_unet.arrays.normalization.never_imaged import FindNeverImaged, varied_blocks
from napari_unet.arrays.normalization.range import Range
from napari_unet.arrays.normalization.rare_objects import Noise
from napari_unet.arrays.normalization.sample import Sample
from napari_unet.arrays.normalization.specification import fit_steps
from napari_unet.errors import UnetError
from napari_unet.progress import Progress, Steps

SAMPLED_PIXELS = 4_000_000
KEPT = 100_000
"""At most about so many pixels of a part are kept where the sampled ones were all the same."""
SAMPLED_PLANES = 64
"""At most so many planes, evenly picked, are read."""
MAX_CHUNKS, CHUNK_PIXELS = 16, 2**18
"""Chunks of an image in chunks that are sampled, and pixels of each: together as many as of other images."""
SEARCHED_PIXELS, BAND_PIXELS = 64_000_000, 1_000_000
"""So many pixels of an image without objects are searched for rare ones, at most about, in parts of about so many;
all of 8192 x 8192."""
MAX_RARE_ROWS = 64
"""Rows of a part, and parts, that are kept for them: more say nothing new."""


def measure_intensity(planes: Sequence[Plane], normalization: Normalization) -> Steps[FittedNormalization]:
    """Return the normalisation of all planes of an image, one yield a plane read.

    The colours of a picture are always fitted as one; other channels one by one where the model wants it.
    """
    if "S" in planes[0].axes and not normalization.others:
        normalization = replace(normalization, joint=True)
    numbers = np.linspace(0, len(planes) - 1, min(SAMPLED_PLANES, len(planes))).round().astype(int)
    blocks = []
    for number in numbers:
        for block in sample_blocks(planes[number], len(numbers)):
            yield Progress(done=0, total=0, doing="Reading intensities")
            blocks.append(block)
    fitted = []
    groups = normalization.groups(blocks)
    _require_a_range_each(normalization, len(groups))
    for number, group in enumerate(groups):
        if number in planes[0].left_out:
            fitted.append(FittedNormalization.of(Range(low=0, high=0)))
            continue
        channels = slice(None) if normalization.joint else slice(number, number + 1)
        own = replace(normalization, steps=normalization.steps_of(number), others=())
        fitted.append((yield from _fit(planes, channels, group, own)))
    return FittedNormalization.side_by_side(fitted)


def _require_a_range_each(normalization: Normalization, channels: int) -> None:
    given = 1 + len(normalization.others)
    if given not in (1, channels):
        raise UnetError(
            f"{given} intensity ranges were given, but the model reads {channels} channels: give one for all or "
            "one for each"
        )


def _fit(
    planes: Sequence[Plane], channels: slice, blocks: list[NDArray[Any]], normalization: Normalization
) -> Steps[FittedNormalization]:
    """Return the steps for some channels as one, from blocks of them.

    Where the pixels that are spread over them are all the same, every pixel is looked at before they count as
    constant: few objects on an empty background may lie between them.
    """
    steps = (FindNeverImaged(), *normalization.steps)
    varied = varied_blocks(blocks)
    sample = Sample(varied)
    fitted = fit_steps(steps, sample)
    if fitted.is_constant:
        unlike = yield from _unlike(planes, channels, fitted.ranges[0].low)
        fitted = fit_steps(steps, Sample([*varied, *unlike]))
    elif normalization.scales_to_objects and sample.noise and not sample.noise.has_objects(sample.blocks):
        rare = yield from _rare_rows(planes, channels, sample.noise)
        fitted = fit_steps(steps, Sample([*varied, *rare])) if rare else fitted
    return replace(fitted, invalid=Sample(blocks).invalid)


def _rare_rows(planes: Sequence[Plane], channels: slice, noise: Noise) -> Steps[list[NDArray[Any]]]:
    """Return rows (C, n, X) in which pixels stand out of the noise, of evenly spread parts of an image.

    The rows that were sampled first may have missed a small object.
    """
    bands = [(plane, part) for plane in planes for part in plane.parts(BAND_PIXELS)]
    step = max(1, round(sum(math.prod(plane.whole_shape) for plane in planes) / SEARCHED_PIXELS))
    found: list[NDArray[Any]] = []
    for plane, part in bands[step // 2 :: step]:
        yield Progress(done=0, total=0, doing="Looking for rare objects")
        band = plane.band(part)[channels]
        for rows in band.reshape(-1, *band.shape[-2:]):
            shown = noise.shows(rows)
            found.append(rows[None, shown][:, :MAX_RARE_ROWS])
    found = [rows for rows in found if rows.size]
    return found[:: max(1, len(found) // MAX_RARE_ROWS)]


def _unlike(planes: Sequence[Plane], channels: slice, value: float) -> Steps[list[NDArray[Any]]]:
    """Return all pixels of some channels of an image that are finite and have another value."""
    found = []
    for plane in planes:
        for part in plane.parts(SAMPLED_PIXELS):
            yield Progress(done=0, total=0, doing="Reading intensities")
            seen = plane.band(part)[channels]
            values = seen[np.isfinite(seen) & (seen != value)]
            found.append(values[:: max(1, values.size // KEPT)])
    return [values for values in found if values.size]


def sample_blocks(plane: Plane, planes_in_all: int = 1) -> Iterator[NDArray[Any]]:
    """Yield a plane's share of some four million pixels, (C, *spatial) each.

    They are evenly spread rows; of an image in many chunks, all of which such rows would touch, some chunks.
    """
    limit = max(1, SAMPLED_PIXELS // planes_in_all)
    pixels = math.prod(plane.whole_shape)
    if pixels > limit and (boxes := _spread_chunks(plane, max(1, MAX_CHUNKS // planes_in_all))):
        yield from map(plane.window, boxes)
        return
    yield plane.every(max(1, round((pixels / limit) ** (1 / (len(plane.spatial) - 1)))))


def _spread_chunks(plane: Plane, count: int) -> list[Box]:
    """Return boxes within so many chunks that are spread over an image; none where there are hardly more chunks.

    Places follow the additive recurrence of Roberts (2018), which covers an area evenly for any count.
    """
    sides = plane.chunk_sides() or plane.whole_shape
    grid = [math.ceil(length / side) for length, side in zip(plane.whole_shape, sides, strict=True)]
    if math.prod(grid) <= 2 * count:
        return []
    divided = [axis for axis, cells in enumerate(grid) if cells > 1]
    ratio = {1: 1.61803, 2: 1.32472, 3: 1.22074}[len(divided)]
    powers = [ratio ** (divided.index(axis) + 1) if axis in divided else 1 for axis in range(len(grid))]
    places = {
        tuple(int((0.5 + number / power) % 1 * cells) for power, cells in zip(powers, grid, strict=True))
        for number in range(1, count + 1)
    }
    wanted = list(sides)
    while math.prod(wanted) > CHUNK_PIXELS:
        wanted[wanted.index(max(wanted))] //= 2
    return [
        tuple(
            slice(cell * side, min(cell * side + part, length))
            for cell, side, part, length in zip(place, sides, wanted, plane.whole_shape, strict=True)
        )
        for place in sorted(places)
    ]
