"""Read any microscopy TIFF with its axes and pixel size; write labels whole, calibrated and with provenance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_unet.errors import UnetError
from napari_unet.files.atomic import atomic_path
from napari_unet.files.axis_names import named, renamed, require_image
from napari_unet.files.calibration import LARGEST, SMALLEST
from napari_unet.files.calibration import pixel_size as calibrated_pixel_size
from napari_unet.files.colours import intensities
from napari_unet.files.image_file import ImageFile
from napari_unet.files.provenance import KEY, encode, find_provenance, info_line, read_provenance
from napari_unet.files.tiff_raw import Stored, load

__all__ = ["read_provenance", "read_tiff", "write_labels"]

MASK_SUFFIXES = (".tif", ".tiff")
"""Endings, in lower case, of the files that are written."""
# Classic TIFF addresses 4 GiB; some room is left for the tags of many planes.
_CLASSIC_LIMIT = 2**32 - 2**26


def read_tiff(path: str | Path, axes: str | None = None, *, keep_numbers: bool = False) -> ImageFile:
    """Read the first image of a TIFF, at full resolution.

    MINISWHITE is inverted to black-is-zero, colour palettes are applied, planar RGB becomes RGB last; see
    `colours.intensities` for the rules, `layout.named` for unnamed axes, `calibration` for pixel sizes.

    Parameters
    ----------
    path
        ImageJ hyperstack, OME-TIFF or plain TIFF; any byte order, BigTIFF, tiles, any usual compression.
    axes
        One letter a dimension out of T C Z Y X S, in place of what the file says.
    keep_numbers
        For labels: keep palette indices and MINISWHITE values as they are stored.

    Raises
    ------
    UnetError
        One sentence on why the file cannot be read, or why `axes` does not fit.
    """
    stored = load(Path(path))
    array, letters = named(stored.path, *intensities(stored, keep_numbers=keep_numbers))
    array, letters = renamed(stored.path, array, letters, stored.axes, axes)
    require_image(stored.path, array, letters)
    size, assumed = calibrated_pixel_size(stored, letters)
    return ImageFile(array=array, axes=letters, pixel_size=size, metadata=_metadata(stored, assumed))


@dataclass(frozen=True, slots=True, kw_only=True)
class TiffHeader:
    """What the header of a TIFF says of its first image."""

    shape: tuple[int, ...]
    axes: str
    """One letter per axis of `shape` out of T C Z Y X and S, wherever the samples stand."""
    sizes: dict[str, float]
    """um along the axes Z, Y, X; empty where the file does not say."""
    provenance: dict[str, Any] | None
    """What made the labels in it; None where they are not from us."""


def read_facts(path: str | Path) -> TiffHeader:
    """Read the header of a TIFF and none of its pixels; UnetError in a sentence where that fails."""
    stored = load(Path(path), pixels=False)
    outline, letters = named(stored.path, np.broadcast_to(np.uint8(0), stored.shape), stored.axes)
    size, _ = calibrated_pixel_size(stored, letters)
    spatial = [axis for axis in "ZYX" if axis in letters]
    return TiffHeader(
        shape=outline.shape,
        axes=letters,
        sizes=dict(zip(spatial, size or (), strict=False)),
        provenance=find_provenance(stored),
    )


def _metadata(stored: Stored, assumed: str | None) -> dict[str, Any]:
    """Return what `ImageFile.metadata` promises, without entries that say nothing."""
    entries = {
        "provenance": find_provenance(stored),
        "series": stored.series if stored.series > 1 else None,
        "assumed": assumed,
    }
    return {key: value for key, value in entries.items() if value is not None}


def write_labels(
    path: str | Path,
    labels: npt.ArrayLike,
    *,
    axes: str,
    pixel_size: tuple[float, ...] | None,
    provenance: Mapping[str, Any] | None,
) -> None:
    """Write labels as a compressed TIFF, whole or not at all: a former file survives every failure.

    uint16, or uint32 where a label exceeds 65,535. OME-TIFF where the name ends in .ome.tif or .ome.tiff,
    else an ImageJ TIFF; see `_as_imagej` for the exceptions. Axes of size 1 are not kept by ImageJ files.

    Parameters
    ----------
    path
        Name that ends in .tif or .tiff.
    labels
        Non-negative integers.
    axes
        One letter a dimension: "YX", "ZYX", "TYX", "TZYX", ... Written in the order TZCYX.
    pixel_size
        um along (Y, X), or (Z, Y, X) where `axes` holds Z; None writes no calibration.
    provenance
        What made the labels: model, settings, version; anything that JSON can hold. None writes none.

    Raises
    ------
    UnetError
        Values, axes or pixel size are no labels', or the file cannot be written there.
    """
    path = Path(path)
    with atomic_path(path) as temporary:
        array = _checked_labels(labels)
        _require_writable(path, array, axes, pixel_size)
        array, axes = _in_file_order(array, axes)
        form = _imagej_form if _as_imagej(path, array) else _ome_form
        arguments = form(array, axes, pixel_size, provenance)
        tifffile.imwrite(temporary, array, photometric="minisblack", compression="zlib", **arguments)


def _as_imagej(path: Path, array: npt.NDArray[Any]) -> bool:
    """Tell whether the file becomes an ImageJ TIFF; every other becomes an OME-TIFF, whatever its name.

    ImageJ's own format holds no uint32, nothing beyond 4 GiB, and no stack one pixel wide that tifffile would
    not take for one of RGB samples. OME-XML, other than tifffile's own "shaped"
    text, then keeps axes, pixel size and provenance in a form that Fiji, QuPath and napari all understand.
    """
    named_ome = path.name.lower().endswith((".ome.tif", ".ome.tiff"))
    thin = array.ndim > 2 and array.shape[-1] == 1
    return not (named_ome or thin) and array.dtype == np.uint16 and array.nbytes < _CLASSIC_LIMIT


def _imagej_form(
    array: npt.NDArray[Any],
    axes: str,
    pixel_size: tuple[float, ...] | None,
    provenance: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return tifffile's arguments for an ImageJ TIFF; min and max set the display range in Fiji."""
    metadata: dict[str, Any] = {"axes": axes, "min": 0.0, "max": float(max(1, array.max()))}
    if provenance is not None:
        metadata["Info"] = info_line(provenance)
    if pixel_size is None:
        return {"imagej": True, "metadata": metadata}
    sizes = _by_axis(axes, pixel_size)
    metadata["unit"] = "micron"
    if "Z" in sizes:
        metadata["spacing"] = sizes["Z"]
    return {"imagej": True, "metadata": metadata, "resolution": (1 / sizes["X"], 1 / sizes["Y"])}


