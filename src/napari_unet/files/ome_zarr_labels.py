"""Labels as OME-Zarr: a group whose labels/NAME holds them with a pyramid, by the specification 0.5 or 0.4.

The group's own image is the label image itself, not a copy, so that readers that look for an image find one. See
https://ngff.openmicroscopy.org/0.5/ and Moore et al., Histochem Cell Biol 160:223, 2023.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.errors import UnetError
from napari_unet.files.atomic import atomic_folder
from napari_unet.files.outline_file import class_names
from napari_unet.files.provenance import KEY, encode
from napari_unet.files.tiff import checked_labels, size_to_write

NAME = "segmentation"
FORMATS = {"0.4": 2, "0.5": 3}
"""Versions of the specification, and the format of Zarr that each is written in."""
CHUNK = 1024
"""Side of a chunk in pixels: a few MB of labels, of which compression leaves some 10 kB."""
MIN_CHUNK = 128
"""Side of a chunk in pixels below which what is read beside the labels, some hundred bytes, counts."""
COARSEST = 256
"""The pyramid ends where a plane is no larger, in pixels: a thumbnail."""


def write_ome_zarr(
    path: str | Path,
    labels: npt.ArrayLike,
    *,
    axes: str,
    pixel_size: PixelSize | Sequence[float] | None,
    provenance: Mapping[str, Any] | None,
    origin: Mapping[str, float] | None = None,
    version: str = "0.5",
) -> None:
    """Write labels as an OME-Zarr folder that is not there yet, whole or not at all.

    Parameters as of `write_labels`; the origin becomes the translation. `version` is "0.5" or "0.4".
    """
    if version not in FORMATS:
        raise UnetError(f"OME-Zarr is written by version {' or '.join(FORMATS)}, got {version!r}: choose one")
    with atomic_folder(path) as temporary:
        array = checked_labels(labels)
        letters = ome_order(axes)
        array = array.transpose([axes.index(axis) for axis in letters])
        layout = OmeLayout(
            letters=letters, size=size_to_write(axes, pixel_size), origin=origin or {}, version=version
        )
        for key, content in _files(array, layout, provenance).items():
            file = temporary / key
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)


def ome_order(axes: str) -> str:
    """Return axes in the order that OME-Zarr asks for."""
    return "".join(sorted(axes, key="TCZYX".index))


def halved(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return labels (..., Y, X) at half their size: of 2 x 2 pixels the commonest, of equal ones the first."""
    odd = [(0, 0)] * (plane.ndim - 2) + [(0, side % 2) for side in plane.shape[-2:]]
    even = np.pad(plane, odd, mode="edge")
    a, b, c, d = (even[..., y::2, x::2] for y in (0, 1) for x in (0, 1))
    rest = np.where((b == c) | (b == d), b, np.where(c == d, c, a))
    return np.where((a == b) | (a == c) | (a == d), a, rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class OmeLayout:
    """What OME says of an array of labels."""

    letters: str
    size: PixelSize | None
    origin: Mapping[str, float]
    version: str

    def describe(self, group: Any, entry: Mapping[str, Any]) -> None:
        """Write what OME says of a group: since 0.5 under a key of its own."""
        if self.version == "0.4":
            group.attrs.update(entry)
        else:
            group.attrs["ome"] = {"version": self.version, **entry}

    def multiscales(self, count: int, where: str = "") -> list[dict[str, Any]]:
        """Return axes and levels of a pyramid whose arrays lie in `where`."""
        datasets = [
            {"path": f"{where}{level}", "coordinateTransformations": self._moves(2**level)}
            for level in range(count)
        ]
        axes = [self._axis(letter) for letter in self.letters]
        return [{**self.said, "name": NAME, "axes": axes, "datasets": datasets, "type": "mode"}]

    @property
    def said(self) -> dict[str, str]:
        """Return the version where each entry states it: in 0.4."""
        return {"version": self.version} if self.version == "0.4" else {}

    def _moves(self, factor: int) -> list[dict[str, Any]]:
        """Return scale and place of a level; the place is that of the middle of its first pixel."""
        scale, place = [], []
        for axis in self.letters:
            step = float((self.size.get(axis) if self.size is not None else None) or 1)
            coarser = factor if axis in "YX" else 1
            scale.append(step * coarser)
            place.append(step * (self.origin.get(axis, 0) + (coarser - 1) / 2))
        return [{"type": "scale", "scale": scale}, {"type": "translation", "translation": place}]

    def _axis(self, letter: str) -> dict[str, str]:
        """Return an axis, with a unit where its pixel size is known."""
        kind = {"T": "time", "C": "channel"}.get(letter, "space")
        unit = {"time": "second", "space": "micrometer"}.get(kind, "")
        known = self.size is not None and self.size.get(letter) is not None
        return {"name": letter.lower(), "type": kind, **({"unit": unit} if known and unit else {})}


def _files(array: npt.NDArray[Any], layout: OmeLayout, provenance: Mapping[str, Any] | None) -> dict[str, bytes]:
    """Return the files of the folder by their names in it: Zarr writes into memory, what fails is met here."""
    from zarr.storage import MemoryStore

    kept: dict[str, Any] = {}
    levels = _pyramid(array)
    root, group = make_groups(MemoryStore(kept), layout)
    for number, level in enumerate(levels):
        make_level(group, number, layout, shape=level.shape, dtype=level.dtype)[...] = level
    describe(root, group, layout, len(levels), provenance)
    return {key: value.to_bytes() for key, value in kept.items()}


def make_groups(store: Any, layout: OmeLayout) -> tuple[Any, Any]:
    """Return a new group, and the one within it that is to hold the levels of the labels."""
    import zarr

    root = zarr.open_group(store, mode="w", zarr_format=FORMATS[layout.version])  # type: ignore[arg-type]
    return root, root.create_group("labels").create_group(NAME)


def describe(root: Any, group: Any, layout: OmeLayout, levels: int, provenance: Mapping[str, Any] | None) -> None:
    """Write what makes the groups an image and its labels; before that, no reader takes them for one."""
    layout.describe(root["labels"], {"labels": [NAME]})
    label = {**layout.said, **_image_label(provenance)}
    layout.describe(group, {"multiscales": layout.multiscales(levels), "image-label": label})
    layout.describe(root, {"multiscales": layout.multiscales(levels, f"labels/{NAME}/")})
    if provenance is not None:
        group.attrs[KEY] = encode(provenance)


def _pyramid(array: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    """Return labels at their own size, at half of it, and so on."""
    levels = [array]
    for _ in level_shapes(array.shape)[1:]:
        levels.append(halved(levels[-1]))
    return levels


def make_level(
    group: Any,
    number: int,
    layout: OmeLayout,
    *,
    shape: Sequence[int],
    dtype: npt.DTypeLike,
    sides: Mapping[str, int] | None = None,
) -> Any:
    """Make the array of one level of the pyramid, filled with 0; `sides` of its files per axis, else planes.

    Since 0.5 a file is a shard: several chunks, of which readers fetch those that they show.
    """
    known = sides or dict.fromkeys("YX", CHUNK)
    lengths = zip(layout.letters, shape, strict=True)
    stored = tuple(min(length, known.get(axis, 1)) for axis, length in lengths)
    if layout.version == "0.4":
        version: dict[str, Any] = {"chunks": stored, "chunk_key_encoding": {"name": "v2", "separator": "/"}}
    else:
        chunks = tuple(_chunk_side(side) for side in stored)
        shards = {"shards": stored} if chunks != stored else {}
        version = {"chunks": chunks, **shards, "dimension_names": list(layout.letters.lower())}
    return group.create_array(str(number), shape=tuple(shape), dtype=dtype, **version)


def _chunk_side(side: int) -> int:
    """Return the largest part of a file's side that divides it and is no larger than half of `CHUNK`."""
    parts = [side // count for count in range(1, side // MIN_CHUNK + 1) if side % count == 0]
    return next((part for part in parts if part <= CHUNK // 2), side)


def level_shapes(shape: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the shapes of the levels of a pyramid: the whole, half of its rows and columns, and so on."""
    shapes = [tuple(shape)]
    while max(shapes[-1][-2:]) > COARSEST:
        *others, rows, columns = shapes[-1]
        shapes.append((*others, -(-rows // 2), -(-columns // 2)))
    return shapes


def _image_label(provenance: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what says that these are labels: of which image, and what classes are called."""
    classes = class_names(provenance)
    named = [{"label-value": number, "name": name} for number, name in enumerate(classes or ()) if number]
    return {"source": {"image": "../../"}, **({"properties": named} if named else {})}
