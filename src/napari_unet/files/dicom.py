"""DICOM: a plane or its frames, and the size of its pixels, read by pydicom (MIT; of the extra `formats`)."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.errors import UnetError
from napari_unet.files.axis_names import named, renamed, require_image
from napari_unet.files.calibration import assumed, micrometres, seconds
from napari_unet.files.file_errors import damaged
from napari_unet.files.image_file import ImageFile
from napari_unet.files.kinds import DICOM
from napari_unet.files.lazy_array import unreadable_as
from napari_unet.files.microscopes import missing_reader

MAX_RATIO = 1000
"""Bytes of pixels for each one of the file: none is compressed further, a damaged header claims anything."""


def read_dicom(path: str | Path, axes: str | None = None) -> ImageFile:
    """Read a DICOM file: axes YX, or YXS for colours; its frames are T where it says how long one takes, else Z.

    Values of MONOCHROME1, where 0 is white, are inverted. A slide in tiles is refused.

    Raises
    ------
    UnetError
        pydicom is not installed, the file is damaged or holds no image.
    """
    path = Path(path)
    try:
        import pydicom
    except ImportError:
        raise missing_reader(path, DICOM) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _image(path, pydicom.dcmread(path, force=True), axes)
    except UnetError:
        raise
    except Exception as error:  # pydicom raises what its decoders raise
        raise unreadable_as(DICOM, path, error) from error


def _image(path: Path, stored: Any, axes: str | None) -> ImageFile:
    """Return what an opened file holds."""
    if "TotalPixelMatrixColumns" in stored and int(stored.TotalPixelMatrixColumns) > int(stored.Columns):
        raise UnetError(f"{path.name} is a slide in tiles, which cannot be read here: save it as TIFF")
    if "Rows" not in stored:
        raise UnetError(f"{path.name} is a DICOM file without an image: choose one that holds pixels")
    frames, samples = int(stored.get("NumberOfFrames", 1) or 1), int(stored.get("SamplesPerPixel", 1))
    claimed = math.prod((frames, samples, int(stored.Rows), int(stored.Columns)))
    if claimed > path.stat().st_size * MAX_RATIO:
        raise damaged(path)
    in_time = "FrameTime" in stored or "FrameTimeVector" in stored
    letters = ("T" if in_time else "Z") * (frames > 1) + "YX" + "S" * (samples > 1)
    array, letters = named(path, _intensities(stored), letters)
    array, letters = renamed(path, array, letters, letters, axes)
    require_image(path, array, letters)
    size = _pixel_size(stored)
    remark = assumed(size, letters)
    metadata = {"assumed": remark} if remark else {}
    return ImageFile(array=array, axes=letters, calibration=size, metadata=metadata)


def _intensities(stored: Any) -> NDArray[Any]:
    """Return the pixels, black as zero; an alpha beside gray does not exist here."""
    array = np.asarray(stored.pixel_array)
    if stored.get("PhotometricInterpretation") == "MONOCHROME1":
        return np.asarray(array.max() - array if array.dtype.kind == "u" else -1 - array)
    return array


def _pixel_size(stored: Any) -> PixelSize | None:
    """Return um along Z, Y, X and seconds along T, as far as the file says; it counts in mm and ms."""
    measures = stored
    if "SharedFunctionalGroupsSequence" in stored:
        shared = stored.SharedFunctionalGroupsSequence[0]
        measures = shared.PixelMeasuresSequence[0] if "PixelMeasuresSequence" in shared else stored
    spacing = measures.get("PixelSpacing") or stored.get("ImagerPixelSpacing") or (None, None)
    depth = measures.get("SpacingBetweenSlices") or measures.get("SliceThickness")
    sizes = {axis: micrometres(value, "mm") for axis, value in zip("ZYX", (depth, *spacing), strict=True)}
    return PixelSize.known({**sizes, "T": seconds(stored.get("FrameTime"), "ms")})
