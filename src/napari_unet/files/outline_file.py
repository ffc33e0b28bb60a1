"""What files of outlines have in common: objects of planes out of labels, and labels out of such objects.

ImageJ's ROIs, GeoJSON and COCO each hold one entry an object and plane. Its name says its id, so that the objects
of a stack or a film, and those that a person corrected in another program, keep theirs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray

from napari_unet.arrays.outlines import fill
from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.errors import UnetError
from napari_unet.files.npz import require_memory
from napari_unet.files.provenance_values import are_names, without_odd_values
from napari_unet.files.tiff import checked_labels, size_to_write

OBJECT, CLASS = "object", "class"
NAME = re.compile(r"(object|class)_([1-9]\d{0,9})(?!\d)(?:_([^.]*))?", re.ASCII)
"""Our names: object_7, class_2_border; what other programs add behind it is left to them."""
NUMBER = re.compile(r"[1-9]\d{0,9}", re.ASCII)
"""A bare id, as Cellpose and StarDist name ROIs."""
MAX_ID = 2**31
MAX_FILLED = 2**32
"""Pixels of all boxes together that are filled, which takes about ten seconds; those of an image are far fewer."""
STACK = "CZT"
"""Axes of planes in the order in which ImageJ counts them."""
Pixels = tuple[tuple[slice, slice], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outline:
    """One object in one plane, or in all of them."""

    pixels: Callable[[tuple[int, int], tuple[int, int]], Pixels]
    """Takes the shape (Y, X) of a plane and where its first pixel lies; returns a box in it and its pixels."""
    name: str = ""
    category: str = ""
    """The class that another program shows it in."""
    at: Mapping[str, int] = field(default_factory=dict)
    """Index from 0 along T, C, Z; an axis that is not named means all of its planes."""
    plane: int | None = None
    """Index from 0 among all planes, where the file counts these alone."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Facts:
    """What a file written by this program says of the labels that its outlines are of."""

    axes: str
    shape: tuple[int, ...]
    pixel_size: PixelSize | None = None
    origin: Mapping[str, float] = field(default_factory=dict)
    provenance: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return them as JSON values."""
        size = dict(self.pixel_size.by_axis) if self.pixel_size is not None else None
        return {
            "axes": self.axes,
            "shape": list(self.shape),
            "pixel_size": size,
            "origin": dict(self.origin),
            "provenance": None if self.provenance is None else dict(self.provenance),
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlacedLabels:
    """Labels to be written as outlines, with what each format says of them."""

    array: NDArray[Any]
    facts: Facts
    classes: tuple[str, ...] | None
    corner: tuple[int, int]
    """Where they begin in the image, in pixels along X and Y."""

    @classmethod
    def of(
        cls,
        labels: npt.ArrayLike,
        *,
        axes: str,
        pixel_size: PixelSize | Sequence[float] | None,
        provenance: Mapping[str, Any] | None,
        origin: Mapping[str, float] | None,
    ) -> PlacedLabels:
        """Return checked labels; parameters as of `write_labels`."""
        array, start = checked_labels(labels), origin or {}
        size = size_to_write(axes, pixel_size)
        facts = Facts(axes=axes, shape=array.shape, pixel_size=size, origin=start, provenance=provenance)
        corner = round(start.get("X", 0)), round(start.get("Y", 0))
        return cls(array=array, facts=facts, classes=class_names(provenance), corner=corner)

    def planes(self) -> Iterator[tuple[dict[str, int], NDArray[Any]]]:
        """Yield (place in the image by axis, plane)."""
        for at, plane in planes(self.array, self.facts.axes):
            yield {axis: index + round(self.facts.origin.get(axis, 0)) for axis, index in at.items()}, plane


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutlineFile:
    """What a file of outlines holds."""

    path: Path
    outlines: Sequence[Outline]
    facts: Facts | None = None
    """None in files of other programs, and in those that another program wrote again."""
    left_out: int = 0
    """Entries that have no area: points, lines, texts."""


def planes(labels: NDArray[Any], axes: str) -> Iterator[tuple[dict[str, int], NDArray[Any]]]:
    """Yield every plane (Y, X) of labels with its index along the other axes."""
    others = [axis for axis in axes if axis not in "YX"]
    ordered = labels.transpose([axes.index(axis) for axis in (*others, "Y", "X")])
    for place in np.ndindex(ordered.shape[:-2]):
        yield dict(zip(others, place, strict=True)), ordered[place]


def class_names(provenance: Mapping[str, Any] | None) -> tuple[str, ...] | None:
    """Return the names of the classes that labels are made of; None for objects."""
    known = provenance or {}
    if known.get("values") != "classes":
        return None
    names = known.get("classes", ())
    return tuple(names) if are_names(list(names)) else ()


def name_of(number: int, classes: Sequence[str] | None) -> str:
    """Return what an object, or a class, is called."""
    if classes is None:
        return f"{OBJECT}_{number}"
    known = re.sub(r"[^\w-]+", "-", classes[number]) if number < len(classes) else ""
    return f"{CLASS}_{number}_{known}" if known else f"{CLASS}_{number}"


def from_polygons(polygons: Sequence[Sequence[NDArray[Any]]]) -> Callable[..., Pixels]:
    """Return the `pixels` of an outline: what lies in any of its polygons, each of an outer ring and its holes."""

    def pixels(shape: tuple[int, int], first: tuple[int, int]) -> Pixels:
        shift = np.array([first[1], first[0]], np.float64)
        parts = [fill([np.asarray(ring, np.float64) - shift for ring in rings], shape) for rings in polygons]
        return parts[0] if len(parts) == 1 else _united(parts)

    return pixels


def labels_of(file: OutlineFile, shape: Sequence[int], axes: str, first: Mapping[str, int]) -> NDArray[np.int32]:
    """Return the labels (int32) that outlines give in an array of a shape and axes.

    Later outlines lie over earlier ones. Ids are those of the names; of two of a name in one plane, and of those
    without, the latter gets the next free one.

    Parameters
    ----------
    first
        Where the array's first pixel lies in the image, by axis.

    Raises
    ------
    UnetError
        An outline lies in a plane that the array does not have, cannot be filled, or memory is too small.
    """
    try:
        require_memory(4 * math.prod(int(side) for side in shape))
    except ValueError as error:
        raise UnetError(f"labels of {file.path.name} do not fit into memory: {error}") from None
    labels = np.zeros(shape, np.int32)
    others = [axis for axis in axes if axis not in "YX"]
    ordered = labels.transpose([axes.index(axis) for axis in (*others, "Y", "X")])
    lengths = dict(zip(others, ordered.shape, strict=False))
    start = (first.get("Y", 0), first.get("X", 0))
    filled = 0
    places = [_place(outline, lengths, first, file.path.name) for outline in file.outlines]
    for outline, place, number in zip(file.outlines, places, _numbers(file.outlines, places), strict=True):
        try:
            box, mask = outline.pixels((ordered.shape[-2], ordered.shape[-1]), start)
        except UnetError as error:
            raise UnetError(f"{file.path.name}: {outline.name or 'an outline'}: {error}") from None
        filled += mask.size
        if filled > MAX_FILLED:
            raise UnetError(f"{file.path.name} holds outlines of more than {MAX_FILLED} pixels: export it again")
        ordered[place][(..., *box)][..., mask] = number
    return labels


def read_facts(found: Any) -> Facts | None:
    """Return what a file says of its labels, None where it is no file of ours or says what cannot be."""
    if not isinstance(found, dict):
        return None
    axes, shape, sizes = found.get("axes"), found.get("shape"), found.get("pixel_size")
    if not isinstance(axes, str) or not isinstance(shape, list):
        return None
    if not len(axes) == len(shape) == len(set(axes)) or not {"Y", "X"} <= set(axes) <= set("TCZYX"):
        return None
    if not all(type(side) is int and 0 < side < MAX_ID for side in shape):
        return None
    provenance = found.get("provenance")
    return Facts(
        axes=axes,
        shape=tuple(shape),
        pixel_size=PixelSize.known(numbers_by_axis(sizes)),
        origin=numbers_by_axis(found.get("origin")),
        provenance=without_odd_values(provenance) if isinstance(provenance, dict) else None,
    )


def numbers_by_axis(found: Any) -> dict[str, float]:
    """Return the numbers from 0 up that are named after axes; what else a file says is left out."""
    named = found if isinstance(found, dict) else {}
    return {
        axis: float(value)
        for axis, value in named.items()
        if axis in tuple("TCZYX") and isinstance(value, int | float) and 0 <= value < MAX_ID
    }


def _united(parts: list[Pixels]) -> Pixels:
    """Return the pixels of all parts in one box."""
    sides = []
    for axis in range(2):
        starts, stops = zip(*((box[axis].start, box[axis].stop) for box, _ in parts), strict=True)
        sides.append(slice(min(starts, default=0), max(stops, default=0)))
    whole = np.zeros([side.stop - side.start for side in sides], bool)
    for box, mask in parts:
        within = tuple(slice(b.start - s.start, b.stop - s.start) for b, s in zip(box, sides, strict=True))
        whole[within] |= mask
    return (sides[0], sides[1]), whole


def _place(
    outline: Outline, lengths: Mapping[str, int], first: Mapping[str, int], name: str
) -> tuple[int | slice, ...]:
    """Return the planes of an outline as an index of the axes other than Y and X."""
    at = dict(outline.at)
    if outline.plane is not None:
        at = _unravelled(outline.plane, lengths)
    place: list[int | slice] = []
    for axis, length in lengths.items():
        index = at.get(axis, -1) - first.get(axis, 0)
        if axis not in at or length == 1:
            place.append(slice(None))
        elif 0 <= index < length:
            place.append(index)
        else:
            raise UnetError(
                f"{name}: {outline.name or 'an outline'} lies at {axis} = {at[axis]}, the image has {length} "
                "there: choose the image that it was drawn on"
            )
    return tuple(place)


def _unravelled(plane: int, lengths: Mapping[str, int]) -> dict[str, int]:
    """Return the index along each axis of the nth plane, as ImageJ counts them: channels first, time last."""
    at: dict[str, int] = {}
    several = [axis for axis in STACK if lengths.get(axis, 1) > 1]
    for axis in several[:-1]:
        plane, at[axis] = divmod(plane, lengths[axis])
    return {**at, several[-1]: plane} if several else at


def _numbers(outlines: Sequence[Outline], places: Sequence[tuple[int | slice, ...]]) -> list[int]:
    """Return the id of every outline."""
    named = [_named(outline) for outline in outlines]
    categories = {category: number for kind, number, category in named if kind == CLASS and category}
    free = max((number for _, number, _ in named), default=0) + 1
    taken: set[tuple[int, str]] = set()
    numbers = []
    for outline, place, (kind, stated, _) in zip(outlines, places, named, strict=True):
        number = stated or categories.get(outline.category, 0)
        is_class = kind == CLASS or (not stated and number > 0)
        if not number or (not is_class and (number, str(place)) in taken):
            number, free = free, free + 1
        if number >= MAX_ID:
            raise UnetError(f"outlines must have ids below {MAX_ID}, got {number}: number them anew")
        taken.add((number, str(place)))
        numbers.append(number)
    return numbers


def _named(outline: Outline) -> tuple[str, int, str]:
    """Return kind, id and category that the name of an outline states; id 0 where it states none."""
    if found := NAME.match(outline.name):
        return found[1], int(found[2]), outline.category or found[3] or ""
    return OBJECT, int(outline.name) if NUMBER.fullmatch(outline.name) else 0, ""
