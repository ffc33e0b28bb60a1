"""Read any microscopy TIFF with its axes and pixel size; write labels whole, calibrated and with provenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.errors import UnetError
from napari_unet.files.atomic import atomic_path
from napari_unet.files.axis_names import named, renamed, require_image
from napari_unet.files.calibration import assumed
from napari_unet.files.calibration import pixel_size as calibrated_pixel_size
from napari_unet.files.calibration import position as stage_position
from napari_unet.files.channel_names import tiff_channel_names
from napari_unet.files.colours import intensities
from napari_unet.files.image_file import ImageFile
from napari_unet.files.label_tags import MAX_FLOAT32, add_imagej_description, imagej_arguments, ome_arguments
from napari_unet.files.provenance import find_provenance, read_provenance
from napari_unet.files.tiff_raw import Stored, load
from napari_unet.whole_numbers import as_whole_numbers

__all__ = ["read_provenance", "read_tiff", "write_labels"]

MASK_SUFFIXES = (".tif", ".tiff")
"""Endings, in lower case, of the files that are written."""
# Classic TIFF addresses 4 GiB; some room is left for the tags of many planes.
CLASSIC_LIMIT = 2**32 - 2**26


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
    size = calibrated_pixel_size(stored)
    return ImageFile(
        array=array,
        axes=letters,
        calibration=size,
        metadata=_metadata(stored, assumed(size, letters), tiff_channel_names(stored, letters, array.shape)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TiffHeader:
    """What the header of a TIFF says of its first image."""

    shape: tuple[int, ...]
    axes: str
    """One letter per axis of `shape` out of T C Z Y X and S, wherever the samples stand."""
    pixel_size: PixelSize | None
    """None where the file does not say."""
    channel_names: tuple[str, ...] = ()
    """Names along C, empty where the file has none."""
    provenance: dict[str, Any] | None
    """What made the labels in it; None where they are not from us."""


def read_facts(path: str | Path) -> TiffHeader:
    """Read the header of a TIFF and none of its pixels; UnetError in a sentence where that fails."""
    stored = load(Path(path), pixels=False)
    outline, letters = named(stored.path, np.broadcast_to(np.uint8(0), stored.shape), stored.axes)
    return TiffHeader(
        shape=outline.shape,
        axes=letters,
        pixel_size=calibrated_pixel_size(stored),
        channel_names=tiff_channel_names(stored, letters, outline.shape),
        provenance=find_provenance(stored),
    )


def _metadata(stored: Stored, remark: str | None, names: tuple[str, ...]) -> dict[str, Any]:
    """Return what `ImageFile.metadata` promises, without entries that say nothing."""
    entries = {
        "provenance": find_provenance(stored),
        "series": stored.series if stored.series > 1 else None,
        "assumed": remark,
        "position": stage_position(stored),
        "channel_names": names or None,
    }
    return {key: value for key, value in entries.items() if value is not None}


def write_labels(
    path: str | Path,
    labels: npt.ArrayLike,
    *,
    axes: str,
    pixel_size: PixelSize | Sequence[float] | None,
    provenance: Mapping[str, Any] | None,
    origin: Mapping[str, float] | None = None,
    position: Mapping[str, float] | None = None,
) -> None:
    """Write labels as a compressed TIFF, whole or not at all: a former file survives every failure.

    OME-TIFF where the name ends in .ome.tif or .ome.tiff, else an ImageJ hyperstack; see `_as_imagej` for the
    exceptions. Both open in ImageJ with time, depth and calibration. uint16 where the ids allow, else float32 in
    ImageJ files (exact up to 16,777,216) and uint32 in OME-TIFFs. Axes of size 1 are not kept by ImageJ files.

    Parameters
    ----------
    path
        Name that ends in .tif or .tiff.
    labels
        Non-negative whole numbers.
    axes
        One letter a dimension: "YX", "ZYX", "TYX", "TZYX", ... Written in the order TZCYX.
    pixel_size
        PixelSize, or um along (Y, X) or (Z, Y, X), in this order whatever that of `axes`; an unknown Z is
        written as Y. None writes no calibration.
    provenance
        What made the labels: model, settings, version; anything that JSON can hold. None writes none.
    origin
        Of a part of an image: where its first pixel lies there, in pixels per axis. It is kept in the provenance,
        and as OME's stage position.
    position
        Where the first pixel of the image itself lies, in um per axis (seconds along T), as its file says. It is
        kept in the same two places.

    Raises
    ------
    UnetError
        Values, axes or pixel size are no labels', or the file cannot be written there.
    """
    path = Path(path)
    with atomic_path(path) as temporary:
        array = checked_labels(labels)
        _require_writable(path, array, axes)
        size = size_to_write(axes, pixel_size)
        place = {axis: float(start) for axis, start in (origin or {}).items()}
        provenance = _with_origin(provenance, place) if origin is not None else provenance
        if position:
            provenance = {**(provenance or {}), "position": dict(position)}
            place = _shifted(place, position, size)
        array, axes = in_file_order(array, axes)
        as_imagej = _as_imagej(path, array)
        if as_imagej:
            array = array if array.dtype == np.uint16 else array.astype(np.float32)
            arguments = imagej_arguments(array, axes, size, provenance)
        else:
            arguments = ome_arguments(axes, array.shape, size, place, provenance)
            arguments["bigtiff"] = array.nbytes >= CLASSIC_LIMIT  # which ImageJ does not read
        tifffile.imwrite(
            temporary, array, byteorder="<", photometric="minisblack", compression="zlib", **arguments
        )
        if not arguments.get("bigtiff", as_imagej):
            add_imagej_description(temporary, array, axes, size)


def _with_origin(provenance: Mapping[str, Any] | None, place: Mapping[str, float]) -> dict[str, Any] | None:
    """Return the provenance with the place where labels lie now, in place of one that it may hold."""
    known = {name: value for name, value in (provenance or {}).items() if name != "origin"}
    if any(place.values()):
        return {**known, "origin": dict(place)}
    return known if provenance is not None else None


def _shifted(place: Mapping[str, float], by: Mapping[str, float], size: PixelSize | None) -> dict[str, float]:
    """Return a place in pixels, shifted by um along the axes whose size is known."""
    steps = {axis: step for axis in by if size is not None and (step := size.get(axis)) is not None}
    return {**place, **{axis: place.get(axis, 0.0) + by[axis] / step for axis, step in steps.items()}}


def _as_imagej(path: Path, array: npt.NDArray[Any]) -> bool:
    """Tell whether the file becomes an ImageJ TIFF; every other becomes an OME-TIFF, whatever its name.

    ImageJ's own format holds no whole numbers beyond those of float32, nothing beyond 4 GiB, and no stack one
    pixel wide that tifffile would not take for one of RGB samples. OME-XML, other than tifffile's own "shaped"
    text, then keeps axes, pixel size and provenance in a form that Fiji, QuPath and napari all understand.
    """
    named_ome = path.name.lower().endswith((".ome.tif", ".ome.tiff"))
    thin = array.ndim > 2 and array.shape[-1] == 1
    return not (named_ome or thin) and int(array.max()) <= MAX_FLOAT32 and array.nbytes < CLASSIC_LIMIT


def size_to_write(axes: str, pixel_size: PixelSize | Sequence[float] | None) -> PixelSize | None:
    """Return what the file says of its axes; an unknown Z is Y, as readers would take it for 1 um."""
    size = PixelSize.of(pixel_size, axes)
    if size is None:
        return None
    size.require_valid()
    lengths = dict(zip((axis for axis in "ZYX" if axis in axes), size.lengths(axes) or (), strict=False))
    return PixelSize.known({**lengths, "T": size.get("T") if "T" in axes else None})


def in_file_order(array: npt.NDArray[Any], axes: str) -> tuple[npt.NDArray[Any], str]:
    """Return array and axes in ImageJ's one order, TZCYX, which OME allows too."""
    letters = sorted(axes, key="TZCYX".index)
    return array.transpose([axes.index(letter) for letter in letters]), "".join(letters)


def checked_labels(labels: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return labels as uint16, or uint32 where they need it; refuse what is no label image."""
    array = as_whole_numbers(np.asarray(labels))
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


def _require_writable(path: Path, array: npt.NDArray[Any], axes: str) -> None:
    """Refuse a name or axes that the file could not keep."""
    if path.suffix.lower() not in MASK_SUFFIXES:
        raise UnetError(f"labels are written as TIFF, got the name {path.name!r}: end it in .tif")
    known = sorted(set(axes) & set("TCZYX")) == sorted(axes)
    if not known or not {"Y", "X"} <= set(axes) or len(axes) != array.ndim:
        raise UnetError(
            f"axes of labels must be one letter a dimension out of T C Z Y X, got {axes!r} "
            f"for shape {array.shape}: give for example {'TCZYX'[-max(2, array.ndim) :]}"
        )
