"""PNG, JPEG and BMP: pictures without axes or pixel size.

Read with Pillow, which scikit-image itself reads them with: unlike skimage.io it gives palette indices
(needed for labels), and unlike imagecodecs it refuses cut-off JPEGs. The exception is PNG with 16-bit colour,
which Pillow would silently reduce to 8 bits: that goes to imagecodecs. Grey of 2 or 4 bits it spreads over
0..255.
"""

from __future__ import annotations

import struct
import warnings
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from napari_unet.errors import UnetError
from napari_unet.files.axis_names import named, renamed, require_image
from napari_unet.files.file_errors import damaged, not_a, unreadable
from napari_unet.files.image_file import ImageFile
from napari_unet.files.openable import require_regular_file

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")

_GREY, _SEVERAL_SAMPLES = 0, (2, 4, 6)
"""Colour types of PNG: grey; RGB, grey with alpha, RGB with alpha."""
_AS_STORED = ("1", "L", "LA", "RGB", "RGBA", "F", "I")


def read_picture(path: str | Path, axes: str | None = None, *, keep_numbers: bool = False) -> ImageFile:
    """Read a PNG, JPEG or BMP: axes YX, or YXS for RGB and RGBA; the alpha of gray + alpha is dropped.

    A palette is applied (gray where all its colours are), unless `keep_numbers` asks for the indices, as
    labels need it. One bit gives bool. Of an animation the first frame is read.
    """
    path = Path(path)
    require_regular_file(path)
    array = _pixels(path, keep_numbers=keep_numbers)
    if array.ndim == 3 and array.shape[-1] == 2:
        array = array[..., 0]
    array, letters = named(path, array, "YXS"[: array.ndim])
    require_image(path, array, letters)
    array, letters = renamed(path, array, letters, letters, axes)
    return ImageFile(array=array, axes=letters)


def _pixels(path: Path, *, keep_numbers: bool) -> npt.NDArray[Any]:
    """Return what the decoder gives, its errors as sentences."""
    try:
        depth, colours = _png_header(path)
        if depth == 16 and colours in _SEVERAL_SAMPLES:
            return np.asarray(imagecodecs.png_decode(path.read_bytes()))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=("PNG", "JPEG", "BMP")) as picture:
                array = _decoded(picture, keep_numbers=keep_numbers)
        few = keep_numbers and colours == _GREY and depth in (2, 4)
        return array // np.uint8(255 // (2**depth - 1)) if few else array
    except UnetError:
        raise
    except UnidentifiedImageError as error:
        raise not_a(path.suffix[1:].upper(), path) from error
    except Image.DecompressionBombError as error:
        raise UnetError(f"{path.name} has too many pixels for a picture: save it as TIFF") from error
    except OSError as error:
        # Pillow's own complaints are OSErrors without a number.
        raise (unreadable(path, error) if error.errno else damaged(path)) from error
    except (ValueError, SyntaxError, RuntimeError, EOFError, struct.error) as error:
        raise damaged(path) from error


def _png_header(path: Path) -> tuple[int, int]:
    """Return the bits per sample and the colour type that the header of a PNG says; zeros for another file."""
    with path.open("rb") as file:
        head = file.read(26)
    return (head[24], head[25]) if len(head) == 26 and head.startswith(b"\x89PNG") else (0, 0)


def _decoded(picture: Image.Image, *, keep_numbers: bool) -> npt.NDArray[Any]:
    """Return the pixels of an opened picture."""
    if picture.mode == "P" and not keep_numbers:
        rgb = np.asarray(picture.convert("RGB"))
        gray = (rgb == rgb[..., :1]).all()
        return rgb[..., 0].copy() if gray else rgb.copy()
    if picture.mode == "P" or picture.mode in _AS_STORED or picture.mode.startswith("I;16"):
        array = np.array(picture)
        return array.astype(array.dtype.newbyteorder("="), copy=False)
    return np.array(picture.convert("RGB"))  # CMYK, YCbCr and rarer ones
