"""Corrections of a batch's masks, kept beside them as annotation layers: what was painted outlives its layers.

The file `a_annotation.tif` beside the mask `a_labels.tif` says what a person said of the image: 0 nothing, 1
background, 2 and up one object each. It is read again when the image is opened; `napari-unet fine-tune` takes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray

from napari_unet.arrays.annotations import (
    BACKGROUND,
    FIRST_INSTANCE,
    as_painted,
    corrected,
    corrected_classes,
)
from napari_unet.errors import UnetError
from napari_unet.files.image_list import MASK_ENDING
from napari_unet.files.images import read_labels
from napari_unet.files.openable import is_file
from napari_unet.files.tiff import write_labels
from napari_unet.widgets.viewer.notes import notes_of
from napari_unet.widgets.viewer.paint import is_untouched, prediction_of

ENDING = "_annotation.tif"
SPATIAL = "YX"
"""Axes of what a person sees at once: what is touched in one plane says nothing of the others."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenedImage:
    """The layers that show one image of a batch."""

    image: Path
    mask: Path
    axes: str
    """Of the labels."""
    result: Labels
    annotation: Labels | None = None
    """What was said of it before, painted on since."""

    @property
    def layers(self) -> list[Labels]:
        """Return the layers that can be painted on."""
        return [self.result] if self.annotation is None else [self.result, self.annotation]


def annotation_file(mask: Path) -> Path:
    """Return where the corrections of a mask are kept."""
    return mask.with_name(mask.name.removesuffix(MASK_ENDING) + ENDING)


def is_corrected(mask: Path) -> bool:
    """Whether there are corrections of a mask from before."""
    return is_file(annotation_file(mask))


def read_corrections(mask: Path, shape: tuple[int, ...]) -> NDArray[np.int32] | None:
    """Return the stored annotation of an image whose labels have this shape; None where none fits."""
    if not is_corrected(mask):
        return None
    values: NDArray[np.int32] = read_labels(annotation_file(mask)).array
    return values.reshape(shape) if values.size == np.prod(shape) else None


def save_corrections(opened: OpenedImage) -> bool:
    """Write the annotation of an image, from corrections of its mask and before; return whether there is any."""
    said = _said(opened)
    target = annotation_file(opened.mask)
    if said is None or not said.any():
        if opened.annotation is not None:  # it was taken back
            target.unlink(missing_ok=True)
        return False
    provenance = {"software": "napari-unet-interactive", "source": opened.image.name, "values": "strokes"}
    write_labels(target, said, axes=opened.axes, pixel_size=None, provenance=provenance)
    return True


def _said(opened: OpenedImage) -> NDArray[np.int32] | None:
    """Return the annotation layer of an image, from corrections and before; None where there is none."""
    before = None if opened.annotation is None else np.asarray(opened.annotation.data, np.int32)
    fresh = _corrected(opened)
    if fresh is None or before is None:
        return before if fresh is None else fresh
    highest = max(int(fresh.max()), BACKGROUND)
    others = np.where(before >= FIRST_INSTANCE, before + highest - BACKGROUND, before)
    said: NDArray[np.int32] = np.where(fresh > 0, fresh, others)
    return said


def _corrected(opened: OpenedImage) -> NDArray[np.int32] | None:
    """Return corrections of the mask as an annotation layer; None where there are none."""
    prediction = prediction_of(opened.result)
    if prediction is None or is_untouched(opened.result):
        return None
    values = np.asarray(opened.result.data)
    if notes_of(opened.result).provenance.get("values") == "classes":
        return as_painted(corrected_classes(prediction, values), values > 0)
    through = tuple(number for number, axis in enumerate(opened.axes) if axis not in SPATIAL)
    try:
        return as_painted(corrected(prediction, values, through=through), values > 0, through=through)
    except UnetError:  # what is painted are no labels
        return None
