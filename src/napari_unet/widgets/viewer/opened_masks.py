"""Masks that were exported and are opened again: napari shows every TIFF as an image, these are made labels.

A reader of ours would be asked about every TIFF, and napari would ask the user which one is to read it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakSet, ref

from napari.layers import Image, Labels
from qtpy.QtCore import QTimer

from napari_unet.arrays.axes import result_axes
from napari_unet.widgets.viewer.file_header import KEY, SIZES, written_mask
from napari_unet.widgets.viewer.layers import move, placement, read_layer, unwrapped
from napari_unet.widgets.viewer.paint import image_of, name_values

if TYPE_CHECKING:
    import napari

_WATCHED: WeakSet[Any] = WeakSet()


def show_masks_as_labels(viewer: napari.viewer.Viewer) -> None:
    """From now on let masks that we wrote be Labels layers in this viewer; those that are open become so too."""
    viewer = unwrapped(viewer)
    if viewer in _WATCHED:
        return
    _WATCHED.add(viewer)
    known = ref(viewer)
    viewer.layers.events.inserted.connect(lambda event: _came(known, event.value))
    for layer in viewer.layers:
        _came(known, layer)


def _came(viewer: ref[Any], layer: napari.layers.Layer) -> None:
    if written_mask(layer) is not None:
        QTimer.singleShot(0, partial(_replace, viewer, layer))  # once all have seen it come


def _replace(known: ref[Any], layer: Image) -> None:
    viewer, facts = known(), written_mask(layer)
    if viewer is None or facts is None or layer not in viewer.layers:
        return
    labels = Labels(
        layer.data,
        name=layer.name,
        scale=layer.scale,  # as napari shows the image, too
        units=layer.units,
        metadata={KEY: {"axes": facts.axes, "provenance": facts.provenance, SIZES: facts.sizes}},
    )
    if classes := (facts.provenance or {}).get("classes"):
        name_values(labels, dict(enumerate(classes)))
    labels._set_source(layer.source)  # it is nothing that was drawn here: see Autosave
    image = image_of(viewer, labels)
    if image is not None:  # it may be shown at another scale than the file's
        axes = read_layer(image).axes
        move(labels, placement(image, axes, result_axes(axes)))
    viewer.layers.remove(layer)
    viewer.add_layer(labels)
