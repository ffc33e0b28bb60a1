"""Which part of an image is segmented: all of it, or what the canvas shows."""

from __future__ import annotations

import napari.layers
from qtpy.QtWidgets import QComboBox

from napari_unet.widgets.viewer.layers import LayerImage
from napari_unet.widgets.viewer.visible import visible_region

WHOLE, VISIBLE = "Whole image", "What is visible"


class RegionChoice(QComboBox):  # type: ignore[misc]
    """The box that offers both."""

    def __init__(self) -> None:
        super().__init__()
        self.addItems([WHOLE, VISIBLE])
        self.setToolTip("What is visible: a quick look at the part on screen, with the same result there.")

    def chosen(
        self, viewer: napari.viewer.Viewer, layer: napari.layers.Image | None, image: LayerImage
    ) -> dict[str, tuple[int, int]] | None:
        """Return (start, stop) by axis, None for all; UnetError where nothing is in view."""
        if self.currentText() == WHOLE or layer is None:
            return None
        return visible_region(viewer, layer, image.axes)
