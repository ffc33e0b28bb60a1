"""Images and masks of a batch as layers, placed as the Segment panel places its results."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from numpy.typing import NDArray

from napari_unet.arrays.axes import result_axes
from napari_unet.arrays.corrections import find_corrections, merge_classes, merge_corrections
from napari_unet.errors import UnetError, first_line
from napari_unet.files.batch_row import BatchRow
from napari_unet.files.image_file import ImageFile
from napari_unet.files.images import read_labels
from napari_unet.widgets.batch.corrections import OpenedImage, read_corrections, save_corrections
from napari_unet.widgets.viewer.annotation_layers import OBJECTS, new_annotation_layer
from napari_unet.widgets.viewer.channels import open_images
from napari_unet.widgets.viewer.file_header import known_size
from napari_unet.widgets.viewer.layers import LayerImage, read_layer, unwrapped
from napari_unet.widgets.viewer.notes import RESULT, InputChoice, LayerNotes, as_metadata, notes_of, sign
from napari_unet.widgets.viewer.paint import (
    image_reference,
    images_of,
    is_untouched,
    labels_shape,
    path_of,
    prediction_of,
    prepare_painting,
)
from napari_unet.widgets.viewer.placing import as_displayed, placement, update_labels

if TYPE_CHECKING:
    import napari


class OpenedImages:
    """The images of a batch that are open in a viewer; what is painted on one is kept when it is closed."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = unwrapped(viewer)
        self._opened: list[OpenedImage] = []

    def show(self, row: BatchRow, model: Path) -> None:
        """Show an image and its mask alone."""
        opened = self._find(row.image)
        if opened is None:
            opened = self._open(row, model)
        else:
            self._renew(opened, row, model)
        for other in self._present():
            self._set_visible(other, visible=other is opened)
        self._viewer.layers.selection.active = opened.result
        self._viewer.reset_view()

    def renew(self, row: BatchRow, model: Path) -> None:
        """Show the new mask of an image that is open."""
        opened = self._find(row.image)
        if opened is not None:
            self._renew(opened, row, model)

    def save(self) -> int:
        """Write the corrections of all that is open; return of how many images there are any."""
        return sum(save_corrections(opened) for opened in self._present())

    def closed(self, layer: Any) -> None:
        """Write what was painted on a layer that was removed."""
        for opened in self._opened:
            if layer in opened.layers:
                save_corrections(opened)
        self._opened = self._present()

    def _present(self) -> list[OpenedImage]:
        """Return the images of which labels are shown."""
        return [opened for opened in self._opened if any(layer in self._viewer.layers for layer in opened.layers)]

    def _find(self, image: Path) -> OpenedImage | None:
        """Return an image that is open with its mask."""
        if _image_layer(self._viewer, image) is None:
            return None
        found = (opened for opened in self._opened if opened.image == image)
        return next((opened for opened in found if opened.result in self._viewer.layers), None)

    def _open(self, row: BatchRow, model: Path) -> OpenedImage:
        """Add the layers of an image: itself, its mask, and what was said of it before."""
        mask = read_labels(row.mask)
        layer = _image_layer(self._viewer, row.image) or _open_image(self._viewer, row.image, mask.array.size)
        read = read_layer(layer)
        labels = _over(layer, mask, row)
        notes = _notes(layer, read, mask, labels, model)
        result = self._viewer.add_labels(
            labels,
            name=f"{layer.name} ({notes.provenance.get('model', 'mask')})",
            metadata=as_metadata(notes),
            **placement(layer, read.axes, notes.axes),
        )
        sign(result)
        classes = notes.provenance.get("classes", ())
        prepare_painting(result, classes, notes.provenance.get("class_marks", ()))
        opened = OpenedImage(image=row.image, mask=row.mask, axes=notes.axes, result=result)
        said = read_corrections(row.mask, labels.shape)
        if said is not None:
            opened = replace(opened, annotation=_add_annotation(self._viewer, layer, read, said, classes))
        self._opened.append(opened)
        return opened

    def _renew(self, opened: OpenedImage, row: BatchRow, model: Path) -> None:
        """Put the mask of a row into a layer that shows a former one; what was corrected there stays."""
        layer = _image_layer(self._viewer, row.image)
        mask = read_labels(row.mask)
        if layer is None or mask.metadata.get("provenance") == notes_of(opened.result).provenance:
            return
        read, found = read_layer(layer), _over(layer, mask, row)
        labels, before = _with_corrections(opened.result, found)
        notes, place = _notes(layer, read, mask, before, model), placement(layer, read.axes, opened.axes)
        if labels.max(initial=0) > np.iinfo(opened.result.data.dtype).max:
            opened.result.data = labels  # which cannot be undone
        update_labels(opened.result, labels, notes, place)

    def _set_visible(self, opened: OpenedImage, *, visible: bool) -> None:
        image = _image_layer(self._viewer, opened.image)
        for layer in (image, *opened.layers):
            if layer in self._viewer.layers:
                layer.visible = visible


