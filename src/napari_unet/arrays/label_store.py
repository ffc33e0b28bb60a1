"""Where labels and maps go while an image is segmented: memory, an array of the caller's, later a file on disk.

A run asks its store for every array of the size of an image, writes into them slice by slice, and reads slices
back; so the store alone decides how much memory an image takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_unet.errors import UnetError


class SliceableArray(Protocol):
    """What NumPy arrays, memory maps and Zarr arrays have in common."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the length of each axis."""
        ...

    def __getitem__(self, key: Any) -> Any:
        """Return a part."""
        ...

    def __setitem__(self, key: Any, values: Any) -> None:
        """Write a part."""
        ...


class LabelStore(Protocol):
    """The contract of all stores; arrays that it gives are filled with 0."""

    def labels(self, shape: Sequence[int]) -> SliceableArray:
        """Return the array for the labels, integers."""
        ...

    def map(self, shape: Sequence[int], dtype: DTypeLike) -> SliceableArray:
        """Return an array for a map: a plane's probabilities while it is worked on, or those of the image."""
        ...


class MemoryStore:
    """Everything in memory: int32 labels."""

    def labels(self, shape: Sequence[int]) -> NDArray[np.int32]:
        """Return an array for the labels."""
        return np.zeros(shape, np.int32)

    def map(self, shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
        """Return an array for a map."""
        return np.zeros(shape, dtype)


@dataclass(frozen=True, slots=True)
class ArrayStore(MemoryStore):
    """Labels in an array of the caller's, maps in memory."""

    array: SliceableArray

    def labels(self, shape: Sequence[int]) -> Any:
        """Return the caller's array; UnetError where its shape is another."""
        if tuple(self.array.shape) != tuple(shape):
            raise UnetError(f"out has shape {tuple(self.array.shape)}, the labels have {tuple(shape)}")
        return self.array
