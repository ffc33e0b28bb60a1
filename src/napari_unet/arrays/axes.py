"""Which axis of an array is what: T C Z Y X, S for RGB samples; and the planes that a network sees."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.boxes import Box, moved, within
from napari_unet.arrays.channel_values import match_channels
from napari_unet.arrays.channels import Channels, Choice, Input, channel_axis, resolve_channels
from napari_unet.arrays.normalization import UNCHANGED, FittedNormalization
from napari_unet.arrays.tiling import read_mirrored
from napari_unet.errors import UnetError

KNOWN = "TCZYXS"
SINGLE = "Q"
"""An axis of length 1 that is none of these, and that labels keep; tifffile calls it so, too."""


def check_axes(axes: str | None, shape: tuple[int, ...]) -> str:
    """Return the axes of an array, upper case; without a name only (Y, X) is unambiguous."""
    if axes is None:
        if len(shape) == 2:
            return "YX"
        if not 2 < len(shape) < 6:
            raise UnetError(
                f"an image of shape {shape} has {len(shape)} axes: give Y and X at least, TCZYX at most"
            )
        usual = "YXS" if len(shape) == 3 and shape[-1] in (3, 4) else "TCZYX"[-len(shape) :]
        raise UnetError(f"an image of shape {shape} is ambiguous: name its axes, for example axes={usual!r}")
    if not isinstance(axes, str):
        raise UnetError(f"axes are one letter each in a text, for example 'TCYX', got {axes!r}")
    named = axes.upper()
    if len(named) != len(shape):
        raise UnetError(f"axes {named!r} name {len(named)} axes, the image has {len(shape)}: {shape}")
    unknown = {axis for axis, length in zip(named, shape, strict=True) if axis != SINGLE or length != 1} - set(
        KNOWN
    )
    if len(set(named)) != len(named) or unknown:
        raise UnetError(f"axes {named!r} must be different letters out of {KNOWN}, for example 'TCYX'")
    if not {"Y", "X"} <= set(named):
        raise UnetError(f"axes {named!r} must name Y and X")
    return named


def require_axes(axes: str, spatial: str) -> None:
    """Refuse an image without the axes that a model works on."""
    if set(spatial) - set(axes):
        raise UnetError(f"the model works on {spatial}, the image's axes are {axes}: name its axes anew")


def result_axes(axes: str) -> str:
    """Return the axes of labels for an image with `axes`: channels and samples are gone."""
    return "".join(axis for axis in axes if axis not in "CS")


def result_shape(axes: str, shape: Sequence[int]) -> tuple[int, ...]:
    """Return the shape of labels for an image with `axes` and `shape`."""
    return tuple(length for axis, length in zip(axes, shape, strict=True) if axis not in "CS")


def part_at(array: Any, axes: str, index: Mapping[str, int], spatial: str) -> NDArray[Any]:
    """Return the part of an array at positions along some of its axes, with the other axes in a given order."""
    left = [axis for axis in axes if axis not in index]
    part = np.asarray(array[tuple(index.get(axis, slice(None)) for axis in axes)])
    return part.transpose([left.index(axis) for axis in spatial])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plane:
    """One 2D image (or volume) inside an array, as a network reads it: (C, *spatial), normalised.

    Nothing is copied until a window is read, so the array may be larger than memory (dask, zarr).
    """

    array: Any
    axes: str
    index: dict[str, int]
    """Positions along the axes that are not read whole: all but the spatial ones, samples and channels."""
    spatial: str
    channels: int
    """How many channels the network wants: 1 turns RGB to grey, 3 repeats a grey image."""
    intensity: FittedNormalization | None = None
    inputs: Channels | None = None
    """Positions along the channel axis that are read one by one, in the order of the inputs; None among them for
    an input that is left out, which is 0 everywhere. None instead of them reads all."""
    region: Box | None = None
    """The part that is wanted; what lies around it in the image still serves as context."""

    @classmethod
    def normalised(cls, image: NDArray[np.float32], spatial: str) -> Plane:
        """Return the plane of an image (C, *spatial) that is normalised already."""
        return cls(array=image, axes="C" + spatial, index={}, spatial=spatial, channels=len(image))

    @property
    def whole_shape(self) -> tuple[int, ...]:
        """Return the size of the image per spatial axis."""
        return tuple(self.array.shape[self.axes.index(axis)] for axis in self.spatial)

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the size of the wanted part per spatial axis."""
        if self.region is None:
            return self.whole_shape
        return tuple(side.stop - side.start for side in self.region)

    def only(self, channel: int) -> Plane:
        """Return the plane with a single channel, given by its position."""
        axis = next((axis for axis in "CS" if axis in self.axes and axis not in self.index), None)
        index = {} if axis is None else {axis: channel}  # an image of a single channel may have no such axis
        return replace(self, index={**self.index, **index}, inputs=None)

    @property
    def left_out(self) -> list[int]:
        """Return the numbers of the inputs that the image has no channel for."""
        return [number for number, channel in enumerate(self.inputs or ()) if channel is None]

    def grown(self, by: Sequence[int]) -> tuple[Plane, Box]:
        """Return the plane with a region larger by so many pixels per side of each axis, where the image has them.

        Beside it stands where the former region lies in it.
        """
        if self.region is None:
            return self, tuple(slice(0, length) for length in self.shape)
        grown = tuple(
            slice(max(0, side.start - more), min(length, side.stop + more))
            for side, length, more in zip(self.region, self.whole_shape, by, strict=True)
        )
        return replace(self, region=grown), within(self.region, grown)

    def read(self, window: Box) -> NDArray[np.float32]:
        """Return (C, *window) float32, counted from the wanted part; the image is mirrored beyond itself."""
        if self.region is not None:
            window = moved(window, self.region)
        intensity = self.intensity or UNCHANGED
        beside = [*(0 for _ in window[:-2]), intensity.margin, intensity.margin]
        sides = list(zip(window, beside, strict=True))
        wide = tuple(slice(side.start - more, side.stop + more) for side, more in sides)
        inner = tuple(slice(more, more + side.stop - side.start) for side, more in sides)
        seen = intensity.apply(read_mirrored(_Sliced(self), wide))[(slice(None), *inner)]
        seen[self.left_out] = 0
        return np.ascontiguousarray(match_channels(seen, self.channels))

    def as_in_image(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values (*spatial) with their axes in the order in which the image has them."""
        return values.transpose([self.spatial.index(axis) for axis in self.axes if axis in self.spatial])

    def every(self, step: int) -> NDArray[Any]:
        """Return (C, *spatial) every so many rows of the whole image, and planes of a volume, as they are stored.

        Rows run along the last axis and are whole, so that neighbours in them stay neighbours.
        """
        steps = (*(slice(None, None, step) for _ in self.spatial[:-1]), slice(None))
        return _Sliced(self)[(slice(None), *steps)]

    def window(self, box: Box) -> NDArray[Any]:
        """Return (C, *box) of the whole image, as it is stored."""
        return _Sliced(self)[(slice(None), *box)]

    def chunk_sides(self) -> tuple[int, ...] | None:
        """Return the sides of a chunk per spatial axis; None of an array that is not stored in chunks."""
        chunks = getattr(self.array, "chunksize", None) or getattr(self.array, "chunks", None)  # dask | Zarr
        if not chunks or len(chunks) != len(self.axes) or not all(isinstance(side, int) for side in chunks):
            return None
        return tuple(max(1, chunks[self.axes.index(axis)]) for axis in self.spatial)

    def parts(self, pixels: int) -> Iterator[slice]:
        """Yield slices of the first spatial axis that divide the whole image, each of about so many pixels."""
        length, *others = self.whole_shape
        thick = max(1, pixels // math.prod(others))
        for start in range(0, length, thick):
            yield slice(start, min(start + thick, length))

    def band(self, part: slice) -> NDArray[Any]:
        """Return a part of the whole image along the first spatial axis, (C, *spatial) as it is stored."""
        others = len(self.spatial) - 1
        return _Sliced(self)[(slice(None), part, *(slice(None) for _ in range(others)))]


class _Sliced:
    """The plane as an array (samples or channels, *spatial) that slices lazily, whatever the axes' order."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        left = [axis for axis in plane.axes if axis not in plane.index]
        self._order = [left.index(axis) for axis in (*(a for a in "CS" if a in left), *plane.spatial)]
        self._lead = len(self._order) - len(plane.spatial)
        self.shape = (1,) * self._lead + plane.whole_shape

    def __getitem__(self, key: tuple[Any, ...]) -> NDArray[Any]:
        plane = self._plane
        if plane.inputs is not None:  # channel by channel: those that the network does not read stay unread
            return self._one_by_one(plane.inputs, key)
        wanted: dict[str, Any] = dict(zip(plane.spatial, key[1:], strict=True)) | dict(plane.index)
        picked = np.asarray(plane.array[tuple(wanted.get(axis, slice(None)) for axis in plane.axes)])
        block = picked.transpose(self._order)
        if "S" in plane.axes and "S" not in plane.index and len(block) == 4:  # alpha is no intensity
            block = block[:3]
        return block if self._lead else block[None]

    def _one_by_one(self, inputs: Channels, key: tuple[Any, ...]) -> NDArray[Any]:
        """Return the channels of the inputs, 0 for those that are left out."""
        known = {
            n: _Sliced(self._plane.only(channel))[key] for n, channel in enumerate(inputs) if channel is not None
        }
        nothing = np.zeros_like(next(iter(known.values())))
        return np.concatenate([known.get(number, nothing) for number in range(len(inputs))])


def planes(
    array: Any, axes: str, *, spatial: str, channels: int | Sequence[Input], chosen: Choice | None = None
) -> Iterator[Plane]:
    """Yield the planes of an array in the order of its axes.

    `channels` is what the network reads, or how many; `chosen` which ones of the image; see `resolve_channels`.
    """
    lengths = dict(zip(axes, array.shape, strict=True))
    index, inputs = _channel_index(lengths, resolve_channels(lengths, channels, chosen))
    count = channels if isinstance(channels, int) else len(channels)
    loops = [axis for axis in axes if axis not in spatial and axis not in "CS"]
    for positions in itertools.product(*(range(lengths[axis]) for axis in loops)):
        place = dict(zip(loops, positions, strict=True)) | index
        yield Plane(array=array, axes=axes, index=place, spatial=spatial, channels=count, inputs=inputs)


def _channel_index(lengths: dict[str, int], read: Channels | None) -> tuple[dict[str, int], Channels | None]:
    """Return the fixed positions along C and S, and the positions read one by one where not all are, in order."""
    only = {"C": 0} if lengths.get("C") == 1 else {}
    if read is None:
        return only, None
    axis = channel_axis(lengths)
    if None in read:
        return (only if axis == "S" else {}), read
    if axis not in lengths:
        return only, None
    if len(read) == 1 and read[0] is not None:
        return {**only, axis: read[0]}, None
    return ({}, None) if read == tuple(range(lengths[axis])) else (only, read)


Region = Mapping[str, tuple[int, int]]
"""A part of an image: (start, stop) by axis; axes that are not named are whole."""


def aligned_region(
    region: Region, axes: str, shape: Sequence[int], spatial: str, stride: Sequence[int]
) -> dict[str, slice]:
    """Return the region within the image, grown to the grid of pooling: `stride` pixels per spatial axis."""
    steps, aligned = dict(zip(spatial, stride, strict=True)), {}
    for axis, length in zip(axes, shape, strict=True):
        start, stop = region.get(axis, (0, length))
        step = steps.get(axis, 1)
        start, stop = max(0, start) // step * step, min(length, -(-stop // step) * step)
        if stop <= start:
            raise UnetError(f"the region holds nothing of the image along {axis}: move the view onto the image")
        aligned[axis] = slice(start, stop)
    return aligned


def restrict(wanted: Iterable[Plane], part: Mapping[str, slice]) -> Iterator[Plane]:
    """Yield the planes that lie in a part of the image, each cut to it."""
    for plane in wanted:
        loops = [axis for axis in plane.index if axis not in "CS"]
        if all(part[axis].start <= plane.index[axis] < part[axis].stop for axis in loops):
            yield replace(plane, region=tuple(part[axis] for axis in plane.spatial))
