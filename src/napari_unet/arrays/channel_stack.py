"""Images of one channel each, read as one image with channels; nothing is copied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.errors import UnetError


class ChannelStack:
    """Arrays of one shape as channels of an array (C, ...), read where it is sliced."""

    def __init__(self, channels: Sequence[Any]) -> None:
        self.channels = tuple(channels)
        shapes = {tuple(channel.shape) for channel in channels}
        if len(shapes) != 1:
            listed = " and ".join(map(str, sorted(shapes)))
            raise UnetError(f"channels must have one shape, got {listed or 'none'}: choose images of one size")
        (shape,) = shapes
        self.shape = (len(self.channels), *shape)
        self.dtype = np.result_type(*(channel.dtype for channel in channels))
        self.ndim = len(self.shape)
        self.chunks = self._common_chunks()

    def __getitem__(self, key: Any) -> NDArray[Any]:
        parts = key if isinstance(key, tuple) else (key,)
        first, rest = (parts[0], parts[1:]) if parts and parts[0] is not Ellipsis else (slice(None), parts)
        if isinstance(first, int | np.integer):
            return np.asarray(self.channels[first][rest])
        return np.stack([np.asarray(channel[rest]) for channel in self.channels[first]])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return all of it."""
        return np.array(self[...], dtype=dtype, copy=None if copy is None else copy)

    def _common_chunks(self) -> tuple[int, ...] | None:
        """Return the sides of a chunk, where all channels are stored in the same ones."""
        sides = {
            getattr(channel, "chunksize", None) or getattr(channel, "chunks", None) for channel in self.channels
        }
        (side, *others) = sides
        return None if side is None or others else (1, *side)
