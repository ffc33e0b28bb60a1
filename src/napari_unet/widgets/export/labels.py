"""What is written of a Labels layer, by the Export panel and by napari's File > Save alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import napari
import napari.layers
import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import SINGLE
from napari_unet.arrays.edits import EDITED, OBJECTS, count_edits, objects_by_hand
from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.conversion import grey_plane
from napari_unet.errors import UnetError
from napari_unet.files.image_file import ImageFile
from napari_unet.files.label_formats import write_label_file
from napari_unet.files.same_file import same_file
from napari_unet.widgets.viewer.layers import full_resolution, labels_axes, pixel_size, read_layer
from napari_unet.widgets.viewer.notes import notes_of
from napari_unet.widgets.viewer.origin import origin_of
from napari_unet.widgets.viewer.paint import image_of, images_of, nearest, path_of

PLACING = ("name", "scale", "translate", "rotate", "shear", "affine", "units", "axis_labels", "metadata")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelsToWrite:
    """A snapshot of a layer with all that its file is to say."""

    values: NDArray[Any]
    axes: str
    size: PixelSize | None
    origin: Mapping[str, float]
    provenance: Mapping[str, Any]
    originals: Sequence[NDArray[Any]]
    """What models said, or the file held, before the user edited it; empty where nothing is remembered."""
    image: ImageFile | None = None
    """The image under the outlines of a picture; None where it is not open."""

    def write(self, path: str | Path) -> None:
        """Write it; UnetError in a sentence where that fails."""
        single = [number for number, axis in enumerate(self.axes) if axis == SINGLE]
        values, image = self.values.squeeze(tuple(single)), self.image
        write_label_file(
            path,
            values,
            axes=self.axes.replace(SINGLE, ""),
            pixel_size=self.size,
            provenance=self.described(),
            origin={axis: start for axis, start in self.origin.items() if axis != SINGLE},
            image=None if image is None else lambda: grey_plane(image, values.shape),
        )

    def described(self) -> dict[str, Any]:
        """Return what made the labels, with what was changed by hand since."""
        return edited(self.provenance, nearest(self.originals, self.values), self.values)


def labels_to_write(
    layer: napari.layers.Labels, viewer: napari.viewer.Viewer | None, axes: str, size: PixelSize | None
) -> LabelsToWrite:
    """Return what is to be written of a layer with these axes and this pixel size."""
    notes = notes_of(layer)
    stored = () if notes.stored is None else (notes.stored,)
    return LabelsToWrite(
        values=np.array(full_resolution(layer)),
        axes=axes,
        size=size,
        origin=origin_of(viewer, layer, axes),
        provenance=provenance_of(layer),
        originals=notes.predictions or stored,
        image=None if viewer is None else _image_under(viewer, layer),
    )


def _image_under(viewer: napari.viewer.Viewer, layer: napari.layers.Labels) -> ImageFile | None:
    """Return the image that labels are of; None where it is not open, or is no single plane."""
    image = image_of(viewer, layer)
    if image is None:
        return None
    try:
        read = read_layer(image)
    except UnetError:
        return None
    return None if SINGLE in read.axes else ImageFile(array=read.array, axes=read.axes)


def write_labels_layer(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a Labels layer for napari's File > Save; return what was written."""
    levels = isinstance(data, Sequence) and not isinstance(data, np.ndarray)
    viewer = napari.current_viewer()
    if viewer is not None and (fault := replaced_image(viewer, Path(path))):
        raise UnetError(fault)
    full = np.asarray(data[0] if levels else data)
    layer = napari.layers.Labels(full, **{name: meta[name] for name in PLACING if name in meta})
    axes = labels_axes(layer)
    labels_to_write(layer, viewer, axes, pixel_size(layer, axes)).write(path)
    return [path]


def replaced_image(viewer: napari.viewer.Viewer, target: Path) -> str:
    """Return a sentence where a file is that of an image open in a viewer, under whatever name; else nothing."""
    opened = [path for image in images_of(viewer) if (path := path_of(image))]
    try:
        replaced = any(same_file(path, target) for path in opened)
    except UnetError as error:  # no permission
        return f"{error}."
    if replaced:
        return f"{target.name} is an image that is open here, and masks would replace it: choose another name."
    return ""


def provenance_of(layer: napari.layers.Layer) -> dict[str, Any]:
    """Return what made the labels; for labels that we did not make, that much."""
    return dict(notes_of(layer).provenance) or {"source": "labels drawn or loaded in napari"}


def edited(provenance: Mapping[str, Any], original: NDArray[Any] | None, values: NDArray[Any]) -> dict[str, Any]:
    """Return the provenance with what was changed by hand since; counts of former files are added to."""
    known = dict(provenance)
    if original is None or original.shape != values.shape:
        return known
    classes = known.get("values") == "classes"
    counts = count_edits(original, values, classes=classes)
    former = known.get(EDITED)
    if not any(counts.values()):
        return known
    if isinstance(former, Mapping):
        counts = {name: count + int(former.get(name, 0)) for name, count in counts.items()}
    by_hand = {} if classes else {OBJECTS: objects_by_hand(original, values, known.get(OBJECTS))}
    return {**known, EDITED: counts, **by_hand}
