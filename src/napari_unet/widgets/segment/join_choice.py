"""The choice whether objects are one through the planes of a stack."""

from __future__ import annotations

from qtpy.QtWidgets import QComboBox

from napari_unet.models.spec import ModelSpec
from napari_unet.settings.base import options
from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.widgets.viewer.layers import LayerImage

JOIN = options(SegmentationSettings)["join"]


class JoinChoice(QComboBox):  # type: ignore[misc]
    """Offers to join objects through the axes that an image has and a model does not see."""

    def __init__(self) -> None:
        super().__init__()
        self._request = ""
        self.currentIndexChanged.connect(self._wish)
        self.setToolTip(
            "Joined: what overlaps from plane to plane is one object with one label, through a stack or over time."
        )

    def offer(self, image: LayerImage | None, spec: ModelSpec | None) -> bool:
        """Offer what is possible, choose what was wished for last, and return whether there is a choice."""
        self.blockSignals(True)
        self.clear()
        free: set[str] = set()
        if image is not None and spec is not None and not (spec.is_semantic or spec.gives_image):
            free = set(image.axes) - set(spec.axes)
        for text, axes in JOIN.choices.items():
            if set(axes) <= free:
                self.addItem(text, axes)
        self.setCurrentIndex(max(0, self.findData(self._request)))
        self.blockSignals(False)
        return bool(self.count() > 1)

    def _wish(self, _: int) -> None:
        self._request = self.axes

    @property
    def axes(self) -> str:
        """Return the axes through which objects are joined."""
        return str(self.currentData() or "")
