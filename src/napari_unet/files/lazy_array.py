"""LazyArray: pixels that are read where they are sliced."""

from __future__ import annotations

from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.errors import UNFORESEEN, UnetError, first_line

FAULTS = (*UNFORESEEN, AttributeError, AssertionError, EOFError, SyntaxError, TokenError)
"""What the libraries raise where a file is damaged or says something else than its specification."""


def unreadable_as(kind: str, path: Path, error: Exception) -> UnetError:
    """Return the sentence for a fault in a file of a kind."""
    return UnetError(f"cannot read {path.name} as {kind} ({first_line(error)}): write it again")


class LazyArray:
    """The array of an image: it is read where it is sliced, and a damaged piece is a sentence.

    Parameters
    ----------
    path
        The file, for the sentence.
    array
        A Zarr or dask array.
    kind
        What the file is, for the sentence.
    """

    def __init__(self, path: Path, array: Any, kind: str) -> None:
        self._path, self._array, self._kind = path, array, kind
        self.shape, self.dtype, self.ndim = tuple(array.shape), np.dtype(array.dtype), array.ndim
        self.chunks: tuple[int, ...] = tuple(getattr(array, "chunksize", None) or array.chunks)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        try:
            return np.asarray(self._array[key])
        except FAULTS as error:
            raise unreadable_as(self._kind, self._path, error) from error

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return all of it."""
        return np.array(self[...], dtype=dtype, copy=None if copy is None else copy)
