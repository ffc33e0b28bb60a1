"""Why there is nothing to learn from: nothing is painted, or what is painted is not ticked or has no image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels

from napari_unet.widgets.viewer.notes import notes_of
from napari_unet.widgets.viewer.paint import image_of, images_of, prediction_of

if TYPE_CHECKING:
    import napari

NOTHING = "Nothing is painted yet: paint on the result, or press New layer first."


def explain_missing_paint(viewer: napari.viewer.Viewer) -> str:
    """Return the sentence for a viewer of whose layers none can be learnt from."""
    drawn = [layer for layer in viewer.layers if isinstance(layer, Labels) and _is_drawn(layer)]
    for layer in drawn:
        if image_of(viewer, layer) is not None:
            return f"The layer {layer.name} is painted, but not ticked: tick it in the table."
    return _without_image(viewer, drawn[0]) if drawn else NOTHING


def _without_image(viewer: napari.viewer.Viewer, layer: Labels) -> str:
    known = notes_of(layer).image
    name = known.name if known is not None else ""
    if name and name not in [image.name for image in images_of(viewer)]:
        return f"The layer {layer.name} is painted, but its image {name} is not open: open it."
    size = " × ".join(map(str, reversed(layer.data.shape)))
    return f"The layer {layer.name} is painted, but it has {size} pixels, and no open image has: open its image."


def _is_drawn(layer: Labels) -> bool:
    """Whether a layer holds anything that no model said."""
    if layer.multiscale:
        return False
    known = prediction_of(layer)
    return bool(np.any(layer.data) if known is None else np.any(layer.data != known))