def _ome_form(
    array: npt.NDArray[Any],
    axes: str,
    pixel_size: tuple[float, ...] | None,
    provenance: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return tifffile's arguments for an OME-TIFF; resolution tags in cm serve readers that know no OME."""
    metadata: dict[str, Any] = {"axes": axes}
    if provenance is not None:
        metadata["MapAnnotation"] = {KEY: encode(provenance)}
    arguments = {"ome": True, "metadata": metadata, "bigtiff": array.nbytes >= _CLASSIC_LIMIT}
    if pixel_size is None:
        return arguments
    sizes = _by_axis(axes, pixel_size)
    for axis, size in sizes.items():
        metadata[f"PhysicalSize{axis}"] = size
        metadata[f"PhysicalSize{axis}Unit"] = "µm"
    per_cm = (1e4 / sizes["X"], 1e4 / sizes["Y"])
    return {**arguments, "resolution": per_cm, "resolutionunit": "CENTIMETER"}


def _in_file_order(array: npt.NDArray[Any], axes: str) -> tuple[npt.NDArray[Any], str]:
    """Return array and axes in ImageJ's one order, TZCYX, which OME allows too."""
    letters = sorted(axes, key="TZCYX".index)
    return array.transpose([axes.index(letter) for letter in letters]), "".join(letters)


def _by_axis(axes: str, pixel_size: tuple[float, ...]) -> dict[str, float]:
    """Return um by the letter of the spatial axis."""
    return dict(zip((letter for letter in axes if letter in "ZYX"), map(float, pixel_size), strict=True))


def _checked_labels(labels: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return labels as uint16, or uint32 where they need it; refuse what is no label image."""
    array = np.asarray(labels)
    if array.dtype.kind not in "biu":
        raise UnetError(f"labels must be whole numbers, got {array.dtype}: convert them to int32 first")
    if array.size == 0:
        raise UnetError(f"labels must have pixels, got shape {array.shape}: segment an image first")
    smallest, largest = int(array.min()), int(array.max())
    if smallest < 0:
        raise UnetError(f"labels must not be negative, got {smallest}: use 0 for background")
    if largest >= 2**32:
        raise UnetError(f"labels must be below 4294967296, got {largest}: number them anew from 1")
    return array.astype(np.uint16 if largest < 2**16 else np.uint32, copy=False)


def _require_writable(
    path: Path, array: npt.NDArray[Any], axes: str, pixel_size: tuple[float, ...] | None
) -> None:
    """Refuse a name, axes or pixel size that the file could not keep."""
    if path.suffix.lower() not in MASK_SUFFIXES:
        raise UnetError(f"labels are written as TIFF, got the name {path.name!r}: end it in .tif")
    known = sorted(set(axes) & set("TCZYX")) == sorted(axes)
    if not known or not {"Y", "X"} <= set(axes) or len(axes) != array.ndim:
        raise UnetError(
            f"axes of labels must be one letter a dimension out of T C Z Y X, got {axes!r} "
            f"for shape {array.shape}: give for example {'TCZYX'[-max(2, array.ndim) :]}"
        )
    spatial = len(set(axes) & set("ZYX"))
    if pixel_size is None:
        return
    if len(pixel_size) != spatial or not all(SMALLEST <= size <= LARGEST for size in pixel_size):
        raise UnetError(
            f"pixel_size must be {spatial} numbers from {SMALLEST:g} to {LARGEST:g} um for axes {axes}, got "
            f"{pixel_size}: give one for each spatial axis, or None"
        )
