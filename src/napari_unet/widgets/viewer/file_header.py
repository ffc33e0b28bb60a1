"""What the file of an image says of it and napari does not: its axes and pixel size.

napari opens a TIFF as bare numbers. The header is read once, when a layer comes, and kept in the layer's notes,
which napari hands on to the layers that it derives from it. The layer itself is left as it is, for others may lie
over it.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import napari.layers
import numpy as np

from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.errors import UnetError
from napari_unet.files.kinds import TIFF, kind_of
from napari_unet.files.tiff import TiffHeader, read_facts
from napari_unet.widgets.viewer.notes import notes_of, write_notes

LABELS = ("objects", "classes")
"""What the values of labels are, in their provenance."""


def header_axes(layer: napari.layers.Layer) -> str | None:
    """Return the axes by the file of a layer, or of the layer that it derives from; None where unclear."""
    header = file_header(layer)
    rgb = bool(getattr(layer, "rgb", False))
    if header is None or rgb != header.axes.endswith("S"):
        return None
    letters = header.axes if rgb else header.axes.replace("S", "C")  # samples that napari shows as an axis
    if len(set(letters)) < len(letters):
        return None
    shape = _shape(layer)
    if shape == header.shape or len(shape) >= len(header.shape):
        return letters if shape == header.shape else None
    return _left_over(shape, header.shape, letters)


def _left_over(shape: tuple[int, ...], whole: tuple[int, ...], axes: str) -> str | None:
    """Return which axes of a stack an array has that was split or projected from it; None where several fit."""
    found = set()
    for kept in combinations(range(len(whole)), len(shape)):
        if tuple(whole[place] for place in kept) == shape:
            found.add("".join(axes[place] for place in kept))
    fitting = [letters for letters in found if {"Y", "X"} <= set(letters)]
    return fitting[0] if len(fitting) == 1 else None


def known_size(layer: napari.layers.Layer) -> PixelSize | None:
    """Return the pixel size that a layer's file states, or that was stated of what the layer derives from."""
    file_header(layer)
    return notes_of(layer).pixel_size


def written_mask(layer: napari.layers.Layer) -> TiffHeader | None:
    """Return what the file says of an image layer that shows labels which we wrote; None for all others."""
    if not isinstance(layer, napari.layers.Image) or layer.multiscale or layer.source.path is None:
        return None
    header = file_header(layer)
    if header is None or header.provenance is None or header.shape != _shape(layer):
        return None
    if np.dtype(layer.data.dtype).kind not in "iuf":
        return None
    return header if header.provenance.get("values", "objects") in LABELS else None  # else they are probabilities


def file_header(layer: napari.layers.Layer) -> TiffHeader | None:
    """Return what the header of a layer's file says; it is read at the first call and kept in the notes."""
    notes = notes_of(layer)
    if notes.header_read:
        return notes.header
    header = _read(str(layer.source.path or ""))
    size = notes.pixel_size
    # of another image in the file it may say nothing; several files of one kind are a stack of it
    if size is None and header is not None and _shape(layer)[-len(header.shape) :] == header.shape:
        size = header.pixel_size
    write_notes(layer, replace(notes, header=header, header_read=True, pixel_size=size))
    return header


def whole_file(layer: napari.layers.Layer) -> str:
    """Return the file of which a layer shows all, or one channel; empty where it has none."""
    header, path = file_header(layer), str(layer.source.path or "")
    other = header is not None and header.shape != _shape(layer) and notes_of(layer).file_channel is None
    return "" if other else path


def _shape(layer: napari.layers.Layer) -> tuple[int, ...]:
    data = layer.data
    return tuple((data[0] if getattr(layer, "multiscale", False) else data).shape)


def _read(path: str) -> TiffHeader | None:
    try:
        return read_facts(path) if path and kind_of(Path(path)) == TIFF else None
    except UnetError:  # napari has read it all the same: its word on the pixels stands
        return None
