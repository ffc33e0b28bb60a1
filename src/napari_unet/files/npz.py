"""Arrays out of .npz and .npy files that anybody may have written: sizes are checked before memory is taken."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
import psutil
from numpy.lib import format as npy
from numpy.typing import NDArray

from napari_unet.files.openable import require_regular_file

MAX_MEMBERS = 16
"""Arrays of one file: ours have 2 or 3."""
MAX_SHARE = 0.5
"""Of the memory that is free, what all arrays of a file may take."""
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_npz(path: Path, *, links: bool = True) -> dict[str, NDArray[Any]]:
    """Return the arrays of a .npz file by name.

    ValueError where it holds other things, or claims more than it has or memory holds; zipfile.BadZipFile,
    zlib.error or OSError where it is damaged.
    """
    require_regular_file(path, links=links)
    with zipfile.ZipFile(path) as file:
        members = file.infolist()
        if len(members) > MAX_MEMBERS or not all(one.filename.endswith(".npy") for one in members):
            raise ValueError("it holds other things than a few arrays")
        require_memory(sum(one.file_size for one in members))
        return {one.filename.removesuffix(".npy"): _member(file, one) for one in members}


def require_memory(size: int) -> None:
    """Refuse to read more bytes than half the free memory holds, with a ValueError."""
    if size > MAX_SHARE * psutil.virtual_memory().available:
        raise ValueError(f"it holds {size / 2**30:.1f} GiB, more than memory takes")


def npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, whether in Fortran order, and dtype, and leave the file where the numbers begin."""
    version = npy.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"arrays of version {version[0]}.{version[1]} are not known")
    try:
        shape, fortran, dtype = _HEADERS[version](file)
    except (OSError, MemoryError):
        raise
    except Exception:  # NumPy reads the header as Python; tokenize's errors are of no usual kind
        raise ValueError("its header is damaged") from None
    if dtype.hasobject or dtype.names or dtype.kind not in "biuf":
        raise ValueError(f"it holds {dtype.kind!r} values and no numbers")
    if min(shape, default=0) < 0:
        raise ValueError("it claims a shape below 0")
    return shape, fortran, dtype


def _member(file: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    with file.open(member) as stream:
        shape, fortran, dtype = npy_header(stream)
        data = stream.read()  # as much as there is, whatever the header claims: too little is a ValueError
    array = np.frombuffer(bytearray(data), dtype, math.prod(shape))
    return array.reshape(shape, order="F" if fortran else "C")
