"""From stored TIFF values to intensities: palettes, inverted gray, CMYK, alpha; what one sample means.

Source: TIFF 6.0, sections 5 (palette), 16 (CMYK) and 18 (alpha), and the PhotometricInterpretation tag.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.files.file_errors import damaged, undecodable
from napari_unet.files.tiff_raw import Stored

_NAMES = {"YCBCR": "YCbCr colours", "CIELAB": "CIELAB colours", "ICCLAB": "CIELAB colours"}
_COLOURS = ("RGB", "YCBCR")


def intensities(stored: Stored, *, keep_numbers: bool = False) -> tuple[npt.NDArray[Any], str]:
    """Return array and axes with samples last, as intensities: black is zero, colour is RGB or RGBA.

    - MINISWHITE (zero is white) is inverted where the values are bool or unsigned integers.
    - A colour palette is applied and gives RGB. Indices stay where the palette only shows intensity: where
      its red, green and blue rise or stay throughout (gray, or the green of a fluorescence channel), and in
      files of ImageJ, whose palettes are display settings.
    - CMYK is converted to RGB, without a colour profile. YCbCr (unless JPEG-coded) and CIELAB are refused.
    - The alpha of gray + alpha is dropped. Samples that are no colours, and more than four, are channels (C).

    With `keep_numbers` (for labels, whose values are names and no intensities) palette indices and MINISWHITE
    values stay as they are: tifffile writes every bool mask as MINISWHITE, with True for the object.
    """
    array, axes = samples_last(stored.array, stored.axes)
    if stored.photometric == "MINISWHITE" and not keep_numbers:
        array = _black_is_zero(array, stored.bits)
    if stored.photometric == "PALETTE" and not keep_numbers:
        return _with_palette(stored, array, axes)
    if stored.photometric == "SEPARATED" and axes.endswith("S") and array.shape[-1] == 4:
        return _cmyk_to_rgb(array), axes
    _refuse_other_colours(stored)
    return _samples_told_apart(stored, array, axes)


def samples_last(array: npt.NDArray[Any], axes: str) -> tuple[npt.NDArray[Any], str]:
    """Return array and axes with the S axis, if there is one, moved to the end."""
    if "S" not in axes:
        return array, axes
    return np.moveaxis(array, axes.index("S"), -1), axes.replace("S", "") + "S"


def _black_is_zero(array: npt.NDArray[Any], bits: int) -> npt.NDArray[Any]:
    """Return MINISWHITE values inverted; signed and floating values have no largest one and stay."""
    if array.dtype == bool:
        return ~array
    if array.dtype.kind != "u":
        return array
    largest = 2 ** (bits or 8 * array.dtype.itemsize) - 1
    inverted: npt.NDArray[Any] = np.subtract(array.dtype.type(largest), array)
    return inverted


def _with_palette(stored: Stored, array: npt.NDArray[Any], axes: str) -> tuple[npt.NDArray[Any], str]:
    """Return the colours that the palette gives, or the indices where they are intensities themselves."""
    if stored.imagej is not None or array.size == 0:
        return array, axes
    if stored.colormap is None:
        raise damaged(stored.path)
    indices = array.astype(np.uint8) if array.dtype == bool else array
    if int(indices.max()) >= stored.colormap.shape[1]:
        return array, axes
    used = stored.colormap[:, : int(indices.max()) + 1].astype(np.int64)
    if (np.diff(used, axis=1) >= 0).all():
        return array, axes
    # The standard has 16-bit entries; some writers store 8-bit ones all the same.
    palette = (used >> 8 if stored.colormap.max() > 255 else used).astype(np.uint8)
    if (palette == palette[0]).all():
        return palette[0][indices], axes
    return palette.T[indices], axes + "S"


def _cmyk_to_rgb(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return RGB of the dtype of CMYK samples, shape (..., 4), by (1 - ink)(1 - black)."""
    largest = np.iinfo(array.dtype).max if array.dtype.kind in "iu" else 1.0
    paper = 1.0 - array / float(largest)
    rgb = paper[..., :3] * paper[..., 3:] * largest
    return (np.rint(rgb) if array.dtype.kind in "iu" else rgb).astype(array.dtype)


def _refuse_other_colours(stored: Stored) -> None:
    """Refuse colours that tifffile leaves unconverted: taken for RGB they would be wrong in silence."""
    # The JPEG family (JPEG, OJPEG, APERIO_JP2000_YCBC, ...) leaves its decoder as RGB.
    if stored.photometric == "YCBCR" and "JP" in stored.compression:
        return
    if stored.photometric in _NAMES:
        raise undecodable(stored.path, _NAMES[stored.photometric])


def _samples_told_apart(stored: Stored, array: npt.NDArray[Any], axes: str) -> tuple[npt.NDArray[Any], str]:
    """Return RGB and RGBA as they are, gray + alpha without alpha, and other samples as channels."""
    if not axes.endswith("S"):
        return array, axes
    samples = array.shape[-1]
    if samples == 1 or (stored.photometric in _COLOURS and samples in (3, 4)):
        return array, axes
    # ExtraSamples 1 and 2 are alpha; 0 is "unspecified", and none at all says no more: data.
    if samples == 2 and {1, 2} & set(stored.extra_samples):
        return array[..., 0], axes[:-1]
    if "C" in axes:
        raise undecodable(stored.path, f"channels of {samples} samples each")
    return _samples_as_channels(array, axes)


def _samples_as_channels(array: npt.NDArray[Any], axes: str) -> tuple[npt.NDArray[Any], str]:
    """Return the last axis moved before the plane, and named C."""
    place = min(axes.index("Y"), axes.index("X"))
    return np.moveaxis(array, -1, place), axes[:place] + "C" + axes[place:-1]
