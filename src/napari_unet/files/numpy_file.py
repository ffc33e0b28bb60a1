"""NumPy's own files (.npy): an array without the names of its axes, read where it is looked at."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from napari_unet.errors import UnetError, first_line
from napari_unet.files.axis_names import named, renamed, require_image
from napari_unet.files.file_errors import damaged, unreadable
from napari_unet.files.image_file import ImageFile
from napari_unet.files.npz import npy_header
from napari_unet.files.openable import require_regular_file


def read_npy(path: str | Path, axes: str | None = None) -> ImageFile:
    """Read a .npy file: a last axis of 3 or 4 is RGB or RGBA, others are taken for T, Z as of plain stacks.

    Raises
    ------
    UnetError
        The file is damaged, holds other things than real numbers, or its axes are unclear.
    """
    path = Path(path)
    size = require_regular_file(path)
    try:
        with path.open("rb") as file:
            shape, fortran, dtype = npy_header(file)
            start = file.tell()
    except OSError as error:
        raise unreadable(path, error) from error
    except UnetError:
        raise
    except (ValueError, RecursionError, MemoryError) as error:
        raise UnetError(f"{path.name} is no image ({first_line(error)}): save an array of numbers") from None
    if math.prod(shape) * dtype.itemsize != size - start:
        raise damaged(path)
    if math.prod(shape) == 0 or len(shape) < 2:
        raise UnetError(f"{path.name} holds no image, but shape {shape}: save an array with Y and X")
    array = np.memmap(path, dtype, "r", start, shape, "F" if fortran else "C").view(np.ndarray)
    samples = "S" if len(shape) > 2 and shape[-1] in (3, 4) else ""
    unnamed = len(shape) - 2 - len(samples)
    native = array.astype(dtype.newbyteorder("="), copy=False)
    array, letters = named(path, native, "IQUVW"[:unnamed].ljust(unnamed, "W") + "YX" + samples)
    array, letters = renamed(path, array, letters, letters, axes)
    require_image(path, array, letters)
    return ImageFile(array=array, axes=letters)
