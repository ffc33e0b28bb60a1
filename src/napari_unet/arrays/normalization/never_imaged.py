"""Pixels that were never imaged: canvases, borders and corners that a program filled with one exact value.

They say nothing about the light in an image, so they count in no fit and become NaN, which is background. Fitted
before all steps of any model, from whole rows of an image.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.normalization.noise import LOOKED_AT, MAX_PERCENTILE
from napari_unet.arrays.normalization.sample import Sample, Values
from napari_unet.arrays.normalization.step import require_number

Mask = NDArray[np.bool_]

RUN = 9
"""Pixels in a row that hold one value where something was filled; noise and small saturated spots hold fewer."""
MIN_SHARE = 0.001
"""Of an image: a smaller filled part moves no percentile that a model uses."""
MIN_IMAGED = 0.05
"""Of an image: where less is left, it may be the object itself, masked."""
MIN_IN_RUNS = 0.9
"""Share of the pixels of a value that lie in runs; a clipped dark background has many single ones."""
MIN_PLAIN_ROWS = 0.95
"""Share of the rows whose imaged pixels are one interval, and share of the imaged pixels that are one region. The
background between objects, cut off at a threshold, is nothing of the kind."""
SIDE, MIN_IN_SIDES = 33, 0.9
"""Pixels of a straight side of a field, and share of the rim of fields that lies on such sides, where they are
several regions as in a mosaic. The top of a disc has 33 px in a row from a diameter of 256 px on; no side has."""
MIN_IN_FIELDS = 0.9
"""Share of the other pixels that lie in fields, regions that hold a square of `SIDE` px; the rest are letters and
scale bars that a program wrote into a bar or a border."""
MIN_LEVELS, MAX_LEVEL = 8, 0.8
"""Grey levels of what was imaged, and share of it that one may have. Else it was drawn, and what lies around
it is part of the picture; or it is a white frame, and what it surrounds is the image."""
MIN_ALL_IN_RUNS = 0.999
"""Share from which a value is found nowhere else; its step may then be a single grey level."""
MIN_STEP, MIN_STEP_LEVELS = 0.4, 3
"""The lowest tenth of the steps at the rim of a filled part, as a share of their median and in grey levels. The
first neighbours of a clipped dark background differ by one grey level or by next to nothing."""
TOLERANCE, SOFT_RIM = 0.03, 4
"""Share of the range of intensities by which a filled part may vary, and pixels at its rim that say nothing then:
JPEG rings beside an edge, a camera's dark frame has noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeverImaged:
    """Fitted: runs of one of the `values`, give or take the `tolerance`, in rows or columns, become NaN."""

    name: ClassVar[str] = "never_imaged"
    values: tuple[float, ...]
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(self.values))
        for value in (*self.values, self.tolerance):
            require_number("a value of pixels that were never imaged", value)

    @property
    def margin(self) -> int:
        """Return how many pixels around a window its runs depend on."""
        return RUN - 1

    def apply(self, values: Values) -> Values:
        """Return the values with NaN for what was never imaged, in place."""
        for value in self.values:
            equal = is_near(values, value, self.tolerance)
            if equal.any():
                values[runs(equal) | runs(equal.swapaxes(-1, -2)).swapaxes(-1, -2)] = np.nan
        return values

    def forget(self, values: Values) -> Values:
        """Return a sample with NaN for all pixels of these values and what is outside of fields, in place.

        The rows of a sample may be far apart.
        """
        for value in self.values:
            equal = is_near(values, value, self.tolerance)
            for place in np.ndindex(values.shape[:-2]) if values.ndim > 1 else ():
                if equal[place].any():
                    values[place][_with_rim(_outside(runs(equal[place])), self.tolerance)] = np.nan
            values[equal] = np.nan
        return values


