"""Pixels that were never imaged: canvases, borders and corners that a program filled with one exact value.

They say nothing about the light in an image, so they count in no fit and become NaN, which is background. Fitted
before all steps of any model, from whole rows of an image.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

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
MIN_LEVELS = 8
"""Grey levels of what was imaged; fewer are objects that were drawn, whose ground is part of the picture."""
MIN_ALL_IN_RUNS = 0.999
"""Share from which a value is found nowhere else; its step may then be a single grey level."""
MIN_STEP, MIN_STEP_LEVELS = 0.4, 3
"""The lowest tenth of the steps at the rim of a filled part, as a share of their median and in grey levels. The
first neighbours of a clipped dark background differ by one grey level or by next to nothing."""
MAX_BETWEEN = 0.02
"""Share of the imaged pixels that may lie nearer to the filled value than half of such a step."""
LOOKED_AT = 20_000
"""Values that tell the distance of two grey levels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeverImaged:
    """Fitted: runs of one of the `values`, in rows or columns, become NaN."""

    name: ClassVar[str] = "never_imaged"
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(self.values))
        for value in self.values:
            require_number("a value of pixels that were never imaged", value)

    @property
    def margin(self) -> int:
        """Return how many pixels around a window its runs depend on."""
        return RUN - 1

    def apply(self, values: Values) -> Values:
        """Return the values with NaN for what was never imaged, in place."""
        for value in self.values:
            equal = values == value
            if equal.any():
                values[runs(equal) | runs(equal.swapaxes(-1, -2)).swapaxes(-1, -2)] = np.nan
        return values

    def forget(self, values: Values) -> Values:
        """Return a sample with NaN for all pixels of these values, in place: its rows may be far apart."""
        values[np.isin(values, self.values)] = np.nan
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
        found = [value for value in extremes if is_filled(varied, value)]
        return NeverImaged(values=tuple(found)) if found else None


def varied_blocks(blocks: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Return blocks (C, ..., rows, X) without planes of one value in each channel; all where none varies."""
    kept = [part for block in blocks for part in _without_constant_planes(block)]
    return kept or list(blocks)


def is_filled(planes: Sequence[NDArray[np.float64]], value: float) -> bool:
    """Whether a value fills straight parts of planes (rows, X), with a step to what was imaged."""
    equal = [plane == value for plane in planes]
    count, size = sum(int(mask.sum()) for mask in equal), sum(mask.size for mask in equal)
    if count < MIN_SHARE * size:
        return False
    filled = [(plane, runs(mask)) for plane, mask in zip(planes, equal, strict=True) if mask.any()]
    filled = [(plane, mask) for plane, mask in filled if mask.any()]
    in_runs = sum(int(mask.sum()) for _, mask in filled)
    if in_runs < max(MIN_IN_RUNS * count, MIN_SHARE * size):
        return False
    if sum(int((~mask).sum()) for _, mask in filled) < MIN_IMAGED * sum(mask.size for _, mask in filled):
        return False
    levels = 0 if in_runs >= MIN_ALL_IN_RUNS * count else MIN_STEP_LEVELS
    return _has_steps(filled, value, levels) and all(_is_straight(mask) for _, mask in filled)


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


def _has_steps(filled: Sequence[tuple[NDArray[np.float64], Mask]], value: float, least: int) -> bool:
    """Whether imaged values differ from a filled one by a clear step, of more than so many grey levels."""
    rim = np.concatenate([np.abs(_rim(plane, mask) - value) for plane, mask in filled])
    rim = rim[np.isfinite(rim)]
    if not rim.size:
        return False
    lowest, middle = np.quantile(rim, [0.1, 0.5])
    imaged = np.concatenate([plane[~mask] for plane, mask in filled])
    imaged = imaged[np.isfinite(imaged)]
    levels = np.unique(imaged[:: max(1, imaged.size // LOOKED_AT)])
    if levels.size < MIN_LEVELS:
        return False
    clear = lowest >= MIN_STEP * middle and lowest > least * float(np.diff(levels).min())
    return bool(clear and (np.abs(imaged - value) < lowest / 2).mean() <= MAX_BETWEEN)


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