def _image_layer(viewer: napari.viewer.Viewer, path: Path) -> Image | None:
    """Return the layer that shows a file, None where it is not open."""
    return next((layer for layer in images_of(viewer) if path_of(layer) and Path(path_of(layer)) == path), None)


def _open_image(viewer: napari.viewer.Viewer, path: Path, pixels: int) -> Image:
    """Open a file as napari does, and return the image in it of which labels have so many pixels."""
    try:
        images = open_images(viewer, path)
    except Exception as error:  # whatever a reader raises
        raise UnetError(f"napari cannot open {path.name} ({first_line(error)}): save it as TIFF") from error
    fitting = [image for image in images if math.prod(labels_shape(image)) == pixels]
    if not fitting:
        raise UnetError(
            f"napari shows {path.name} in another size than its mask has: segment it in the Segment panel"
        )
    return fitting[0]


def _over(layer: Image, mask: ImageFile, row: BatchRow) -> NDArray[Any]:
    """Return the labels of a mask with the axes of its image: files do not keep those of length 1."""
    shape = labels_shape(layer)
    if math.prod(shape) != mask.array.size:
        raise UnetError(f"{row.mask.name} has another size than {layer.name}: segment the image again")
    return as_displayed(mask.array.reshape(shape))


def _with_corrections(result: Labels, found: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return labels found anew with what a person corrected in a result, and what they are without it."""
    before = prediction_of(result)
    if before is None or is_untouched(result):
        return found, found
    after = np.asarray(result.data)
    if notes_of(result).provenance.get("values") == "classes":
        merged = merge_classes(found, before, after)
    else:
        merged = merge_corrections(found, find_corrections(before, after))
    return as_displayed(merged.labels), as_displayed(merged.before)


def _notes(layer: Image, read: LayerImage, mask: ImageFile, labels: NDArray[Any], model: Path) -> LayerNotes:
    """Return what the Segment panel would note with this result."""
    made = mask.metadata.get("provenance") or {}
    channel = made.get("settings", {}).get("channel")
    shown = str(made.get("model", "")) + (f", channel {channel}" if channel is not None else "")
    return LayerNotes(
        role=RESULT,
        image=image_reference(layer),
        kind=f"{shown}, {made.get('model_sha256', '')}",
        axes=result_axes(read.axes),
        model_path=str(model),
        provenance=made,
        pixel_size=known_size(layer),
        inputs=_inputs(made),
        predictions=(labels.copy(),),
    )


def _inputs(made: Mapping[str, Any]) -> tuple[InputChoice, ...]:
    """Return what the inputs of the model read, where it has several: Fine-tune is to teach these."""
    channels = made.get("settings", {}).get("channels") or ()
    return tuple(InputChoice(channel=one) for one in channels) if len(channels) > 1 else ()


def _add_annotation(
    viewer: napari.viewer.Viewer, layer: Image, read: LayerImage, said: NDArray[np.int32], classes: Sequence[str]
) -> Labels:
    """Add the stored annotation of an image as a layer to learn from and to paint on."""
    meanings = {number + 1: name for number, name in enumerate(classes)} or OBJECTS
    annotation = new_annotation_layer(viewer, layer, read, meanings)
    annotation.data = as_displayed(said)
    annotation.mode = "pan_zoom"
    return annotation
