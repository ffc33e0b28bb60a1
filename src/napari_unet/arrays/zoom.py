"""The size at which a network sees an image: its pixels joined or doubled, and the answer brought back.

A zoom is how many pixels the network sees per pixel of the image and axis, a power of two. Everything here is
local and starts at the image's own origin, so that windows of a zoomed image fit together exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import Plane
from napari_unet.arrays.tiling import Box
from napari_unet.errors import UnetError
from napari_unet.settings.zooms import ZOOMS, zoom_text

MAX_PIXELS_AT_ONCE = 16_000_000
"""Pixels of an image that are read at once to be joined."""


def check_zoom(zoom: float | None) -> None:
    """Refuse a zoom that is none of `ZOOMS`."""
    if zoom not in ZOOMS:
        raise UnetError(f"zoom must be one of {', '.join(f'{known:g}' for known in ZOOMS)}, got {zoom!r}")


def check_sizes(sizes: Sequence[float], semantic: bool) -> None:
    """Refuse sizes of objects that no zoom can meet, or of a model that tells no objects apart."""
    if semantic:
        raise UnetError(f"a model that gives classes knows no sizes of objects, got {sizes}")
    if len(sizes) != 2 or not 0 < 2 * sizes[0] <= sizes[1]:
        raise UnetError(f"sizes must be two diameters, the second at least twice the first, got {sizes}")


def zoom_note(zoom: float, chosen_by: str = "") -> str:
    """Return what to add to a result: nothing where the network saw the image at its own size."""
    why = ", by its pixel size" if chosen_by == "pixel size" else ""
    return "" if zoom == 1 else f" (the network saw the image at {zoom_text(zoom)}{why})"


def downsampling(zoom: float) -> int:
    """Return how many pixels of the image become one of the network's, per axis."""
    return max(1, round(1 / zoom))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Zoomed:
    """A plane at another size; its region, if any, begins at a multiple of `downsampling(zoom)`."""

    plane: Plane
    zoom: float = 1.0

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the size per spatial axis, in pixels that the network sees."""
        return tuple(math.ceil(length * self.zoom) for length in self.plane.shape)

    def read(self, window: Box) -> NDArray[np.float32]:
        """Return (C, *window) float32, the window in pixels that the network sees: means, or linear between."""
        if self.zoom == 1:
            return self.plane.read(window)
        if self.zoom > 1:
            return self._between(window)
        return np.concatenate([self._joined(band) for band in self._bands(window)], axis=1)

    def whole(self) -> NDArray[np.float32]:
        """Return all of it, (C, *shape)."""
        return self.read(tuple(slice(0, length) for length in self.shape))

    def _bands(self, window: Box) -> Iterator[Box]:
        """Yield the window band by band along its first axis, each of so much of the image as memory bears."""
        first, *others = window
        across = math.prod((side.stop - side.start) * downsampling(self.zoom) for side in others)
        rows = max(1, MAX_PIXELS_AT_ONCE // (across * downsampling(self.zoom)))
        for start in range(first.start, first.stop, rows):
            yield (slice(start, min(start + rows, first.stop)), *others)

    def _joined(self, window: Box) -> NDArray[np.float32]:
        step = downsampling(self.zoom)
        block = self.plane.read(tuple(slice(side.start * step, side.stop * step) for side in window))
        for axis in range(1, block.ndim):
            parts = block.reshape(*block.shape[:axis], -1, step, *block.shape[axis + 1 :])
            block = parts.mean(axis + 1, dtype=np.float32)
        return block

    def _between(self, window: Box) -> NDArray[np.float32]:
        wide = tuple(slice(side.start // 2 - 1, -(-side.stop // 2) + 1) for side in window)
        block = self.plane.read(wide)
        for axis in range(1, block.ndim):
            block = doubled(block, axis)
        inner = tuple(
            slice(side.start - 2 * read.start, side.stop - 2 * read.start)
            for side, read in zip(window, wide, strict=True)
        )
        return np.ascontiguousarray(block[(slice(None), *inner)])


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


def bring_back(values: NDArray[Any], zoom: float, shape: Sequence[int], *, smooth: bool = True) -> NDArray[Any]:
    """Return a map (*spatial) that was made of a zoomed image at the image's own size, `shape`.

    Smooth is for amounts (uint8); what must not be mixed, as classes or weights, is repeated or picked instead.
    """
    for axis in range(values.ndim):
        if zoom > 1:
            values = _paired(values, axis) if smooth else values.take(range(0, values.shape[axis], 2), axis)
        elif smooth:
            for _ in range(round(-math.log2(zoom))):
                values = doubled(values, axis)
        else:
            values = np.repeat(values, downsampling(zoom), axis)
    return values[tuple(slice(0, length) for length in shape)]


def _paired(values: NDArray[Any], axis: int) -> NDArray[Any]:
    """Return the rounded means (uint8) of every two neighbours along an axis."""
    along = np.moveaxis(values, axis, 0).astype(np.uint16)
    return np.moveaxis(((along[0::2] + along[1::2] + 1) // 2).astype(values.dtype), 0, axis)


def zoom_paint(
    values: NDArray[Any], said: NDArray[np.bool_], zoom: float
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return paint (*spatial) and where it lies, in pixels that the network sees.

    Of joined pixels the most central one on which something was said counts, so that no thin stroke is lost.
    """
    if zoom > 1:
        for axis in range(values.ndim):
            values, said = np.repeat(values, 2, axis), np.repeat(said, 2, axis)
        return values, said
    step = downsampling(zoom)
    spare = [(0, -length % step) for length in values.shape]
    values, said = np.pad(values, spare), np.pad(said, spare)
    offsets = list(np.ndindex((step,) * values.ndim))
    offsets.sort(key=lambda offset: -math.dist(offset, ((step - 1) / 2,) * values.ndim))
    found = values[(slice(None, None, step),) * values.ndim] * 0
    anything = np.zeros(found.shape, bool)
    for offset in offsets:  # the most central comes last and so stays
        part = tuple(slice(start, None, step) for start in offset)
        found = np.where(said[part], values[part], found)
        anything |= said[part]
    return found, anything


def typical_diameter(areas: NDArray[Any]) -> float:
    """Return the diameter, as of a disc, of the object in which the middle of all object pixels lies; 0 for none.

    areas are in pixels. Weighing by area keeps specks, of which there may be many, from deciding.
    """
    rising = np.sort(areas[areas > 0])
    if not len(rising):
        return 0.0
    so_far = np.cumsum(rising)
    return float(np.sqrt(4 / np.pi * rising[np.searchsorted(so_far, so_far[-1] / 2)]))


def fitting_zoom(diameter: float, sizes: tuple[float, float]) -> float:
    """Return the zoom nearest to 1 that brings a diameter (pixels) between two sizes that a network knows."""
    smallest, largest = sizes
    zoom = 1.0
    while diameter * zoom > largest and zoom > min(ZOOMS):
        zoom /= 2
    while 0 < diameter * zoom < smallest and zoom < max(ZOOMS):
        zoom *= 2
    return zoom
