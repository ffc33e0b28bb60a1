"""Which axis of an array is what: T C Z Y X, S for RGB samples; and the planes that a network sees."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.normalization import IntensityRange
from napari_unet.arrays.tiling import Box, read_mirrored
from napari_unet.errors import UnetError

KNOWN = "TCZYXS"
GREY = np.array([0.2125, 0.7154, 0.0721], np.float32)
"""Luminance of RGB (ITU-R BT.709)."""
SAMPLED_PIXELS = 4_000_000


def check_axes(axes: str | None, shape: tuple[int, ...]) -> str:
    """Return the axes of an array, upper case; without a name only (Y, X) is unambiguous."""
    if axes is None:
        if len(shape) == 2:
            return "YX"
        raise UnetError(f"an image of shape {shape} is ambiguous: name its axes, for example axes='ZYX'")
    named = axes.upper()
    if len(named) != len(shape):
        raise UnetError(f"axes {named!r} name {len(named)} axes, the image has {len(shape)}: {shape}")
    if len(set(named)) != len(named) or set(named) - set(KNOWN):
        raise UnetError(f"axes {named!r} must be different letters out of {KNOWN}, for example 'TCYX'")
    if not {"Y", "X"} <= set(named):
        raise UnetError(f"axes {named!r} must name Y and X")
    return named


def result_axes(axes: str) -> str:
    """Return the axes of labels for an image with `axes`: channels and samples are gone."""
    return "".join(axis for axis in axes if axis not in "CS")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plane:
    """One 2D image (or volume) inside an array, as a network reads it: (C, *spatial), normalised.

    Nothing is copied until a window is read, so the array may be larger than memory (dask, zarr).
    """

    array: Any
    axes: str
    index: dict[str, int]
    """Positions along the axes that are neither spatial nor samples."""
    spatial: str
    channels: int
    """How many channels the network wants: 1 turns RGB to grey, 3 repeats a grey image."""
    intensity: IntensityRange | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the size per spatial axis."""
        return tuple(self.array.shape[self.axes.index(axis)] for axis in self.spatial)

    def read(self, window: Box) -> NDArray[np.float32]:
        """Return (C, *window) float32; beyond the image it is mirrored."""
        block = read_mirrored(_Sliced(self), window)
        intensity = self.intensity or IntensityRange(low=0, high=1)
        return np.ascontiguousarray(_match_channels(intensity.apply(block), self.channels))


class _Sliced:
    """The plane as an array (samples or channels, *spatial) that slices lazily, whatever the axes' order."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        left = [axis for axis in plane.axes if axis not in plane.index]
        self._order = [left.index(axis) for axis in (*(a for a in "CS" if a in left), *plane.spatial)]
        self._lead = len(self._order) - len(plane.spatial)
        self.shape = (1,) * self._lead + plane.shape

    def __getitem__(self, key: tuple[Any, ...]) -> NDArray[Any]:
        plane = self._plane
        wanted: dict[str, Any] = dict(zip(plane.spatial, key[1:], strict=True)) | dict(plane.index)
        picked = np.asarray(plane.array[tuple(wanted.get(axis, slice(None)) for axis in plane.axes)])
        block = picked.transpose(self._order)
        return block if self._lead else block[None]


def planes(array: Any, axes: str, *, spatial: str, channels: int, channel: int | None = None) -> Iterator[Plane]:
    """Yield the planes of an array in the order of its axes.

    `channel` says which one of C to use where the network wants a single channel; UnetError asks for it, and
    where the channels do not fit the network.
    """
    lengths = dict(zip(axes, array.shape, strict=True))
    fixed = _choose_channel(lengths, channels, channel)
    loops = [axis for axis in axes if axis not in spatial and axis not in "CS"]
    for positions in itertools.product(*(range(lengths[axis]) for axis in loops)):
        index = dict(zip(loops, positions, strict=True)) | fixed
        yield Plane(array=array, axes=axes, index=index, spatial=spatial, channels=channels)


def sample_blocks(plane: Plane, limit: int = SAMPLED_PIXELS) -> NDArray[Any]:
    """Return at most about `limit` pixels of a plane, evenly spread, for its intensity range."""
    step = max(1, round((np.prod(plane.shape, dtype=float) / limit) ** (1 / len(plane.shape))))
    key = (slice(None), *(slice(None, None, step) for _ in plane.spatial))
    return _Sliced(plane)[key]


def _choose_channel(lengths: dict[str, int], channels: int, channel: int | None) -> dict[str, int]:
    count = lengths.get("C", 1)
    if channel is not None and not 0 <= channel < count:
        raise UnetError(f"channel {channel} does not exist: the image has channels 0 to {count - 1}")
    if "C" not in lengths:
        return {}
    if channels == 1:
        if channel is None and count > 1:
            raise UnetError(f"the image has {count} channels and the model takes one: say which, 0 to {count - 1}")
        return {"C": channel or 0}
    if channel is not None:
        return {"C": channel}
    if count not in (1, channels):
        raise UnetError(f"the image has {count} channels, the model takes {channels}: choose another model")
    return {}


def _match_channels(block: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    """Return the block with as many channels as the network wants: grey from RGB, or grey repeated."""
    if len(block) == channels:
        return block
    if channels == 1 and len(block) in (3, 4):
        return np.tensordot(GREY, block[:3], axes=1)[None].astype(np.float32)
    if len(block) == 4 and channels == 3:
        return block[:3]
    if len(block) == 1:
        return np.repeat(block, channels, axis=0)
    raise UnetError(f"the image has {len(block)} channels, the model takes {channels}: choose another model")
