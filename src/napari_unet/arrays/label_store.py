"""Where labels and maps go while an image is segmented: memory, an array of the caller's, later a file on disk.

A run asks its store for every array of the size of an image, writes into them slice by slice, and reads slices
back; so the store alone decides how much memory an image takes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_unet.errors import UnetError
from napari_unet.memory import free_memory

LABEL_BYTES = 4
"""Of one pixel of int32 labels."""
PLANE_BYTES = 10
"""Of one pixel of a plane while its objects are separated: map, regions and labels (measured; confluent objects
take up to four times as much)."""


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

    def require_room(self, shape: Sequence[int], plane: int) -> None:
        """Refuse labels of a shape, with planes of so many pixels, that the store cannot hold."""
        ...

    def labels(self, shape: Sequence[int]) -> SliceableArray:
        """Return the array for the labels, integers."""
        ...

    def map(self, shape: Sequence[int], dtype: DTypeLike) -> SliceableArray:
        """Return an array for a map: a plane's probabilities while it is worked on, or those of the image."""
        ...


class MemoryStore:
    """Everything in memory: int32 labels."""

    def require_room(self, shape: Sequence[int], plane: int) -> None:
        """Refuse what does not fit into the memory that is free."""
        _require_memory(LABEL_BYTES * math.prod(shape) + PLANE_BYTES * plane, shape)

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

    def __post_init__(self) -> None:
        if not hasattr(self.array, "__setitem__") or not hasattr(self.array, "shape"):
            raise UnetError(
                f"out is an array that takes slices, got a {type(self.array).__name__}: give a NumPy or Zarr "
                "array, or call segment_to_zarr"
            )
        if isinstance(self.array, np.ndarray) and not self.array.flags.writeable:
            raise UnetError("out is a read-only array: give one that can be written")

    def require_room(self, shape: Sequence[int], plane: int) -> None:
        """Refuse another shape, and planes that do not fit into memory while they are worked on."""
        self.labels(shape)
        _require_memory(PLANE_BYTES * plane, shape)

    def labels(self, shape: Sequence[int]) -> Any:
        """Return the caller's array; UnetError where its shape is another."""
        if tuple(self.array.shape) != tuple(shape):
            raise UnetError(f"out has shape {tuple(self.array.shape)}, the labels have {tuple(shape)}")
        return self.array


def require_ids(array: Any, highest: int) -> None:
    """Refuse ids that an array cannot hold, as they would come back as others."""
    dtype = np.dtype(array.dtype)
    if dtype.kind == "f":
        limit = 2 ** (int(np.finfo(dtype).nmant) + 1)
    else:
        limit = int(np.iinfo(dtype).max) if dtype.kind in "iu" else 1
    if highest > limit:
        raise UnetError(f"out is {dtype}, which holds ids up to {limit}, not {highest}: give one of int32")


def fits_memory(shape: Sequence[int], plane: int) -> bool:
    """Whether labels of a shape, with planes of so many pixels, fit into the memory that is free."""
    return LABEL_BYTES * math.prod(shape) + PLANE_BYTES * plane <= free_memory()


def _require_memory(needed: int, shape: Sequence[int]) -> None:
    """Refuse what needs more bytes than are free, in a sentence instead of a MemoryError after minutes."""
    free = free_memory()
    if needed > free:
        raise UnetError(
            f"labels of {' x '.join(map(str, shape))} pixels need {needed / 2**30:.1f} GB of memory, "
            f"{free / 2**30:.1f} GB are free: segment a part of the image, or into an OME-Zarr folder "
            "(--output NAME.zarr)"
        )
