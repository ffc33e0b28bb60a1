"""Any image file in, one ImageFile out: the door of this room."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_unet.arguments import as_path
from napari_unet.arrays.source import Source
from napari_unet.errors import UnetError
from napari_unet.files.dicom import read_dicom
from napari_unet.files.file_errors import not_a
from napari_unet.files.image_file import ImageFile
from napari_unet.files.kinds import DICOM, FOREIGN, JPEG_2000, NUMPY, PICTURE, TIFF, kind_of
from napari_unet.files.microscopes import read_foreign
from napari_unet.files.numpy_file import read_npy
from napari_unet.files.pictures import read_jpeg_2000, read_picture
from napari_unet.files.tiff import read_tiff
from napari_unet.files.zarr import is_zarr, read_zarr
from napari_unet.whole_numbers import as_whole_numbers

__all__ = ["ImageFile", "open_image", "read_image", "read_labels"]


def read_image(path: str | Path, axes: str | None = None) -> ImageFile:
    """Read a TIFF, a picture, a NumPy (.npy), DICOM or microscope's file, or an OME-Zarr folder.

    What may be large stays lazy: OME-Zarr, large TIFFs, ND2, LIF and CZI.

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
    place = as_path(path, "an image")
    return replace(_read(place, axes, keep_numbers=False), path=place)


def open_image(path: str | Path, axes: str | None = None) -> Source:
    """Return the image in a file as a `Source`: array, axes, pixel size; see `read_image`.

    Parameters
    ----------
    path
        An image file or an OME-Zarr folder, as `read_image` takes it.
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
    if kind in FOREIGN:
        return read_foreign(path, kind, axes)
    if kind in (TIFF, PICTURE):
        return (read_tiff if kind == TIFF else read_picture)(path, axes, keep_numbers=keep_numbers)
    if kind in _BY_KIND:
        return _BY_KIND[kind](path, axes)
    raise not_a("known image", path)


_BY_KIND = {NUMPY: read_npy, JPEG_2000: read_jpeg_2000, DICOM: read_dicom}


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
