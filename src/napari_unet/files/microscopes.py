"""Microscopes' own files (Nikon ND2, Leica LIF, Zeiss CZI), read where they are looked at by bioio.

bioio and its readers for ND2 (MIT) and LIF (BSD) are the extra `formats`. The one for CZI is under the GPL: it is
used where it is installed.
"""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.errors import UnetError
from napari_unet.files.axis_names import renamed, require_image
from napari_unet.files.calibration import assumed as assumed_spacing
from napari_unet.files.calibration import micrometres, seconds
from napari_unet.files.image_file import ImageFile
from napari_unet.files.kinds import CZI, LIF, ND2
from napari_unet.files.lazy_array import LazyArray, unreadable_as

EXTRA = 'pip install "napari-unet-interactive[formats]"'
_READERS = {ND2: "bioio_nd2", LIF: "bioio_lif", CZI: "bioio_czi"}


def missing_reader(path: Path, kind: str) -> UnetError:
    """Return the sentence for a file whose reader is not installed."""
    more = " bioio-czi (its licence is the GPL)" if kind == CZI else ""
    return UnetError(f"{path.name} is a {kind} file, whose reader is not installed: {EXTRA}{more}")


def read_foreign(path: Path, kind: str, axes: str | None = None) -> ImageFile:
    """Return the first image of a microscope's file as a lazy array, with the size of its pixels.

    The tiles of a mosaic are put together as bioio does. Axes of length 1, but Y and X, are left out.

    Raises
    ------
    UnetError
        The reader is not installed, the file is damaged, or `axes` does not fit.
    """
    try:
        from bioio import BioImage

        reader = import_module(_READERS[kind]).Reader
    except ImportError:
        raise missing_reader(path, kind) from None
    try:
        return _first_image(path, kind, BioImage(path, reader=reader), axes)
    except UnetError:
        raise
    except Exception as error:  # each reader has errors of its own
        raise unreadable_as(kind, path, error) from error


def _first_image(path: Path, kind: str, image: Any, axes: str | None) -> ImageFile:
    """Return the first image that bioio found in a file."""
    order, array = image.dims.order, image.dask_data
    kept = [place for place, letter in enumerate(order) if array.shape[place] > 1 or letter in "YX"]
    array = array[tuple(slice(None) if place in kept else 0 for place in range(array.ndim))]
    letters = "".join(order[place] for place in kept)
    array, letters = renamed(path, array, letters, letters, axes)
    require_image(path, array, letters)
    size = _pixel_size(image)
    facts = {
        "series": len(image.scenes) if len(image.scenes) > 1 else None,
        "channel_names": tuple(map(str, image.channel_names or ())) if "C" in letters else None,
        "assumed": assumed_spacing(size, letters),
    }
    known = {name: value for name, value in facts.items() if value}
    return ImageFile(array=LazyArray(path, array, kind), axes=letters, calibration=size, metadata=known)


def _pixel_size(image: Any) -> PixelSize | None:
    """Return um along Z, Y, X and seconds along T, which is how bioio's readers state them."""
    lengths, interval = image.physical_pixel_sizes, image.time_interval
    interval = interval.total_seconds() if isinstance(interval, timedelta) else interval
    sizes = {axis: micrometres(getattr(lengths, axis), "um") for axis in "ZYX"}
    return PixelSize.known({**sizes, "T": seconds(interval, "s")})
