"""Which images are measured over a result, and in which regions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels, Shapes
from numpy.typing import NDArray
from qtpy.QtWidgets import QComboBox

from napari_unet.arrays.source import Source
from napari_unet.errors import UnetError
from napari_unet.widgets.results.sources import fitting_images, region_labels, region_layers, source_of
from napari_unet.widgets.viewer.paint import image_of

if TYPE_CHECKING:
    import napari


class _Choice(QComboBox):  # type: ignore[misc]
    """A list that never widens a panel, and keeps its choice while others come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)

    def fill(self, entries: Sequence[tuple[str, Any]], *, usual: Any) -> None:
        """Offer texts with what they stand for; what was chosen stays, else the usual one is chosen."""
        former = self.currentData()
        values = [value for _, value in entries]
        chosen = former if any(value is former for value in values) and former is not None else usual
        self.blockSignals(True)
        self.clear()
        for text, value in entries:
            self.addItem(text, value)
        self.setCurrentIndex(next((at for at, value in enumerate(values) if value is chosen), 0))
        self.blockSignals(False)


class ImageChoice(_Choice):
    """No image, one of those over which a result lies, or all of them: channels that are layers of their own."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._of: Labels | None = None
        self.setToolTip("Mean, deviation and range of these intensities are measured in each object.")

    def offer(self, layer: Labels | None) -> None:
        """Offer what fits a result; its own image is the usual one."""
        fitting = fitting_images(self._viewer, layer) if layer is not None else []
        entries: list[tuple[str, Any]] = [("none", NONE), *((image.name, image) for image in fitting)]
        if len(fitting) > 1:
            entries.append((f"all {len(fitting)} images", ALL))
        if layer is not self._of:
            self.setCurrentIndex(-1)  # another result has another image
        self._of = layer
        self.fill(entries, usual=image_of(self._viewer, layer) if layer is not None else None)

    def sources(self, layer: Labels) -> dict[str, Source]:
        """Return the chosen images by name."""
        chosen = self.currentData()
        images: list[Image] = (
            fitting_images(self._viewer, layer) if chosen is ALL else [chosen] if isinstance(chosen, Image) else []
        )
        return {image.name: source_of(image, layer) for image in images}


ALL, NONE = object(), object()
"""Stand for all images that fit, and for none of them."""


class RegionChoice(_Choice):
    """The whole image, or the areas drawn in a Shapes layer."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self.setToolTip("Areas of a Shapes layer, numbered from 1: the column region says where an object lies.")

    def offer(self) -> None:
        """Offer the Shapes layers of the viewer."""
        drawn = [(layer.name, layer) for layer in region_layers(self._viewer)]
        self.fill([("whole image", None), *drawn], usual=None)

    @property
    def layer(self) -> Shapes | None:
        """Return the chosen layer, None for the whole image."""
        found = self.currentData()
        return found if isinstance(found, Shapes) else None

    def labels(self, layer: Labels) -> NDArray[Any]:
        """Return the chosen areas as labels; UnetError where none is chosen."""
        if self.layer is None:
            raise UnetError("No region is chosen: draw it in a Shapes layer, and choose that under Region")
        return region_labels(self.layer, layer)
