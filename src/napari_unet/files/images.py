"""Any image file in, one ImageFile out: the door of this room."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_unet.arrays.source import Source
from napari_unet.errors import UnetError
from napari_unet.files.image_file import ImageFile
from napari_unet.files.numpy_file import SIGNATURE, read_npy
from napari_unet.files.openable import first_bytes
from napari_unet.files.pictures import PICTURE_SUFFIXES, read_picture
from napari_unet.files.tiff import read_tiff
from napari_unet.files.zarr import is_zarr, read_zarr
from napari_unet.whole_numbers import as_whole_numbers

__all__ = ["IMAGE_SUFFIXES", "ImageFile", "open_image", "read_image", "read_labels"]

TIFF_SUFFIXES = (".tif", ".tiff", ".btf", ".tf2", ".tf8", ".lsm", ".svs", ".stk")
"""Endings, in lower case, under which TIFFs are known: big ones, of Zeiss, of Aperio, of MetaMorph."""
TIFF, PICTURE, NUMPY = "tiff", "picture", "numpy"
SIGNATURES = {
    b"II*\0": TIFF,
    b"MM\0*": TIFF,
    b"II+\0": TIFF,
    b"MM\0+": TIFF,
    b"\x89PNG\r\n\x1a\n": PICTURE,
    b"\xff\xd8\xff": PICTURE,
    SIGNATURE: NUMPY,
}
"""First bytes of files, and who reads them; BMP has only two of its own, so that its name must end so."""
IMAGE_SUFFIXES = (*TIFF_SUFFIXES, *PICTURE_SUFFIXES, ".npy")
"""Endings, in lower case, of the files that can be read; how, their content tells, whatever the ending."""


def read_image(path: str | Path, axes: str | None = None) -> ImageFile:
    """Read a TIFF, PNG, JPEG, BMP or NumPy (.npy) file, or an OME-Zarr folder, whose array stays lazy.

    Parameters
    ----------
    path
        The kind of file is told by its first bytes, whatever its name ends in; Zarr by what the folder holds.
    axes
        One letter a dimension out of T C Z Y X, and S for RGB samples, in place of what the file says.

    Raises
    ------
    UnetError
        One sentence on why the file cannot be read, or why `axes` does not fit.
    """
    return replace(_read(Path(path), axes, keep_numbers=False), path=Path(path))


def open_image(path: str | Path, axes: str | None = None) -> Source:
    """Return the image in a file as a `Source`: array, axes, pixel size; see `read_image`.

    Parameters
    ----------
    path
        A TIFF, PNG, JPEG or BMP file, or an OME-Zarr folder, whose array stays lazy.
    axes
        One letter a dimension out of T C Z Y X, and S for RGB samples, in place of what the file says.

    Returns
    -------
    Source
        What `segment` takes.

    Raises
    ------
    UnetError
        One sentence on why the file cannot be read, or why `axes` does not fit.

    Examples
    --------
    >>> from napari_unet import open_image
    >>> from napari_unet.samples import SAMPLES
    >>> open_image(SAMPLES[0].path).axes
    'YX'
    """
    return read_image(path, axes).source


def read_labels(path: str | Path, axes: str | None = None) -> ImageFile:
    """Read a label image as int32: the stored whole numbers, palette indices included, 0 for background.

    Floating point values are read where none has a fraction, as MorphoLibJ and CLIJ write labels.

    Raises
    ------
    UnetError
        The file cannot be read, or holds colours, fractions or negative numbers.
    """
    path = Path(path)
    image = _read(path, axes, keep_numbers=True)
    image = replace(image, array=as_whole_numbers(np.asarray(image.array)))
    _require_labels(path, image)
    return replace(image, array=image.array.astype(np.int32))


def _read(path: Path, axes: str | None, *, keep_numbers: bool) -> ImageFile:
    """Send the file to the reader for its content."""
    if is_zarr(path):
        return read_zarr(path, axes)
    kind = kind_of(path)
    if kind == TIFF:
        return read_tiff(path, axes, keep_numbers=keep_numbers)
    if kind == PICTURE:
        return read_picture(path, axes, keep_numbers=keep_numbers)
    if kind == NUMPY:
        return read_npy(path, axes)
    raise UnetError(
        f"cannot read {path.name}: its ending is none of {' '.join(IMAGE_SUFFIXES)}: "
        "open it in Fiji and save it as TIFF"
    )


def is_image(path: Path) -> bool:
    """Whether a file is an image by its content or its name; one that nobody may read is, if its name says so."""
    try:
        return bool(kind_of(path))
    except UnetError:
        return path.suffix.lower() in IMAGE_SUFFIXES


def kind_of(path: Path) -> str:
    """Return the reader of a file by its first bytes, else by its name, so that it says what is wrong; or nothing.

    UnetError where it is no file, or nobody may read it.
    """
    head = first_bytes(path)
    by_content = next((kind for begin, kind in SIGNATURES.items() if head.startswith(begin)), "")
    suffix = path.suffix.lower()
    by_name = TIFF if suffix in TIFF_SUFFIXES else PICTURE if suffix in PICTURE_SUFFIXES else ""
    return by_content or by_name or (NUMPY if suffix == ".npy" else "")


def _require_labels(path: Path, image: ImageFile) -> None:
    """Refuse what cannot be labels, before a cast to int32 hides it."""
    array = image.array
    if "S" in image.axes:
        raise UnetError(
            f"labels must be one number a pixel, but {path.name} is a colour picture: "
            "save them as a 16-bit gray TIFF or PNG"
        )
    if array.dtype.kind not in "biu":
        raise UnetError(f"labels must be whole numbers, got {array.dtype} in {path.name}: save them as uint16")
    if int(array.min()) < 0:
        raise UnetError(
            f"labels must not be negative, got {int(array.min())} in {path.name}: use 0 for background"
        )
    if int(array.max()) >= 2**31:
        raise UnetError(
            f"labels must be below 2147483648, got {int(array.max())} in {path.name}: number them anew from 1"
        )
