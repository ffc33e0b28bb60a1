"""Outlines of labels as polygons along the edges of pixels, and labels from polygons, with identical pixels.

A ring is (N, 2) numbers x, y in pixels; 0, 0 is the corner of the first pixel, as in ImageJ and QuPath. Corners
are found for all objects at once, and paired along rows and columns: a corner of a rectilinear outline has one
neighbour in its row and one in its column (O'Rourke, Uniqueness of orthogonal connect-the-dots, 1988).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_unet.errors import UnetError

MAX_CROSSINGS = 2**28
"""Edges times the rows that they cross, of one object: filling it takes at most some ten seconds."""
CHUNK = 2**21
"""Crossings that are computed at once, which take about 100 MB."""
MAX_COORDINATE = 1e9
"""Coordinates in pixels; larger ones are no place in an image."""
Ring = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A connected piece of an object: its outer ring and the rings of its holes, none of which touches itself."""

    outer: NDArray[np.int64]
    holes: tuple[NDArray[np.int64], ...] = ()


def trace(labels: NDArray[np.integer]) -> dict[int, list[Part]]:
    """Return the outlines of every object of a plane (Y, X), by id in rising order.

    Pieces that touch at a corner alone are parts of their own, so that every polygon is valid as GeoJSON is.
    """
    from skimage.measure import label as connected_parts  # a panel that offers outlines opens without it

    corners = _corners(labels)
    rows, columns = _partners(corners)
    pieces = connected_parts(labels, background=0, connectivity=1)
    parts: dict[int, tuple[int, NDArray[np.int64], list[NDArray[np.int64]]]] = {}
    holes: list[tuple[int, NDArray[np.int64]]] = []
    for number, ring in _rings(corners, rows, columns):
        x, y = (int(side) for side in ring[0])
        if y < labels.shape[0] and x < labels.shape[1] and labels[y, x] == number:
            parts[int(pieces[y, x])] = (number, ring, [])
        else:  # the pixel above a hole's first edge belongs to the object around it
            holes.append((int(pieces[y - 1, x]), ring))
    for piece, ring in holes:
        parts[piece][2].append(ring)
    found: dict[int, list[Part]] = {}
    for number, outer, inner in parts.values():
        found.setdefault(number, []).append(Part(outer, tuple(inner)))
    return dict(sorted(found.items()))


def fill(rings: Sequence[Ring], shape: tuple[int, int]) -> tuple[tuple[slice, slice], NDArray[np.bool_]]:
    """Return the pixels (Y, X) whose centres lie within an odd number of rings, and the box that holds them.

    What lies outside `shape` is cut off. UnetError for coordinates that are no place in an image, and for outlines
    too long to be filled.
    """
    edges = [np.concatenate([ring, np.roll(ring, -1, axis=0)], axis=1) for ring in rings if len(ring) > 2]
    if not edges:
        return (slice(0, 0), slice(0, 0)), np.zeros((0, 0), bool)
    lines = np.concatenate(edges).astype(np.float64)
    if not (np.abs(lines) <= MAX_COORDINATE).all():  # not so for NaN
        raise UnetError(f"coordinates must be numbers within {MAX_COORDINATE:g} pixels: export the outlines again")
    box = _box(lines, shape)
    height, width = (side.stop - side.start for side in box)
    odd = np.zeros((height, width + 1), np.uint8)
    for row, column in _crossings(lines, box):
        np.bitwise_xor.at(odd, (row, column), 1)
    return box, np.bitwise_xor.accumulate(odd, axis=1)[:, :width].astype(bool)


def _box(lines: NDArray[np.float64], shape: tuple[int, int]) -> tuple[slice, slice]:
    """Return the rows and columns whose pixels can lie within lines (N, 4) of x, y, x, y."""
    sides = []
    for axis, length in ((1, shape[0]), (0, shape[1])):
        both = lines[:, [axis, axis + 2]]
        low, high = (int(np.clip(edge, 0, length)) for edge in (np.floor(both.min()), np.ceil(both.max())))
        sides.append(slice(low, max(low, high)))
    return sides[0], sides[1]


