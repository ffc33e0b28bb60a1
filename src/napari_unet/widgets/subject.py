"""What the tabs of the workspace work on: an image and a model, chosen once."""

from __future__ import annotations

import napari
from magicgui.widgets import ComboBox
from qtpy.QtWidgets import QFormLayout

from napari_unet.widgets.model_choice import ModelChoice
from napari_unet.widgets.parts.long_names import cut_long_names
from napari_unet.widgets.viewer.paint import images_of


class Subject:
    """The two boxes; a panel of its own has them in its form, the workspace above its tabs."""

    def __init__(self, viewer: napari.viewer.Viewer, *, offer_new: bool = False) -> None:
        self.image = ComboBox(label="Image", choices=lambda _: images_of(viewer))
        cut_long_names(self.image.native)
        self.model = ModelChoice(viewer, offer_new=offer_new)

    def add_rows(self, form: QFormLayout) -> None:
        """Put both boxes into a form."""
        form.addRow("Image", self.image.native)
        form.addRow("Model", self.model)
