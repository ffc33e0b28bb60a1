"""One box for each input of a network: which channel or layer it reads."""

from __future__ import annotations

from collections.abc import Sequence

import napari.layers
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QLabel, QWidget

from napari_unet.arrays.channels import Channels, Input
from napari_unet.errors import UnetError
from napari_unet.widgets.parts.ignore_wheel import ignore_wheel
from napari_unet.widgets.viewer.inputs import (
    LEFT_OUT,
    channel_text,
    keep_choices,
    kept_choices,
    offered_choices,
    read_choices,
    usual_choices,
)
from napari_unet.widgets.viewer.layers import LayerImage
from napari_unet.widgets.viewer.notes import InputChoice
from napari_unet.widgets.viewer.paint import image_named

CHOOSE, NOTHING = "choose…", "none"
MAX_INPUTS = 8
"""Boxes of a new network: more channels than microscopes separate, and more boxes than a panel shows."""


class InputBoxes(QWidget):  # type: ignore[misc]
    """Boxes under one another; what is chosen is kept with the image, so that all panels agree.

    A network that is new takes as many inputs as are chosen: after each chosen one an empty box is offered.
    """

    changed = Signal()

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._layer: napari.layers.Image | None = None
        self._image: LayerImage | None = None
        self._inputs: tuple[Input, ...] = ()
        self._offered: list[tuple[str, InputChoice | None]] = []
        self.boxes: list[QComboBox] = []
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self.hide()

    @property
    def is_offered(self) -> bool:
        """Whether the network has several inputs, or may have."""
        return bool(self._inputs)

    def offer(
        self,
        layer: napari.layers.Image | None,
        image: LayerImage | None,
        inputs: Sequence[Input],
        *,
        new: bool = False,
    ) -> None:
        """Show a box for each of several inputs; of a network that is new, one more than are chosen."""
        self._layer, self._image = layer, image
        usable = layer is not None and image is not None and "S" not in image.axes
        found = offered_choices(self._viewer, layer, image) if usable and layer and image else {}
        if new and found:
            inputs = self._room_for_more(layer, found)
        self._inputs = tuple(inputs) if found and len(inputs) > 1 else ()
        self._offered = [*found.items(), (NOTHING, LEFT_OUT)]
        self.setVisible(self.is_offered)
        if self.is_offered and layer is not None and image is not None:
            usual = usual_choices(layer, found, self._inputs, image)
            self._fill(self._chosen_for_new(layer, found) if new else usual)

    def choices(self) -> tuple[InputChoice, ...]:
        """Return what the inputs read; UnetError where one is not chosen yet."""
        chosen = []
        for one, box in zip(self._inputs, self.boxes, strict=False):
            choice = box.currentData()
            if choice is None:
                raise UnetError(f"Choose what shows {one.name or 'the next channel'}.")
            chosen.append(self._offered[choice][1] or LEFT_OUT)
        while len(chosen) > 1 and chosen[-1] == LEFT_OUT and not self._inputs[len(chosen) - 1].name:
            chosen.pop()  # the empty box of a new network
        return tuple(chosen)

    def chosen(self) -> tuple[InputChoice, ...]:
        """Return what the inputs read, nothing where the network has but one."""
        return self.choices() if self.is_offered else ()

    def read(self) -> tuple[LayerImage, Channels]:
        """Return the image that the network sees, and the channels of it in the order of its inputs."""
        assert self._image is not None
        assert self._layer is not None
        return read_choices(self._viewer, self._image, self.choices(), self._layer.name)

    def seen_by(self, of: str, image: LayerImage, choices: tuple[InputChoice, ...]) -> tuple[LayerImage, Channels]:
        """Return what the network sees of any image, which `of` names, by these choices or by its own.

        Raises
        ------
        UnetError
            If nothing says what an input is to read.
        """
        layer = image_named(self._viewer, of)
        if not choices and layer is self._layer:
            choices = self.choices()
        if not choices and layer is not None:
            found = offered_choices(self._viewer, layer, image)
            known = kept_choices(layer, found) or usual_choices(layer, found, self._inputs, image)
            choices = tuple(choice for choice in known if choice is not None)
        if len(choices) != len(self._inputs) and all(one.name for one in self._inputs):
            name = layer.name if layer is not None else "an image"
            raise UnetError(f"Choose what the {len(self._inputs)} inputs read of {name}, in the Segment panel.")
        return read_choices(self._viewer, image, choices, layer.name if layer is not None else "")

    def names(self) -> tuple[str, ...]:
        """Return what is chosen, in words."""
        return tuple(box.currentText() for box in self.boxes[: len(self.choices())])

    def _room_for_more(self, layer: napari.layers.Image, found: dict[str, InputChoice]) -> tuple[Input, ...]:
        """Return inputs without names: those of a new network that are chosen, and one more."""
        count = min(len(self._chosen_for_new(layer, found)), MAX_INPUTS)
        return tuple(Input("", number > 0) for number in range(count)) if len(found) > 1 else ()

    def _chosen_for_new(
        self, layer: napari.layers.Image, found: dict[str, InputChoice]
    ) -> tuple[InputChoice, ...]:
        known = tuple(one for one in kept_choices(layer, found) if one != LEFT_OUT)
        chosen = known or (InputChoice(channel=0),)
        return (*chosen, LEFT_OUT) if len(chosen) < len(found) else chosen

    def _fill(self, chosen: Sequence[InputChoice | None]) -> None:
        while len(self.boxes) < len(self._inputs):
            self._add_box()
        for number, box in enumerate(self.boxes):
            shown = number < len(self._inputs)
            self._form.setRowVisible(box, shown)
            if shown:
                self._fill_box(box, self._inputs[number], chosen[number])
                label = self._form.labelForField(box)
                label.setText(self._inputs[number].name or ("It sees" if number == 0 else "and"))

    def _fill_box(self, box: QComboBox, one: Input, chosen: InputChoice | None) -> None:
        box.blockSignals(True)
        box.clear()
        if chosen is None:
            box.addItem(CHOOSE, None)
        for number, (text, choice) in enumerate(self._offered):
            if choice != LEFT_OUT or one.optional:
                box.addItem(text, number)
                if choice == chosen:
                    box.setCurrentIndex(box.count() - 1)
        box.blockSignals(False)

    def _add_box(self) -> None:
        box = QComboBox()
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setToolTip("Which channel of the image, or which layer of the same size, shows this.")
        box.currentIndexChanged.connect(self._chosen)
        ignore_wheel(box)
        self.boxes.append(box)
        self._form.addRow(QLabel(), box)

    def _chosen(self, *_: object) -> None:
        """Keep the choice with its image, as soon as it is complete."""
        try:
            choices = self.choices()
        except UnetError:
            choices = ()
        if choices and self._layer is not None:
            keep_choices(self._layer, choices)
        self.changed.emit()


def offer_channels(box: QComboBox, image: LayerImage | None, former: int | None) -> None:
    """Offer the channels of an image, or none, and choose the former one where it is still there."""
    box.blockSignals(True)
    box.clear()
    if image is not None:
        box.addItem(CHOOSE, None)
        for number in range(image.channels):
            box.addItem(channel_text(image, number), number)
        box.setCurrentIndex(max(0, box.findData(former)))
    box.blockSignals(False)