def _crossings(
    lines: NDArray[np.float64], box: tuple[slice, slice]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield rows, and the first column right of the place where a line crosses the middle of that row."""
    low, high = np.minimum(lines[:, 1], lines[:, 3]), np.maximum(lines[:, 1], lines[:, 3])
    first = np.clip(np.ceil(low - 0.5), box[0].start, box[0].stop).astype(np.int64)
    stop = np.clip(np.ceil(high - 0.5), box[0].start, box[0].stop).astype(np.int64)
    counts = stop - first
    if (total := int(counts.sum())) > MAX_CROSSINGS:
        raise UnetError(f"its edges cross {total} rows, at most {MAX_CROSSINGS} are filled: simplify it")
    ends = np.cumsum(counts)
    for start in range(0, total, CHUNK):
        place = np.arange(start, min(total, start + CHUNK))
        line = np.searchsorted(ends, place, side="right")
        row = first[line] + place - (ends[line] - counts[line])
        x0, y0, x1, y1 = lines[line].T
        x = x0 + (row + 0.5 - y0) * (x1 - x0) / (y1 - y0)  # never level: such lines cross no row
        column = np.clip(np.ceil(x - 0.5), box[1].start, box[1].stop).astype(np.int64)
        yield row - box[0].start, column - box[1].start


def _corners(labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the corners of all outlines, rows of: id, y, x, and order among those of one place in its column.

    Around a corner lie four pixels. An object that has one or three of them turns there; one that has two opposite
    ones turns twice, as each of its pixels is gone round by itself.
    """
    around = np.pad(labels, 1)
    four = np.stack([around[:-1, :-1], around[:-1, 1:], around[1:, :-1], around[1:, 1:]])
    north_west, north_east, south_west, south_east = four
    mixed = (north_west != north_east) | (north_west != south_west) | (north_west != south_east)
    y, x = np.nonzero(mixed)
    four = four[:, y, x]
    found = []
    for corner in range(4):
        number = four[corner]
        mine = four == number
        is_first = ~mine[:corner].any(axis=0) & (number > 0)
        count = mine.sum(axis=0)
        turns = is_first & (count % 2 == 1)
        falling = is_first & (count == 2) & mine[0] & mine[3]
        rising = is_first & (count == 2) & mine[1] & mine[2]
        for which, order in ((turns, 0), (falling, 0), (falling, 1), (rising, 1), (rising, 0)):
            found.append(np.stack([number[which], y[which], x[which], np.full(which.sum(), order)], axis=1))
    return np.concatenate(found).astype(np.int64)


def _partners(corners: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return of every corner the other end of its edge along the row, and along the column.

    `corners` are sorted in place: by id, row and column.
    """
    number, y, x, order = corners.T
    # of two corners at one place the first ends the edge that comes from the left
    arrival = np.arange(len(corners))
    in_rows = np.lexsort([arrival, x, y, number])
    corners[:] = corners[in_rows]
    number, y, x, order = corners.T
    in_columns = np.lexsort([order, y, x, number])
    rows = np.arange(len(corners)) ^ 1  # corners of a row of an object come in pairs
    columns = np.empty_like(rows)
    columns[in_columns[::2]], columns[in_columns[1::2]] = in_columns[1::2], in_columns[::2]
    return rows, columns


def _rings(
    corners: NDArray[np.int64], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield id and ring of each outline, from its topmost, leftmost corner to the right."""
    along_row, along_column = rows.tolist(), columns.tolist()
    twice = (corners[1:, :3] == corners[:-1, :3]).all(axis=1)
    doubled = set(np.flatnonzero(twice).tolist()) | set((np.flatnonzero(twice) + 1).tolist())
    places = corners[:, [2, 1]]
    seen = bytearray(len(corners))
    for start in range(len(corners)):
        if seen[start]:
            continue
        ring, at = [], start
        while not seen[at]:
            other = along_row[at]
            seen[at] = seen[other] = 1
            ring += [at, other]
            at = along_column[other]
        number = int(corners[start, 0])
        if doubled.isdisjoint(ring):
            yield number, places[ring]
        else:
            yield from ((number, one) for one in _simple(places[ring]))


def _simple(ring: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield the rings, none of which touches itself, that a ring consists of which meets itself at corners."""
    way: list[tuple[int, int]] = []
    at: dict[tuple[int, int], int] = {}
    for x, y in ring.tolist():
        if (x, y) in at:
            start = at[x, y]
            yield _from_top_left(way[start:])
            for place in way[start + 1 :]:
                del at[place]
            del way[start + 1 :]
        else:
            at[x, y] = len(way)
            way.append((x, y))
    yield _from_top_left(way)


def _from_top_left(way: list[tuple[int, int]]) -> NDArray[np.int64]:
    """Return a ring from its topmost, leftmost corner on."""
    ring = np.array(way, np.int64)
    first = int(np.lexsort([ring[:, 0], ring[:, 1]])[0])
    return np.roll(ring, -first, axis=0)