class FindNeverImaged:
    """The step that finds them: an extreme value that fills straight parts, or whole planes."""

    name: ClassVar[str] = "never_imaged"

    def fit(self, sample: Sample) -> NeverImaged | None:
        """Return the values with which parts of the image are filled; None where there are none."""
        planes = [plane for block in sample.blocks if block.ndim > 1 for plane in _planes(block)]
        ends = [_ends(plane) for plane in planes]
        varied = [plane for plane, (low, high) in zip(planes, ends, strict=True) if low < high]
        if not varied:
            return None
        known = [pair for pair in ends if pair[0] < pair[1]]
        extremes = min(low for low, _ in known), max(high for _, high in known)
        some = sample.values[:: max(1, sample.values.size // LOOKED_AT)]
        ways = []
        for tolerance in (TOLERANCE * _spread(some), 0.0):
            typical = [_typical(some, value, 2 * tolerance) for value in extremes]
            found = [value for value in typical if is_filled(varied, value, tolerance)]
            ways.append(NeverImaged(values=tuple(found), tolerance=tolerance))
        best = max(ways, key=lambda way: len(way.values))
        return best if best.values else None


@dataclass(frozen=True, slots=True)
class Part:
    """A plane (rows, X), where it is near a value, and which part of it may be filled with that."""

    plane: NDArray[np.float64]
    equal: Mask
    mask: Mask


def varied_blocks(blocks: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Return blocks (C, ..., rows, X) without planes of one value in each channel; all where none varies."""
    kept = [part for block in blocks for part in _without_constant_planes(block)]
    return kept or list(blocks)


def is_filled(planes: Sequence[NDArray[np.float64]], value: float, tolerance: float = 0.0) -> bool:
    """Whether a value, give or take a tolerance, fills straight parts of planes (rows, X) beside a step."""
    equal = [is_near(plane, value, tolerance) for plane in planes]
    count, size = sum(int(mask.sum()) for mask in equal), sum(mask.size for mask in equal)
    if count < MIN_SHARE * size:
        return False
    parts = [Part(plane, mask, runs(mask)) for plane, mask in zip(planes, equal, strict=True) if mask.any()]
    parts = [part for part in parts if part.mask.any()]
    bare = sum(int((~part.mask).sum()) for part in parts)
    parts = [replace(part, mask=_outside(part.mask)) for part in parts]
    in_parts = sum(int((part.equal & part.mask).sum()) for part in parts)
    if in_parts < max(MIN_IN_RUNS * count, MIN_SHARE * size):
        return False
    imaged = sum(int((~part.mask).sum()) for part in parts)
    if imaged < max(MIN_IMAGED * sum(part.mask.size for part in parts), MIN_IN_FIELDS * bare):
        return False
    levels = 0 if in_parts >= MIN_ALL_IN_RUNS * count and not tolerance else MIN_STEP_LEVELS
    parts = [replace(part, mask=_with_rim(part.mask, tolerance)) for part in parts]
    return _has_steps(parts, value, levels, tolerance) and all(_is_straight(part.mask) for part in parts)


def is_near(values: Values, value: float, tolerance: float) -> Mask:
    """Return where values (any shape) are a value, give or take a tolerance."""
    near: Mask = np.abs(values - value) <= tolerance if tolerance else values == value
    return near


def _outside(filled: Mask) -> Mask:
    """Return what is outside of fields: regions without a filled pixel that hold a square of `SIDE` px.

    A plane (rows, X) that is smaller is a field.
    """
    from scipy.ndimage import label

    if min(filled.shape) < SIDE:
        return filled
    squares = runs(~filled, SIDE) & runs(~filled.T, SIDE).T
    regions, count = label(~filled)
    is_field = np.zeros(count + 1, bool)
    is_field[regions[squares]] = True
    outside: Mask = filled | ~is_field[regions]
    return outside


def _with_rim(outside: Mask, tolerance: float) -> Mask:
    """Return what is outside of fields with the rim of parts that vary, which says nothing either."""
    from scipy.ndimage import binary_dilation

    return binary_dilation(outside, iterations=SOFT_RIM) if tolerance else outside


def runs(equal: Mask, length: int = RUN) -> Mask:
    """Return where a mask (..., X) holds in so many neighbours of a row, as if it were mirrored at its ends."""
    from scipy.ndimage import maximum_filter1d, minimum_filter1d

    if equal.shape[-1] == 1:
        return np.zeros(equal.shape, bool)
    eroded = minimum_filter1d(equal.view(np.uint8), length, axis=-1, mode="mirror")
    found: Mask = maximum_filter1d(eroded, length, axis=-1, mode="mirror").view(bool) & equal
    return found


def is_constant(plane: NDArray[Any]) -> bool:
    """Whether all pixels have the same value, which NaN is not."""
    return bool(plane.min() == plane.max())


def _spread(values: NDArray[np.float64]) -> float:
    """Return the distance of the brightest from the darkest, hot pixels apart."""
    low, high = np.percentile(values, [100 - MAX_PERCENTILE, MAX_PERCENTILE])
    return float(high - low)


def _typical(values: NDArray[np.float64], extreme: float, reach: float) -> float:
    """Return the median of the values near an extreme one; that itself where there are none."""
    near = values[is_near(values, extreme, reach)]
    return float(np.median(near)) if near.size else extreme


def _ends(plane: NDArray[np.float64]) -> tuple[float, float]:
    """Return the lowest and the highest finite value; NaN where there is none."""
    low, high = float(plane.min()), float(plane.max())
    if np.isnan(low) and (known := plane[np.isfinite(plane)]).size:
        return float(known.min()), float(known.max())
    return low, high


def _planes(block: NDArray[np.float64]) -> NDArray[np.float64]:
    return block.reshape(-1, *block.shape[-2:])


def _without_constant_planes(block: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield the parts of a block (C, rows, X), or (C, Z, rows, X), that vary."""
    if block.ndim < 3 or block.size == 0:
        yield block
    elif block.ndim == 3:
        if not all(is_constant(plane) for plane in block):
            yield block
    else:
        kept = [number for number in range(block.shape[1]) if not all(map(is_constant, block[:, number]))]
        if kept:
            yield block[:, kept]


def _has_steps(parts: Sequence[Part], value: float, least: int, tolerance: float) -> bool:
    """Whether imaged values differ from a filled one by a clear step, of more than so many grey levels."""
    rim = np.concatenate([np.abs(_rim(part.plane, part.mask) - value) for part in parts])
    rim = rim[np.isfinite(rim)]
    if not rim.size:
        return False
    lowest, middle = np.quantile(rim, [0.1, 0.5])
    imaged = np.concatenate([part.plane[~part.mask] for part in parts])
    imaged = imaged[np.isfinite(imaged)]
    levels, counts = np.unique(imaged[:: max(1, imaged.size // LOOKED_AT)], return_counts=True)
    if levels.size < MIN_LEVELS or counts.max() > MAX_LEVEL * counts.sum():
        return False
    smallest = least * float(np.diff(levels).min()) + tolerance
    return bool(lowest >= MIN_STEP * middle and lowest > smallest)


def _rim(plane: NDArray[np.float64], mask: Mask) -> NDArray[np.float64]:
    """Return the values next to a mask, in rows and columns."""
    found = []
    for axis in (0, 1):
        one, two = np.moveaxis(plane, axis, 0), np.moveaxis(mask, axis, 0)
        found += [one[1:][two[:-1] & ~two[1:]], one[:-1][two[1:] & ~two[:-1]]]
    return np.concatenate(found)


def _is_straight(mask: Mask) -> bool:
    """Whether what is not masked is fields with straight sides, or one region that is one interval in each row.

    Whole rows and columns that are masked do not count.
    """
    imaged = ~mask[~mask.all(1)][:, ~mask.all(0)]
    return bool(imaged.all()) or _has_straight_sides(imaged) or _is_one_field(imaged)


def _has_straight_sides(imaged: Mask) -> bool:
    """Whether the rim of a mask lies on rows and columns, as that of a mosaic of fields does."""
    rims = [imaged[1:] != imaged[:-1], (imaged[:, 1:] != imaged[:, :-1]).T]
    on_sides = sum(int(runs(rim, SIDE).sum()) for rim in rims)
    return on_sides >= MIN_IN_SIDES * sum(int(rim.sum()) for rim in rims)


def _is_one_field(imaged: Mask) -> bool:
    from scipy.ndimage import label

    starts = imaged[:, 0] + (imaged[:, 1:] & ~imaged[:, :-1]).sum(1)
    if (starts <= 1).mean() < MIN_PLAIN_ROWS:
        return False
    regions = np.bincount(label(imaged)[0].ravel())[1:]
    return bool(regions.max() >= MIN_PLAIN_ROWS * regions.sum())
