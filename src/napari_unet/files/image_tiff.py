"""Write an image that a network made: float32, calibrated, with its provenance."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.errors import UnetError
from napari_unet.files.atomic import atomic_path
from napari_unet.files.label_tags import imagej_arguments, ome_arguments
from napari_unet.files.tiff import CLASSIC_LIMIT, MASK_SUFFIXES, in_file_order, size_to_write


def write_image(
    path: str | Path,
    image: npt.NDArray[Any],
    *,
    axes: str,
    pixel_size: PixelSize | None,
    provenance: Mapping[str, Any] | None,
) -> None:
    """Write an image as a compressed float32 TIFF, whole or not at all.

    OME-TIFF where the name ends in .ome.tif or .ome.tiff, beyond 4 GiB, and for stacks one pixel wide, which
    ImageJ's format cannot tell from RGB; else an ImageJ hyperstack.

    Parameters
    ----------
    path
        Name that ends in .tif or .tiff.
    image
        Intensities, finite.
    axes
        One letter a dimension out of T C Z Y X.
    pixel_size
        um along Z, Y, X and seconds along T; None writes no calibration.
    provenance
        What made the image, JSON values.

    Raises
    ------
    UnetError
        If the file cannot be written there.
    """
    path = Path(path)
    if path.suffix.lower() not in MASK_SUFFIXES:
        raise UnetError(f"images are written as TIFF, got the name {path.name!r}: end it in .tif")
    with atomic_path(path) as temporary:
        size = size_to_write(axes, pixel_size)
        array, axes = in_file_order(np.asarray(image, np.float32), axes)
        ome = path.name.lower().endswith((".ome.tif", ".ome.tiff")) or array.nbytes >= CLASSIC_LIMIT
        if ome or (array.ndim > 2 and array.shape[-1] == 1):
            arguments = ome_arguments(axes, array.shape, size, {}, provenance)
            arguments["bigtiff"] = array.nbytes >= CLASSIC_LIMIT
        else:
            arguments = imagej_arguments(array, axes, size, provenance)
            arguments.pop("colormap")  # that of labels
            arguments["metadata"] |= {"min": float(array.min()), "max": float(array.max())}
        tifffile.imwrite(
            temporary, array, byteorder="<", photometric="minisblack", compression="zlib", **arguments
        )
