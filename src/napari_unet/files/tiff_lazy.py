"""Pixels of a TIFF that are decoded where they are looked at, by tifffile's Zarr store."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_unet.files.tiff_errors import tiff_errors

MAX_EAGER_BYTES = 2**28
"""Images up to this size (256 MB, decoded) are read at once: each strip is then decoded once."""
LAZY_COLOURS = ("MINISBLACK", "MINISWHITE", "RGB")
"""What becomes intensities pixel by pixel, or by moving axes; palettes and CMYK are converted as a whole."""


class TiffPixels:
    """The first image of a TIFF as an array that takes slices; unpickled, it opens the file anew."""

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: Any) -> None:
        self.path, self.shape = path, shape
        self.dtype: np.dtype[Any] = np.dtype(dtype).newbyteorder("=")
        self.ndim = len(shape)
        self._opened: Any = None
        self._lock = Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the way to the file, not its pixels."""
        return TiffPixels, (self.path, self.shape, self.dtype)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Return a part, in native byte order."""
        with tiff_errors(self.path):
            return np.asarray(self._array()[key]).astype(self.dtype, copy=False)

    @property
    def chunks(self) -> tuple[int, ...]:
        """Return what is decoded together, per axis."""
        return tuple(self._array().chunks)

    def _array(self) -> Any:
        """Return the Zarr array, opened at the first call."""
        import zarr

        with self._lock:
            if self._opened is None:
                store = tifffile.TiffFile(self.path).series[0].aszarr(level=0)
                self._opened = zarr.open(store, mode="r")
            return self._opened


def is_large(nbytes: int, photometric: str) -> bool:
    """Whether an image is read lazily."""
    return nbytes > MAX_EAGER_BYTES and photometric in LAZY_COLOURS


def lazy_pixels(path: Path, shape: tuple[int, ...], dtype: Any) -> Any:
    """Return the pixels as a dask array: axes can be moved and values inverted without reading them."""
    import dask.array as da

    pixels = TiffPixels(path, shape, dtype)
    empty = np.empty((0,) * pixels.ndim, pixels.dtype)
    return da.from_array(pixels, chunks=pixels.chunks, name=False, meta=empty)  # type: ignore[no-untyped-call]
