"""Masks that were exported and are opened again: napari shows every TIFF as an image, these are made labels.

A reader of ours would be asked about every TIFF, and napari would ask the user which one is to read it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakSet, ref

import numpy as np
from napari.layers import Image, Labels
from numpy.typing import NDArray
from qtpy.QtCore import QTimer

from napari_unet.arrays.axes import result_axes
from napari_unet.files.tiff import TiffHeader
from napari_unet.whole_numbers import as_whole_numbers
from napari_unet.widgets.viewer.file_header import known_size, written_mask
from napari_unet.widgets.viewer.layers import read_layer, remember_size, unwrapped
from napari_unet.widgets.viewer.notes import LayerNotes, as_metadata, notes_of, write_notes
from napari_unet.widgets.viewer.origin import kept_origin, with_its_axes
from napari_unet.widgets.viewer.paint import REMEMBERED_BYTES, image_of, show_classes
from napari_unet.widgets.viewer.placing import move, placement

if TYPE_CHECKING:
    import napari

_WATCHED: WeakSet[Any] = WeakSet()


def watch_layers(viewer: napari.viewer.Viewer) -> None:
    """Note what is known of each layer of a viewer when it comes, and let masks that we wrote be labels."""
    viewer = unwrapped(viewer)
    if viewer in _WATCHED:
        return
    _WATCHED.add(viewer)
    known = ref(viewer)
    viewer.layers.events.inserted.connect(lambda event: _came(known, event.value))
    for layer in viewer.layers:
        _came(known, layer)


def _came(viewer: ref[Any], layer: napari.layers.Layer) -> None:
    if not isinstance(layer, Image | Labels):
        return
    if written_mask(layer) is not None:
        QTimer.singleShot(0, partial(_replace, viewer, layer))  # once all have seen it come
    else:
        remember_size(layer)
        _adopt_size(viewer(), layer)
        for event in (layer.events.scale, layer.events.units):
            event.connect(_calibrated)


def _adopt_size(viewer: napari.viewer.Viewer | None, layer: napari.layers.Layer) -> None:
    """Give labels that were drawn on an image its pixel size, where they lie over it at its own scale."""
    if viewer is None or not isinstance(layer, Labels) or known_size(layer) is not None:
        return
    image = image_of(viewer, layer)
    if image is not None and np.array_equal(image.scale[-layer.ndim :], layer.scale):
        write_notes(layer, replace(notes_of(layer), pixel_size=known_size(image)))


def _calibrated(event: Any) -> None:
    remember_size(event.source)


def _replace(known: ref[Any], layer: Image) -> None:
    viewer, header = known(), written_mask(layer)
    if viewer is None or header is None or layer not in viewer.layers:
        return
    values = as_whole_numbers(np.asarray(layer.data))
    if values.dtype.kind == "f":
        return  # it only says that it holds labels
    labels = _as_labels(layer, values, header)
    image = image_of(viewer, labels)
    if image is not None:  # it may be shown at another scale than the file's
        axes = read_layer(image).axes
        move(labels, placement(image, axes, result_axes(axes), notes_of(labels).origin))
    viewer.layers.remove(layer)
    viewer.add_layer(labels)


def _as_labels(layer: Image, values: NDArray[Any], header: TiffHeader) -> Labels:
    """Return the labels of a file at their place, at the scale at which napari shows its pixels."""
    provenance = header.provenance or {}
    origin = kept_origin(provenance)
    values, axes = with_its_axes(values, header.axes, origin)
    starts = [origin.get(axis, 0.0) for axis in axes]
    whole = bool(origin) and all(start.is_integer() and start >= 0 for start in starts)
    notes = LayerNotes(
        axes=axes,
        origin=tuple(map(int, starts)) if whole else (),
        provenance=provenance,
        pixel_size=header.pixel_size,
        stored=values.copy() if values.nbytes <= REMEMBERED_BYTES else None,
    )
    scales = dict(zip(header.axes, layer.scale, strict=True))
    units = dict(zip(header.axes, layer.units, strict=True))
    scale = [scales.get(axis, 1.0) for axis in axes]
    labels = Labels(
        values,
        name=layer.name,
        scale=scale,
        translate=np.multiply(starts, scale),
        units=tuple(units.get(axis, "pixel") for axis in axes),
        metadata=as_metadata(notes),
    )
    if classes := provenance.get("classes"):
        show_classes(labels, classes, provenance.get("class_marks", ()))
    labels._set_source(layer.source)  # it is nothing that was drawn here: see Autosave
    return labels
