"""OME-Zarr (NGFF up to 0.5): the first, finest array of an image, read only where it is looked at.

Axes, the size of a pixel and the place of the first one come from `multiscales`, as the specification has them:
https://ngff.openmicroscopy.org/0.5/ (Moore et al., Histochem Cell Biol 160:223, 2023). Plates and wells are
folders of images.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.errors import UnetError
from napari_unet.files.axis_names import require_image
from napari_unet.files.calibration import assumed, micrometres, seconds
from napari_unet.files.channel_names import zarr_channel_names
from napari_unet.files.image_file import ImageFile
from napari_unet.files.lazy_array import FAULTS, LazyArray, unreadable_as
from napari_unet.files.provenance import KEY, decode

MARKS = ("zarr.json", ".zgroup", ".zarray")
ZARR, LATEST = "OME-Zarr", [0, 5]
"""The kind of file, and the last version of its specification that is understood."""


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
        _require_version(path, image)
        known = _multiscales(image)[0]
        array = image[known["datasets"][0]["path"]]
        letters = axes or _letters(known)
        facts = {**_facts(known), **series, **_provenance(image, known)}
        if names := zarr_channel_names(_ome(image), letters.strip().upper(), array.shape):
            facts["channel_names"] = names
        return _as_image(path, array, letters, facts)
    except UnetError:
        raise
    except FAULTS as error:
        raise unreadable_as(ZARR, path, error) from error


def fields_of(path: Path) -> list[Path]:
    """Return the images of a plate or a well, by its own list: PLATE/ROW/COLUMN/FIELD; the path itself of others.

    Raises
    ------
    UnetError
        It is damaged, or names images outside its folder.
    """
    import zarr

    from napari_unet.files.zarr_store import FileStore

    try:
        opened = zarr.open(FileStore(path), mode="r")
        names = [] if isinstance(opened, zarr.Array) else _fields(path, opened)
    except FAULTS as error:
        raise unreadable_as(ZARR, path, error) from error
    return [path / name for name in names] or [path]


def _fields(path: Path, group: Any) -> list[str]:
    """Return the names of the images of a plate or a well, none for another group.

    A well that is listed and cannot be read stands there itself: whoever reads it says what is wrong.
    """
    known = _ome(group)
    if "plate" in known:
        wells = dict.fromkeys(_inner(well["path"]) for well in known["plate"]["wells"])
        return [field for well in wells for field in _fields_of_well(path, group, well) or [well]]
    return (
        list(dict.fromkeys(_inner(image["path"]) for image in known["well"]["images"])) if "well" in known else []
    )


def _fields_of_well(path: Path, plate: Any, well: str) -> list[str]:
    """Return the names of the images of a well in its plate, none where they cannot be told."""
    if not is_zarr(path / well):
        return []
    try:
        return [f"{well}/{_inner(image['path'])}" for image in _ome(plate[well])["well"]["images"]]
    except FAULTS:
        return []


def _inner(name: str) -> str:
    """Return the name of a group within another; ValueError for one that leads elsewhere."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts:
        raise ValueError(f"it names an image outside its folder, {name!r}")
    return "/".join(parts)


def _first_image(path: Path, group: Any) -> tuple[Any, dict[str, Any]]:
    """Return the group of an image, and of how many it is the first, as plates and Bio-Formats write several."""
    if _multiscales(group):
        return group, {}
    _require_version(path, group)
    images = _fields(path, group)
    if "bioformats2raw.layout" in _ome(group) or "bioformats2raw.layout" in group.attrs:
        images = images or sorted((name for name, _ in group.groups() if name.isdigit()), key=int)
    if images:
        first = next((name for name in images if is_zarr(path / name) and _multiscales(group[name])), images[0])
        return group[first], {"series": len(images)} if len(images) > 1 else {}
    raise UnetError(
        f"{path.name} is Zarr without an image of its own: name the one in it, as in {path.name}/0, or of a plate "
        f"{path.name}/A/1/0"
    )


def _require_version(path: Path, group: Any) -> None:
    """Refuse what was written by a later specification: its axes and scales stand elsewhere."""
    known = _ome(group)
    stated = next((one["version"] for one in (known, *_multiscales(group)) if "version" in one), "")
    numbers = [int(number) for number in re.findall(r"\d+", str(stated))[:2]]
    if numbers > LATEST:
        raise UnetError(
            f"{path.name} is OME-Zarr {stated}, which cannot be read here: write it as version "
            f"{'.'.join(map(str, LATEST))}"
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


def _facts(known: Mapping[str, Any]) -> dict[str, Any]:
    """Return pixel size and place of the finest array, of the axes that have a unit of length or time."""
    axes = [axis for axis in known.get("axes", ()) if not isinstance(axis, str)]
    scale, start = [1.0] * len(axes), [0.0] * len(axes)
    for part in (known["datasets"][0], known):  # a later change is applied to what the former made
        for change in part.get("coordinateTransformations", ()):
            if change["type"] == "scale":
                factors = [float(factor) for factor in change["scale"]]
                scale = [one * two for one, two in zip(scale, factors, strict=True)]
                start = [one * two for one, two in zip(start, factors, strict=True)]
            elif change["type"] == "translation":
                start = [one + float(two) for one, two in zip(start, change["translation"], strict=True)]
    names = [axis["name"].upper() for axis in axes]
    steps = [_size(axis, step) for axis, step in zip(axes, scale, strict=True)]
    # of a unit that is known; the pixel's own size tells what 1 is
    places = {
        name: place / one * step
        for name, place, one, step in zip(names, start, scale, steps, strict=True)
        if place and step is not None
    }
    position = {"position": places} if places else {}
    return {"sizes": PixelSize.known(dict(zip(names, steps, strict=True))), **position}


def _provenance(group: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return what made the labels of a group of ours, where it says so beside their finest array."""
    within = str(known["datasets"][0]["path"]).rpartition("/")[0]
    text = (group[within] if within else group).attrs.get(KEY)
    found = decode(text) if text is not None else None
    return {"provenance": found} if found is not None else {}


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
    require_image(path, array, named)
    size: PixelSize | None = facts.pop("sizes", None)
    if sentence := assumed(size, named):
        facts["assumed"] = sentence
    return ImageFile(array=LazyArray(path, array, ZARR), axes=named, calibration=size, metadata=facts)
