"""PNG, JPEG, GIF, WebP, JPEG 2000 and other pictures: planes and frames without a pixel size.

Read with Pillow, which scikit-image itself reads them with: unlike skimage.io it gives palette indices
(needed for labels), and unlike imagecodecs it refuses cut-off JPEGs. The exceptions are what Pillow would silently
reduce to 8 bits, PNG with 16-bit colour and JPEG 2000: those go to imagecodecs. Grey of 2 or 4 bits Pillow spreads
over 0..255.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageSequence, UnidentifiedImageError

from napari_unet.errors import UNFORESEEN, UnetError
from napari_unet.files.axis_names import named, renamed, require_image
from napari_unet.files.file_errors import damaged, not_a, unreadable
from napari_unet.files.image_file import ImageFile
from napari_unet.files.kinds import kind_by_content
from napari_unet.files.openable import require_regular_file

FORMATS = (
    *("PNG", "JPEG", "BMP", "GIF", "WEBP", "AVIF", "PPM", "TGA"),
    *("DIB", "ICO", "IM", "MSP", "PCX", "PSD", "QOI", "SGI", "SUN"),
)
"""Pillow's readers that decode pixels on their own; not those that start other programs, as for EPS."""
MAX_PIXELS = 2**30
"""Pixels of all frames together: each frame of an animation is as small as Pillow allows, but they may be many."""
_GREY, _SEVERAL_SAMPLES = 0, (2, 4, 6)
"""Colour types of PNG: grey; RGB, grey with alpha, RGB with alpha."""
_AS_STORED = ("1", "L", "LA", "RGB", "RGBA", "F", "I")


def read_picture(path: str | Path, axes: str | None = None, *, keep_numbers: bool = False) -> ImageFile:
    """Read a picture: axes YX, or YXS for RGB and RGBA; T before them for the frames of an animation.

    The alpha of gray + alpha is dropped. A palette is applied (gray where all its colours are), unless
    `keep_numbers` asks for the indices, as labels need it. One bit gives bool.
    """
    path = Path(path)
    require_regular_file(path)
    with _picture_errors(path):
        return _as_image_file(path, _pixels(path, keep_numbers=keep_numbers), axes)


def read_jpeg_2000(path: str | Path, axes: str | None = None) -> ImageFile:
    """Read a JPEG 2000 with all its bits: axes YX, or YXS for RGB and RGBA."""
    path = Path(path)
    require_regular_file(path)
    with _picture_errors(path):
        with Image.open(path, formats=("JPEG2000",)):  # refuses a header that claims too much
            pass
        return _as_image_file(path, [np.asarray(imagecodecs.jpeg2k_decode(path.read_bytes()))], axes)


def _as_image_file(path: Path, frames: list[npt.NDArray[Any]], axes: str | None) -> ImageFile:
    """Return frames of one shape, (Y, X) or (Y, X, samples), as an image; what cannot be one is refused."""
    array = frames[0] if len(frames) == 1 else np.stack(frames)
    several = len(frames) > 1
    if array.ndim == 3 + several and array.shape[-1] == 2:
        array = array[..., 0]
    array, letters = named(path, array, ("T" * several + "YXS")[: array.ndim])
    require_image(path, array, letters)
    array, letters = renamed(path, array, letters, letters, axes)
    return ImageFile(array=array, axes=letters)


def _pixels(path: Path, *, keep_numbers: bool) -> list[npt.NDArray[Any]]:
    """Return the frames that the decoder gives."""
    depth, colours = _png_header(path)
    if depth == 16 and colours in _SEVERAL_SAMPLES:
        return [np.asarray(imagecodecs.png_decode(path.read_bytes()))]
    with Image.open(path, formats=FORMATS) as picture:
        if getattr(picture, "n_frames", 1) > 1:
            return _frames(path, picture)
        array = _decoded(picture, keep_numbers=keep_numbers)
    few = keep_numbers and colours == _GREY and depth in (2, 4)
    return [array // np.uint8(255 // (2**depth - 1)) if few else array]


def _frames(path: Path, picture: Image.Image) -> list[npt.NDArray[Any]]:
    """Return all frames of an animation as RGB, or as gray where all colours of all are."""
    if getattr(picture, "n_frames", 1) * picture.width * picture.height > MAX_PIXELS:
        raise UnetError(f"{path.name} has too many pixels for a picture: save it as TIFF")
    frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(picture)]
    gray = all((frame == frame[..., :1]).all() for frame in frames)
    return [frame[..., 0] for frame in frames] if gray else frames


@contextmanager
def _picture_errors(path: Path) -> Iterator[None]:
    """Turn what is raised while a picture is read into a UnetError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UnetError:
        raise
    except UnidentifiedImageError as error:
        raise (damaged(path) if kind_by_content(path) else not_a(path.suffix[1:].upper(), path)) from error
    except Image.DecompressionBombError as error:
        raise UnetError(f"{path.name} has too many pixels for a picture: save it as TIFF") from error
    except OSError as error:
        # Pillow's own complaints are OSErrors without a number.
        raise (unreadable(path, error) if error.errno else damaged(path)) from error
    except (*UNFORESEEN, SyntaxError, EOFError, AttributeError, struct.error) as error:
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
