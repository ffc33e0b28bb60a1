"""What counts as an image: an array of real numbers, in memory or lazy."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np

from napari_unet.errors import UnetError, first_line


def as_image(image: Any) -> Any:
    """Return what has a shape and a dtype, lazy arrays as they are; UnetError where it holds no image."""
    _refuse_others(image)
    if not hasattr(image, "shape") or not _is_numpy_dtype(getattr(image, "dtype", None)):
        try:
            image = np.asarray(image)
        except (TypeError, ValueError, RuntimeError) as error:
            raise UnetError(f"the image is no array ({first_line(error)}): convert it to a NumPy array") from None
    if np.dtype(image.dtype).kind not in "biuf":
        raise UnetError(
            f"an image holds real numbers, got {image.dtype}: convert it first, for example to float32"
        )
    if not all(isinstance(length, int | np.integer) for length in image.shape):
        raise UnetError(
            f"the image has an unknown shape, {image.shape}: with dask, call compute_chunk_sizes first"
        )
    if 0 in image.shape:
        raise UnetError(f"the image is empty: its shape is {tuple(image.shape)}")
    return image


def _refuse_others(image: Any) -> None:
    """Refuse the names of files, sparse matrices and masked arrays."""
    if isinstance(image, str | PathLike):
        raise UnetError(f"an image is an array, got the name {str(image)!r}: read the file first")
    if hasattr(image, "toarray"):
        raise UnetError(f"a {type(image).__name__} is not understood: take its .toarray()")
    if np.ma.is_masked(image):
        raise UnetError("an image with masked pixels is not understood: fill them first, as with image.filled(0)")


def _is_numpy_dtype(dtype: Any) -> bool:
    """Whether a dtype is one that NumPy knows, and not of another library, as PyTorch's."""
    try:
        return dtype is not None and np.dtype(dtype) is not None
    except TypeError:
        return False
