"""Convert: labels from one format into another, and outlines that were corrected elsewhere into labels again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arguments import as_path
from napari_unet.errors import UnetError
from napari_unet.files.image_file import ImageFile
from napari_unet.files.images import read_image, read_labels
from napari_unet.files.label_formats import format_of, has_outlines, read_outlined_labels, write_label_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What was converted."""

    path: Path
    """The file that was written."""
    count: int
    """How many different ids, or classes, the labels have."""
    remarks: tuple[str, ...]
    """Sentences on what was left out or assumed."""


def convert(
    mask: str | Path, output: str | Path, *, like: str | Path | None = None, axes: str | None = None
) -> Path:
    """Write labels in another format, the one that the name of `output` ends in, and return its path.

    Instances, ids, class names and calibration are kept; outlines run along the edges of pixels, so that they come
    back as the same pixels.

    Parameters
    ----------
    mask
        A label image (TIFF, PNG, .npy, OME-Zarr), or outlines: ImageJ ROIs (.zip), GeoJSON (.geojson), COCO
        (.json).
    output
        Ends in .tif, .ome.tif, .zip (ImageJ ROIs), .geojson (QuPath), .json (COCO), .zarr (a folder that is not
        there yet) or .png (outlines over `like`).
    like
        The image that the labels are of: gives size and calibration where the mask does not say them, and is what
        a picture shows.
    axes
        One letter per axis of the mask, where its file does not say.

    Returns
    -------
    pathlib.Path
        The file that was written.

    Raises
    ------
    UnetError
        If a file cannot be read or written, or nothing says how large the image of outlines is.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from napari_unet import convert
    >>> labels = np.zeros((20, 30), np.int32)
    >>> labels[5:9, 5:25] = 7
    >>> with TemporaryDirectory() as folder:
    ...     np.save(Path(folder) / "mask.npy", labels)
    ...     rois = convert(Path(folder) / "mask.npy", Path(folder) / "cells.zip", axes="YX")
    ...     back = convert(rois, Path(folder) / "back.tif")
    ...     back.name
    'back.tif'
    """
    return convert_file(mask, output, like=like, axes=axes).path


def convert_file(
    mask: str | Path, output: str | Path, *, like: str | Path | None = None, axes: str | None = None
) -> Conversion:
    """Do the same; return also what is worth saying of it."""
    source, target = as_path(mask, "a mask"), as_path(output, "output")
    format_of(target)
    image = read_image(like) if like is not None else None
    labels = _labels(source, image, axes)
    known = labels.metadata.get("provenance")
    write_label_file(
        target,
        labels.array,
        axes=labels.axes,
        pixel_size=labels.calibration,
        provenance=known,
        origin=(known or {}).get("origin"),
        image=None if image is None else lambda: grey_plane(image, labels.array.shape),
    )
    values = np.unique(labels.array)
    return Conversion(path=target, count=int(np.count_nonzero(values)), remarks=_remarks(labels))


def grey_plane(image: ImageFile, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return the plane (Y, X) of an image under labels of a shape: its first channel, or the mean of its samples.

    UnetError where the image is of another size, or has several planes.
    """
    array = np.asarray(image.array)
    if image.axes.endswith("S"):
        array = array[..., :3].mean(axis=-1)
    letters = image.axes.replace("S", "")
    if "C" in letters:
        array = array.take(0, axis=letters.index("C"))
    plane = array.squeeze()
    if plane.shape != tuple(side for side in shape if side > 1) or plane.ndim != 2:
        raise UnetError(f"the image has shape {image.array.shape}, the labels {shape}: one plane of both is shown")
    return np.asarray(plane)


def _labels(path: Path, image: ImageFile | None, axes: str | None) -> ImageFile:
    """Return the labels in a file of either kind, with the calibration of their image where they have none."""
    if has_outlines(path):
        return read_outlined_labels(path, image)
    labels = read_labels(path, axes)
    if labels.calibration is None and image is not None:
        labels = replace(labels, calibration=image.calibration)
    return labels


def _remarks(labels: ImageFile) -> tuple[str, ...]:
    left_out = labels.metadata.get("left_out", 0)
    said = f"left out, {left_out} without an area: points, lines, texts or curves" if left_out else ""
    return tuple(sentence for sentence in (said, *labels.remarks) if sentence)
