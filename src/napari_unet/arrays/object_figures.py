"""Figures of all objects of a plane or volume at once, equal to those of `skimage.measure.regionprops`.

regionprops looks at one object after the other, for 100 000 some five minutes; here every step is a call over
many pixels of all objects.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.convex_areas import RowEnds, hull_voxels
from napari_unet.arrays.object_ids import ObjectIds, slabs
from napari_unet.arrays.object_sums import IntensitySums, ShapeSums
from napari_unet.arrays.perimeters import perimeters
from napari_unet.progress import Progress, Steps

SHAPES = (
    "area", "num_pixels", "centroid", "equivalent_diameter_area", "axis_major_length", "axis_minor_length",
    "eccentricity", "perimeter", "solidity",
)  # fmt: skip
INTENSITIES = ("intensity_mean", "intensity_std", "intensity_min", "intensity_max")
PROPERTIES = (*SHAPES, *INTENSITIES, "bbox")
"""What can be measured, by scikit-image's names, in the order of columns."""
ONLY_PLANES = ("eccentricity", "perimeter")
HULLS_A_STEP, VOLUMES_A_STEP = 5000, 50
"""Objects whose hulls are found between two steps of progress: some 50 ms."""
DOING = "Measuring"

Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Channel:
    """Intensities over labels: what stands behind the names of their columns, and how a part is read."""

    suffix: str
    """Empty of a single channel, else as "-0"."""
    read: Callable[[slice], NDArray[Any]]
    """Takes a slice of the first spatial axis; returns intensities in the order of the labels' axes."""


def object_figures(
    labels: NDArray[Any],
    spacing: Sequence[float],
    wanted: Collection[str],
    channels: Sequence[Channel] = (),
    only: Sequence[int] | None = None,
) -> Steps[Columns]:
    """Return columns of figures of the objects in a plane (Y, X) or volume (Z, Y, X), the lowest id first.

    Lengths, areas and volumes are in units of `spacing` per axis, bounding boxes in pixels. Columns are named by
    scikit-image's `regionprops_table`. `only` restricts them to some ids.
    """
    known = ObjectIds.of(labels, only)
    yield Progress(done=0, total=0, doing=DOING)
    sums = ShapeSums(len(known), labels.ndim)
    intensities = {channel.suffix: IntensitySums(len(known)) for channel in channels}
    for part in slabs(labels.shape):
        place, at = _pixels(labels, known, part)
        sums.add(place, _global(at, part))
        for channel in channels:
            intensities[channel.suffix].add(place, np.asarray(channel.read(part))[at].astype(np.float64))
        yield Progress(done=part.stop, total=len(labels), doing=DOING)
    columns: Columns = {"label": known.ids, **_sizes(sums, spacing), **_axes_lengths(sums, spacing)}
    if labels.ndim == 2 and "perimeter" in wanted and len(set(spacing)) == 1:
        columns["perimeter"] = yield from _perimeters(labels, known, spacing[0])
    if "solidity" in wanted:
        hulls = _plane_hulls(labels, known, sums) if labels.ndim == 2 else _volume_hulls(labels, known, sums)
        columns["solidity"] = sums.count / (yield from hulls)
    for suffix, found in intensities.items():
        columns |= _intensity_columns(found, suffix)
    columns |= {f"bbox-{axis}": low for axis, low in enumerate(sums.low)}
    columns |= {f"bbox-{axis + labels.ndim}": high + 1 for axis, high in enumerate(sums.high)}
    return {name: column for name, column in columns.items() if name == "label" or _is_wanted(name, wanted)}


def _is_wanted(column: str, wanted: Collection[str]) -> bool:
    return column.partition("-")[0] in wanted


def _pixels(
    labels: NDArray[Any], known: ObjectIds, part: slice
) -> tuple[NDArray[np.intp], tuple[NDArray[np.intp], ...]]:
    """Return the object's place, and the coordinates within a part, of each pixel that is of an object."""
    places = known.places(labels[part])
    at = np.nonzero(places >= 0)
    return places[at].astype(np.intp), at


def _global(at: tuple[NDArray[np.intp], ...], part: slice) -> tuple[NDArray[np.intp], ...]:
    return (at[0] + part.start, *at[1:])


def _sizes(sums: ShapeSums, spacing: Sequence[float]) -> Columns:
    dims = len(spacing)
    area = sums.count * math.prod(spacing)
    return {
        "area": area,
        "num_pixels": sums.count,
        **{f"centroid-{axis}": row * spacing[axis] for axis, row in enumerate(sums.centroids())},
        "equivalent_diameter_area": (2 * dims * area / math.pi) ** (1 / dims),
    }


def _axes_lengths(sums: ShapeSums, spacing: Sequence[float]) -> Columns:
    """Return the axes of the ellipse or ellipsoid with the moments of each object."""
    values = sums.inertia(spacing).T
    if len(spacing) == 2:
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.where(values[0] > 0, values[1] / values[0], 1)
        return {
            "axis_major_length": 4 * np.sqrt(values[0]),
            "axis_minor_length": 4 * np.sqrt(values[1]),
            "eccentricity": np.sqrt(1 - ratio),
        }
    major, minor = values[0] + values[1] - values[2], values[1] + values[2] - values[0]
    return {
        "axis_major_length": np.sqrt(np.maximum(10 * major, 0)),
        "axis_minor_length": np.sqrt(np.maximum(10 * minor, 0)),
    }


def _intensity_columns(found: IntensitySums, suffix: str) -> Columns:
    figures = (found.mean(), found.deviation(), found.low, found.high)
    return {f"{name}{suffix}": column for name, column in zip(INTENSITIES, figures, strict=True)}


def _perimeters(labels: NDArray[Any], known: ObjectIds, pixel: float) -> Steps[NDArray[np.float64]]:
    total = np.zeros(len(known))
    for lengths in perimeters(labels, known):
        total += lengths
        yield Progress(done=0, total=0, doing=DOING)
    return total * pixel


def _plane_hulls(labels: NDArray[Any], known: ObjectIds, sums: ShapeSums) -> Steps[NDArray[Any]]:
    """Return the pixels of the convex hulls of objects in a plane."""
    ends = RowEnds(sums.low[0], sums.high[0])
    for part in slabs(labels.shape):
        place, at = _pixels(labels, known, part)
        ends.add(place, *_global(at, part))
        yield Progress(done=0, total=0, doing=DOING)
    found = []
    for group in _groups(len(known), HULLS_A_STEP):
        found.append(ends.areas(group))
        yield Progress(done=group.stop, total=len(known), doing=DOING)
    return np.concatenate([*found, np.zeros(0, np.int64)])


def _volume_hulls(labels: NDArray[Any], known: ObjectIds, sums: ShapeSums) -> Steps[NDArray[Any]]:
    """Return the voxels of the convex hulls of objects in a volume."""
    found = np.zeros(len(known))
    for group in _groups(len(known), VOLUMES_A_STEP):
        for number in range(group.start, group.stop):
            box = tuple(
                slice(low, high + 1) for low, high in zip(sums.low[:, number], sums.high[:, number], strict=True)
            )
            found[number] = hull_voxels(labels[box] == known.ids[number])
        yield Progress(done=group.stop, total=len(known), doing=DOING)
    return found


def _groups(count: int, size: int) -> Iterator[slice]:
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
