"""What the file of an image says of it and napari does not: its axes and pixel size.

napari opens a TIFF as bare numbers. The layer is left as it is, for others may lie over it already; labels of the
image carry its pixel size along.
"""

from __future__ import annotations

from typing import Any

import napari.layers
import numpy as np

from napari_unet.errors import UnetError
from napari_unet.files.images import TIFF_SUFFIXES
from napari_unet.files.tiff import TiffHeader, read_facts

KEY = "napari_unet"
"""Key of our entry in a layer's metadata."""
LABELS = ("objects", "classes")
"""What the values of labels are, in their provenance."""
FACTS, SIZES = "file", "file_sizes"


def header_axes(layer: napari.layers.Image) -> str | None:
    """Return the axes that an image has in its file, None where there is no such file or it is another image."""
    facts = _facts(layer)
    if facts is None or layer.rgb != facts.axes.endswith("S"):
        return None
    letters = facts.axes if layer.rgb else facts.axes.replace("S", "C")  # samples that napari shows as an axis
    return letters if len(set(letters)) == len(letters) else None


def header_sizes(layer: napari.layers.Layer) -> dict[str, float]:
    """Return um by axis, of the file of an image or of the image that a layer comes from; empty where unknown."""
    known: dict[str, float] = layer.metadata.get(KEY, {}).get(SIZES, {})
    if not known and isinstance(layer, napari.layers.Image):
        facts = _facts(layer)
        return facts.sizes if facts is not None else {}
    return known


def written_mask(layer: napari.layers.Layer) -> TiffHeader | None:
    """Return what the file says of an image layer that shows labels which we wrote; None for all others."""
    if not isinstance(layer, napari.layers.Image) or layer.multiscale:
        return None
    facts = _facts(layer)
    if facts is None or facts.provenance is None or np.dtype(layer.data.dtype).kind not in "iu":
        return None
    return facts if facts.provenance.get("values", "objects") in LABELS else None  # else they are probabilities


def _facts(layer: napari.layers.Image) -> TiffHeader | None:
    """Return what the header says, read once, where the layer holds what the file does."""
    entry: dict[str, Any] = layer.metadata.get(KEY, {})
    if FACTS not in entry:
        entry = {**entry, FACTS: _read(str(layer.source.path or ""))}
        layer.metadata = {**layer.metadata, KEY: entry}
    facts: TiffHeader | None = entry[FACTS]
    shape = layer.data[0].shape if layer.multiscale else layer.data.shape
    return facts if facts is not None and facts.shape == tuple(shape) else None


def _read(path: str) -> TiffHeader | None:
    if not path.lower().endswith(TIFF_SUFFIXES):
        return None
    try:
        return read_facts(path)
    except UnetError:  # napari has read it all the same: its word on the pixels stands
        return None
