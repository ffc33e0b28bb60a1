"""The size at which a network sees an image: its pixels joined or doubled, and the answer brought back.

A zoom is how many pixels the network sees per pixel of the image: a power of two for each axis, in their order.
Everything here is local and starts at the image's own origin, so that windows of a zoomed image fit together
exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import Plane
from napari_unet.arrays.boxes import Box
from napari_unet.errors import UnetError
from napari_unet.settings.zooms import ZOOMS, Zoom, zoom_text

Zooms = tuple[float, ...]
"""One for each axis."""

MAX_PIXELS_AT_ONCE = 16_000_000
"""Pixels of an image that are read at once to be joined."""


def check_zoom(zoom: Zoom, dims: int) -> None:
    """Refuse a zoom that is none of `ZOOMS`, nor one of them for each axis."""
    each = zoom if isinstance(zoom, tuple) else (zoom,) * dims
    if len(each) != dims or not all(one in ZOOMS for one in each):
        known = ", ".join(f"{one:g}" for one in ZOOMS)
        raise UnetError(f"zoom must be one of {known}, or one for each of {dims} axes, got {zoom!r}")


def check_sizes(sizes: Sequence[float], semantic: bool) -> None:
    """Refuse sizes of objects that no zoom can meet, or of a model that tells no objects apart."""
    if semantic:
        raise UnetError(f"a model that gives classes knows no sizes of objects, got {sizes}")
    if len(sizes) != 2 or not 0 < 2 * sizes[0] <= sizes[1]:
        raise UnetError(f"sizes must be two diameters, the second at least twice the first, got {sizes}")


def zoom_note(zoom: Zoom, chosen_by: str = "") -> str:
    """Return what to add to a result: nothing where the network saw the image at its own size."""
    why = ", by its pixel size" if chosen_by == "pixel size" else ""
    return "" if is_own_size(zoom) else f" (the network saw the image at {zoom_text(zoom)}{why})"


def is_own_size(zoom: Zoom) -> bool:
    """Whether the network sees the image as it is."""
    return all(one == 1 for one in (zoom if isinstance(zoom, tuple) else (zoom,)))


def downsampling(zoom: float) -> int:
    """Return how many pixels of the image become one of the network's, along an axis of this zoom."""
    return max(1, round(1 / zoom))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Zoomed:
    """A plane at another size; its region, if any, begins at a multiple of `downsampling` along each axis."""

    plane: Plane
    zoom: Zooms

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the size per spatial axis, in pixels that the network sees."""
        return tuple(math.ceil(side * zoom) for side, zoom in zip(self.plane.shape, self.zoom, strict=True))

    def read(self, window: Box) -> NDArray[np.float32]:
        """Return (C, *window) float32, the window in pixels that the network sees: means, or linear between."""
        if is_own_size(self.zoom):
            return self.plane.read(window)
        return np.concatenate([self._zoomed(band) for band in self._bands(window)], axis=1)

    def whole(self) -> NDArray[np.float32]:
        """Return all of it, (C, *shape)."""
        return self.read(tuple(slice(0, length) for length in self.shape))

    def _bands(self, window: Box) -> Iterator[Box]:
        """Yield the window band by band along its first axis, each of so much of the image as memory bears."""
        first, *others = window
        lengths = [(side.stop - side.start) / zoom for side, zoom in zip(others, self.zoom[1:], strict=True)]
        rows = max(1, int(MAX_PIXELS_AT_ONCE * self.zoom[0] / math.prod(lengths)))
        for start in range(first.start, first.stop, rows):
            yield (slice(start, min(start + rows, first.stop)), *others)

    def _zoomed(self, window: Box) -> NDArray[np.float32]:
        sides = list(zip(window, self.zoom, strict=True))
        block = self.plane.read(tuple(_needed(side, zoom) for side, zoom in sides))
        for axis, (side, zoom) in enumerate(sides, start=1):
            if zoom < 1:
                block = _joined(block, axis, downsampling(zoom))
            elif zoom > 1:
                first = side.start - 2 * _needed(side, zoom).start
                wanted = slice(first, first + side.stop - side.start)
                block = doubled(block, axis)[(*[slice(None)] * axis, wanted)]
        return np.ascontiguousarray(block)


def _needed(side: slice, zoom: float) -> slice:
    """Return the pixels of the image from which a side of a window comes: with a neighbour where it is doubled."""
    if zoom > 1:
        return slice(side.start // 2 - 1, -(-side.stop // 2) + 1)
    step = downsampling(zoom)
    return slice(side.start * step, side.stop * step)


def _joined(values: NDArray[np.float32], axis: int, step: int) -> NDArray[np.float32]:
    """Return the means of every `step` neighbours along an axis, added in their order whatever the shape is.

    NumPy's own mean adds in another order where a window is one pixel wide, and the last bit differs.
    """
    parts = values.reshape(*values.shape[:axis], -1, step, *values.shape[axis + 1 :])
    first, *others = np.moveaxis(parts, axis + 1, 0)
    total: NDArray[np.float32] = first.astype(np.float32)
    for one in others:
        total += one
    return total / np.float32(step)


def doubled(values: NDArray[Any], axis: int) -> NDArray[Any]:
    """Return twice as many values (uint8 or float) along an axis, linear between centres; the ends repeat."""
    along = np.moveaxis(values, axis, 0)
    whole = values.dtype.kind == "u"
    wide = along.astype(np.uint16) if whole else along
    out = np.empty((2 * len(along), *along.shape[1:]), values.dtype)
    for start, beside in enumerate(([along[:1], along[:-1]], [along[1:], along[-1:]])):
        mixed = 3 * wide + np.concatenate(beside)
        out[start::2] = (mixed + 2) // 4 if whole else mixed / 4
    return np.moveaxis(out, 0, axis)


def bring_back(values: NDArray[Any], zoom: Zooms, shape: Sequence[int], *, smooth: bool = True) -> NDArray[Any]:
    """Return a map (*spatial) that was made of a zoomed image at the image's own size, `shape`.

    Smooth is for amounts (uint8); what must not be mixed, as classes or weights, is repeated or picked instead.
    """
    for axis, one in enumerate(zoom):
        values = _smoothly_back(values, axis, one) if smooth else _picked_back(values, axis, one)
    return values[tuple(slice(0, length) for length in shape)]


def _smoothly_back(values: NDArray[Any], axis: int, zoom: float) -> NDArray[Any]:
    if zoom > 1:
        return _paired(values, axis)
    for _ in range(round(-math.log2(zoom))):
        values = doubled(values, axis)
    return values


def _picked_back(values: NDArray[Any], axis: int, zoom: float) -> NDArray[Any]:
    if zoom > 1:
        return values.take(range(0, values.shape[axis], 2), axis)
    return np.repeat(values, downsampling(zoom), axis)


def _paired(values: NDArray[Any], axis: int) -> NDArray[Any]:
    """Return the rounded means (uint8) of every two neighbours along an axis."""
    along = np.moveaxis(values, axis, 0).astype(np.uint16)
    return np.moveaxis(((along[0::2] + along[1::2] + 1) // 2).astype(values.dtype), 0, axis)


def zoom_paint(
    values: NDArray[Any], said: NDArray[np.bool_], zoom: Zooms
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return paint (*spatial) and where it lies, in pixels that the network sees.

    Of joined pixels the most central one on which something was said counts, so that no thin stroke is lost.
    """
    for axis in (axis for axis, one in enumerate(zoom) if one > 1):
        values, said = np.repeat(values, 2, axis), np.repeat(said, 2, axis)
    steps = [downsampling(one) for one in zoom]
    spare = [(0, -length % step) for length, step in zip(values.shape, steps, strict=True)]
    values, said = np.pad(values, spare), np.pad(said, spare)
    middle = [(step - 1) / 2 for step in steps]
    parts = [
        tuple(slice(start, None, step) for start, step in zip(offset, steps, strict=True))
        for offset in sorted(np.ndindex(*steps), key=lambda offset: -math.dist(offset, middle))
    ]
    found = values[parts[0]] * 0
    anything = np.zeros(found.shape, bool)
    for part in parts:  # the most central comes last and so stays
        found = np.where(said[part], values[part], found)
        anything |= said[part]
    return found, anything


def fitting_zoom(diameter: float, sizes: tuple[float, float]) -> float:
    """Return the zoom nearest to 1 that brings a diameter (pixels) between two sizes that a network knows."""
    smallest, largest = sizes
    zoom = 1.0
    while diameter * zoom > largest and zoom > min(ZOOMS):
        zoom /= 2
    while 0 < diameter * zoom < smallest and zoom < max(ZOOMS):
        zoom *= 2
    return zoom
