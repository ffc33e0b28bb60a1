"""The formats that labels are written in, and outlines that become labels again: the door of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import result_axes, result_shape
from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.errors import UnetError
from napari_unet.files.coco import read_coco, write_coco
from napari_unet.files.geojson import read_geojson, write_geojson
from napari_unet.files.image_file import ImageFile
from napari_unet.files.large_json import read_large_json
from napari_unet.files.ome_zarr_labels import write_ome_zarr
from napari_unet.files.outline_file import Facts, OutlineFile, labels_of, numbers_by_axis
from napari_unet.files.overlay import write_overlay
from napari_unet.files.rois import read_rois, write_rois
from napari_unet.files.tiff import write_labels

PICTURE = ".png"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFormat:
    """A format of labels: its title, the endings of its files, and what writes it."""

    title: str
    endings: tuple[str, ...]
    write: Callable[..., None] | None
    """Takes what `write_labels` takes; None for the picture, which needs the image too."""


FORMATS = (
    LabelFormat(title="ImageJ TIFF", endings=(".tif", ".tiff"), write=write_labels),
    LabelFormat(title="OME-TIFF", endings=(".ome.tif", ".ome.tiff"), write=write_labels),
    LabelFormat(title="ImageJ ROIs", endings=(".zip",), write=write_rois),
    LabelFormat(title="GeoJSON for QuPath", endings=(".geojson",), write=write_geojson),
    LabelFormat(title="COCO", endings=(".json",), write=write_coco),
    LabelFormat(title="OME-Zarr", endings=(".zarr",), write=write_ome_zarr),
    LabelFormat(title="picture with outlines", endings=(PICTURE,), write=None),
)
OUTLINE_ENDINGS = (".zip", ".roi", ".geojson", ".json")
"""Of files that hold outlines."""


def format_of(path: str | Path) -> LabelFormat:
    """Return the format that the ending of a name stands for, the longest that fits; UnetError for others."""
    name = Path(path).name.lower()
    fitting = [(ending, known) for known in FORMATS for ending in known.endings if name.endswith(ending)]
    if not fitting:
        endings = " ".join(known.endings[0] for known in FORMATS)
        raise UnetError(f"labels cannot be written as {Path(path).name!r}: end the name in one of {endings}")
    return max(fitting, key=lambda pair: len(pair[0]))[1]


def write_label_file(
    path: str | Path,
    labels: NDArray[Any],
    *,
    axes: str,
    pixel_size: PixelSize | Sequence[float] | None,
    provenance: Mapping[str, Any] | None,
    origin: Mapping[str, float] | None = None,
    image: Callable[[], NDArray[Any]] | None = None,
) -> None:
    """Write labels in the format that the name ends in; parameters as of `write_labels`.

    `image` returns the grey image (Y, X) under the outlines of a picture, which alone needs it.
    """
    known = format_of(path)
    if known.write is not None:
        known.write(path, labels, axes=axes, pixel_size=pixel_size, provenance=provenance, origin=origin)
        return
    if image is None:
        raise UnetError(f"{Path(path).name} shows outlines over the image: open it, or name it (--like IMAGE)")
    plane = np.asarray(labels)
    if plane.size != plane.shape[-1] * plane.shape[-2] or not axes.endswith("YX"):
        raise UnetError(f"a picture shows one plane, the labels have shape {plane.shape}: take one of them")
    write_overlay(path, image(), plane.reshape(plane.shape[-2:]))


def has_outlines(path: str | Path) -> bool:
    """Whether a file is one of outlines by its name."""
    return Path(path).name.lower().endswith(OUTLINE_ENDINGS)


def read_outlines(path: str | Path) -> OutlineFile:
    """Read ImageJ ROIs, GeoJSON or COCO; UnetError in a sentence where the file cannot be read."""
    path = Path(path)
    if path.suffix.lower() in (".zip", ".roi"):
        return read_rois(path)
    found = read_large_json(path)
    if isinstance(found, dict) and "annotations" in found:
        return read_coco(path, found)
    return read_geojson(path, found)


def read_outlined_labels(path: str | Path, like: ImageFile | None = None) -> ImageFile:
    """Return the labels (int32) that a file of outlines gives on an image, with its axes and pixel size.

    Parameters
    ----------
    path
        ImageJ ROIs (.zip, .roi), GeoJSON (.geojson, .json) or COCO (.json).
    like
        The image that the objects were outlined on, or labels of it; None where the file itself says its size.

    Raises
    ------
    UnetError
        The file cannot be read, nothing says how large the image is, or the outlines do not fit it.
    """
    file = read_outlines(path)
    facts = _facts_of(like, file) if like is not None else file.facts
    if facts is None:
        raise UnetError(f"{file.path.name} does not say how large its image is: name the image (--like IMAGE)")
    first = {axis: round(start) for axis, start in facts.origin.items()}
    return ImageFile(
        array=labels_of(file, facts.shape, facts.axes, first),
        axes=facts.axes,
        calibration=facts.pixel_size,
        metadata={"provenance": facts.provenance, "left_out": file.left_out},
        path=file.path,
    )


def _facts_of(like: ImageFile, file: OutlineFile) -> Facts:
    """Return shape, axes and pixel size of labels of an image; what made them says the file of outlines."""
    known = like.metadata.get("provenance") or {}
    made = file.facts.provenance if file.facts is not None else None
    return Facts(
        axes=result_axes(like.axes),
        shape=result_shape(like.axes, like.array.shape),
        pixel_size=like.calibration,
        origin=numbers_by_axis(known.get("origin")),
        provenance=made or {"source": like.path.name if like.path else "", "outlines": file.path.name},
    )
