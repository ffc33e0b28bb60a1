"""OME-Zarr (NGFF 0.4 and 0.5): the first, finest array of an image, read only where it is looked at.

Axes and the size of a pixel come from `multiscales`, as the specification has them:
https://ngff.openmicroscopy.org/0.5/ (Moore et al., Histochem Cell Biol 160:223, 2023).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.errors import UnetError, first_line
from napari_unet.files.calibration import assumed, micrometres, seconds
from napari_unet.files.image_file import ImageFile

MARKS = ("zarr.json", ".zgroup", ".zarray")
FAULTS = (AttributeError, LookupError, TypeError, ValueError, OSError, RuntimeError, ArithmeticError, MemoryError)
"""What Zarr raises where a folder is damaged or says something else than the specification."""


def is_zarr(path: Path) -> bool:
    """Whether a folder is a Zarr group or array, whatever its name."""
    return any(os.path.isfile(path / mark) for mark in MARKS)  # noqa: PTH113 - too long a name is no error to it


def read_zarr(path: Path, axes: str | None = None) -> ImageFile:
    """Return the image in a Zarr folder at full resolution, as a lazy array; a bare array needs `axes`.

    A name may go on within: `image.zarr/0` of several images, `image.zarr/labels/cells` of labels.
    """
    import zarr

    from napari_unet.files.zarr_store import FileStore

    try:
        opened = zarr.open(FileStore(path), mode="r")
        if isinstance(opened, zarr.Array):
            return _as_image(path, opened, axes or "", {})
        image, series = _first_image(path, opened)
        known = _multiscales(image)[0]
        array = image[known["datasets"][0]["path"]]
        return _as_image(path, array, axes or _letters(known), {**_sizes(known), **series})
    except UnetError:
        raise
    except FAULTS as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> UnetError:
    """Return the sentence for a fault."""
    return UnetError(f"cannot read {path.name} as OME-Zarr ({first_line(error)}): write it again")


class LazyArray:
    """The array of an image: it is read where it is sliced, and a damaged piece is a sentence."""

    def __init__(self, path: Path, array: Any) -> None:
        self._path, self._array = path, array
        self.shape, self.dtype, self.ndim = tuple(array.shape), np.dtype(array.dtype), array.ndim
        self.chunks: tuple[int, ...] = tuple(array.chunks)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        try:
            return np.asarray(self._array[key])
        except FAULTS as error:
            raise unreadable(self._path, error) from error

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return all of it."""
        return np.array(self[...], dtype=dtype, copy=None if copy is None else copy)


def _first_image(path: Path, group: Any) -> tuple[Any, dict[str, Any]]:
    """Return the group of an image, and of how many it is the first, as Bio-Formats writes several."""
    if _multiscales(group):
        return group, {}
    if "bioformats2raw.layout" in _ome(group) or "bioformats2raw.layout" in group.attrs:
        images = [name for name, _ in group.groups() if name.isdigit()]
        if "0" in images:
            return group["0"], {"series": len(images)} if len(images) > 1 else {}
    raise UnetError(
        f"{path.name} is Zarr without an image of its own: name the one in it, as in {path.name}/0, or of a plate "
        f"{path.name}/A/1/0"
    )


def _ome(group: Any) -> Mapping[str, Any]:
    """Return what OME says of a group: since 0.5 under a key of its own."""
    attributes: Mapping[str, Any] = group.attrs
    return attributes.get("ome", attributes)  # type: ignore[no-any-return]


def _multiscales(group: Any) -> list[Any]:
    return list(_ome(group).get("multiscales", []))


def _letters(known: Mapping[str, Any]) -> str:
    """Return the axes, which before 0.4 had names alone."""
    return "".join(axis if isinstance(axis, str) else axis["name"] for axis in known.get("axes", "tczyx")).upper()


def _sizes(known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the pixel size of the finest array, of the axes that have a scale and a unit of length or time."""
    axes = [axis for axis in known.get("axes", ()) if not isinstance(axis, str)]
    scale = [1.0] * len(axes)
    for part in (known["datasets"][0], known):
        for change in part.get("coordinateTransformations", ()):
            if change["type"] == "scale":
                scale = [one * float(two) for one, two in zip(scale, change["scale"], strict=True)]
    sizes = {a["name"].upper(): _size(a, s) for a, s in zip(axes, scale, strict=True)}
    return {"sizes": PixelSize.known(sizes)}


def _size(axis: Mapping[str, Any], scale: float) -> float | None:
    """Return um, or seconds along T."""
    return (seconds if axis["name"].upper() == "T" else micrometres)(scale, axis.get("unit", ""))


def _as_image(path: Path, array: Any, axes: str, facts: dict[str, Any]) -> ImageFile:
    """Return the array with its axes; UnetError where they do not fit."""
    named = axes.strip().upper()
    fits = len(set(named)) == len(named) == array.ndim and {"Y", "X"} <= set(named) <= set("TCZYX")
    if not fits:
        raise UnetError(
            f"{path.name} of shape {array.shape} needs one letter an axis out of T C Z Y X, got {named!r}: "
            f"give for example --axes {'TCZYX'[-array.ndim :]}"
        )
    size: PixelSize | None = facts.pop("sizes", None)
    if sentence := assumed(size, named):
        facts["assumed"] = sentence
    return ImageFile(array=LazyArray(path, array), axes=named, calibration=size, metadata=facts)
