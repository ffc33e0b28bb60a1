"""The part of the Fine-tune panel that says how to learn: the model, what it finds, for how long and where."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QSpinBox, QWidget

from napari_unet.arrays.annotations import BACKGROUND, FIRST_INSTANCE
from napari_unet.arrays.channels import Channels, single
from napari_unet.errors import UnetError
from napari_unet.files.openable import is_there
from napari_unet.settings.finetuning import FineTuningSettings
from napari_unet.settings.zooms import zoom_text
from napari_unet.widgets.model_choice import ModelChoice
from napari_unet.widgets.parts.option_boxes import OptionBoxes
from napari_unet.widgets.preferences import follow_preference
from napari_unet.widgets.teach.folder_link import link_to_training, open_training
from napari_unet.widgets.teach.work import FineTuneRequest
from napari_unet.widgets.viewer.input_boxes import InputBoxes
from napari_unet.widgets.viewer.layers import LayerImage
from napari_unet.widgets.viewer.notes import LayerNotes
from napari_unet.widgets.viewer.paint import Paint

if TYPE_CHECKING:
    import napari

OBJECTS, CLASSES = "objects", "classes"
TEACH_MOST = "A few strokes where the model is wrong teach most."
OBJECTS_ADVICE = f"Correct the result, or paint on an annotation layer: one stroke per object. {TEACH_MOST}"
ADVICE = f"Correct the result with the brush ({{}}), or paint on an annotation layer: {{}}. {TEACH_MOST}"


class TeachingForm(QWidget):  # type: ignore[misc]
    """Model, channel, seconds and device; `changed` is emitted for what the autosave keeps."""

    changed = Signal()

    def __init__(self, viewer: napari.viewer.Viewer, model: ModelChoice | None = None) -> None:
        """Offer models, but where `model` stands elsewhere already."""
        super().__init__()
        self.model = model or ModelChoice(viewer, offer_new=True)
        self.kind = QComboBox()
        self.kind.addItem("objects (instances)", OBJECTS)
        self.kind.addItem("classes (one value each)", CLASSES)
        self.sees = QComboBox()
        self.sees.addItem("planes, one by one", "YX")
        self.sees.addItem("volumes", "ZYX")
        self.sees.setToolTip("What a new network sees at once; of a volume a few painted planes are enough.")
        self._has_depth = False
        self.from_folder = link_to_training()
        self.channel = QSpinBox()
        self.channel.setToolTip("Which channel shows what you paint, from 0.")
        self.inputs = InputBoxes(viewer)
        self._images: tuple[napari.layers.Image | None, LayerImage | None] = (None, None)
        self._channels = 1
        self.boxes = OptionBoxes(FineTuningSettings, "Fine-tune panel")
        self.seconds, self.device = self.boxes["seconds"], self.boxes["device"]
        follow_preference(self, "computing", "device", self.device.choose)
        self._scheduler = ""
        follow_preference(self, "computing", "elsewhere", self._compute_on)
        follow_preference(self, "correcting", "seconds", self.seconds.setValue)
        self._layout = QFormLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        if model is None:
            self._layout.addRow("Model", self.model)
        self._layout.addRow(self.from_folder)
        self._layout.addRow("Output", self.kind)
        self._layout.addRow("Learns from", self.sees)
        self._layout.addRow("Channel", self.channel)
        self._layout.addRow(self.inputs)
        self.boxes.add_rows(self._layout)
        self.model.changed.connect(self._model_changed)
        self.boxes.connect(self.changed)
        self.inputs.changed.connect(self.offer_inputs)
        for changed in (self.kind.currentIndexChanged, self.sees.currentIndexChanged, self.channel.valueChanged):
            changed.connect(lambda _: self.changed.emit())
        self.from_folder.clicked.connect(lambda _: self._train_on_folder(viewer))
        self._model_changed()

    def _train_on_folder(self, viewer: napari.viewer.Viewer) -> None:
        volumes = self._has_depth and self.sees.currentData() == "ZYX"
        open_training(viewer, classes=self.tells_classes, volumes=volumes)

    def _compute_on(self, scheduler: str) -> None:
        self._scheduler = scheduler.strip()

    @property
    def tells_classes(self) -> bool:
        """Whether what is taught tells classes apart instead of finding objects."""
        spec = self.model.spec
        return spec.is_semantic if spec is not None else self.kind.currentData() == CLASSES

    @property
    def values(self) -> dict[int, str]:
        """Return what the values of an annotation layer mean, as far as they have names."""
        if not self.tells_classes:
            return {BACKGROUND: "background", FIRST_INSTANCE: "object"}
        spec = self.model.spec
        names = spec.classes if spec is not None else ("background", "class 1", "class 2")
        return dict(enumerate(names, start=BACKGROUND))

    def advice(self) -> str:
        """Return how to paint what the model is to learn."""
        if not self.tells_classes:
            return OBJECTS_ADVICE
        # a result counts from 0, where an annotation layer has room for nothing said
        named = (", ".join(f"{value - less} {name}" for value, name in self.values.items()) for less in (1, 0))
        return ADVICE.format(*named)

    def settings(self) -> dict[str, Any]:
        """Return what is chosen, as JSON values."""
        return {
            "model": str(self.model.path or ""),
            "new": self.model.is_new,
            "kind": self.kind.currentData(),
            "sees": self.sees.currentData(),
            "seconds": self.seconds.value(),
            "device": self.device.chosen(),
            "channel": self.channel.value(),
        }

    def restore(self, settings: dict[str, Any]) -> None:
        """Choose what `settings` returned; a model that is gone leaves the present one."""
        if settings.get("new"):
            self.model.choose_new()
        elif settings.get("model") and is_there(Path(settings["model"])):
            self.model.choose_file(settings["model"])
        self.kind.setCurrentIndex(max(0, self.kind.findData(settings.get("kind"))))
        self.sees.setCurrentIndex(max(0, self.sees.findData(settings.get("sees"))))
        self.seconds.setValue(settings.get("seconds", self.seconds.value()))
        self.device.choose(settings.get("device"))
        self.channel.setValue(int(settings.get("channel", 0)))

    def follow(self, result: LayerNotes) -> None:
        """Choose what made a result: its corrections are to teach that."""
        path = result.model_path
        if path and is_there(Path(path)) and not self.model.is_new:  # a new network is a choice of its own
            self.model.choose_file(path)
        channel = result.channel
        if channel is not None:
            self.channel.setRange(0, max(self.channel.maximum(), channel))
            self.channel.setValue(channel)

    def offer_channels(self, images: list[tuple[napari.layers.Image, LayerImage]]) -> None:
        """Ask for a channel where images have several, and for what each input reads of the first of them."""
        self._channels = max((image.channels for _, image in images), default=1)
        self._images = images[0] if images else (None, None)
        self.channel.setRange(0, self._channels - 1)
        self.offer_inputs()

    def offer_inputs(self) -> None:
        """Ask what each input of the model reads, where it has several or is new."""
        spec = self.model.spec
        inputs = spec.reads if spec is not None and not spec.reads_colours else ()
        self.inputs.offer(*self._images, inputs, new=self.model.is_new)
        self._layout.setRowVisible(self.channel, self._channels > 1 and not self.inputs.is_offered)

    def offer_volumes(self, has_depth: bool) -> None:
        """Let a new network see volumes where the images are stacks."""
        self._has_depth = has_depth
        self._layout.setRowVisible(self.sees, has_depth and self.model.is_new)

    def check_model(self) -> None:
        """Refuse to learn without a model."""
        if self.model.path is None and not self.model.is_new:
            raise UnetError("There is no model: choose one, or a new network.")

    def request(self, paints: list[Paint]) -> FineTuneRequest:
        """Return what is to be learnt from some paint; UnetError where it does not fit together."""
        if len({paint.image.axes for paint in paints}) > 1:
            named = " and ".join(sorted({paint.image.axes for paint in paints}))
            raise UnetError(f"These images have different axes, {named}: learn from one kind at a time.")
        self._check_kind(paints)
        zooms = sorted({paint.zoom for paint in paints if paint.zoom is not None}, key=str)
        if len(zooms) > 1:
            named = " and ".join(zoom_text(zoom) for zoom in zooms)
            raise UnetError(
                f"These results were found with images seen at {named}: learn from one kind at a time."
            )
        base = FineTuningSettings.from_nothing() if self.model.is_new else FineTuningSettings()
        paints, channels = self._seen(paints)
        settings = self.boxes.chosen(base).replace(
            channels=channels, zoom=zooms[0] if zooms and not self.model.is_new else None
        )
        classes = self.kind.currentData() == CLASSES
        axes = self.sees.currentData() if all("Z" in paint.image.axes for paint in paints) else "YX"
        return FineTuneRequest(
            paints=paints,
            model=self.model.path,
            classes=classes,
            settings=settings,
            axes=axes,
            scheduler=self._scheduler or None,
        )

    def channel_of(self, image: LayerImage) -> int | None:
        """Return the channel that is chosen, None of an image that has but one."""
        return int(self.channel.value()) if image.channels > 1 else None

    def seen(self, of: str, image: LayerImage) -> tuple[LayerImage, Channels | None]:
        """Return what the model sees of an image, which `of` names, and the channels of it that it reads."""
        if self.inputs.is_offered:
            return self.inputs.seen_by(of, image, ())
        return image, single(self.channel_of(image))

    def _seen(self, paints: list[Paint]) -> tuple[list[Paint], Channels | None]:
        """Return paint with the images that the network sees, and which of their channels it reads."""
        if not self.inputs.is_offered:
            return paints, single(self._channel_of(paints))
        read = [self.inputs.seen_by(paint.of, paint.image, paint.choices) for paint in paints]
        if len({(image.axes, channels) for image, channels in read}) > 1:
            raise UnetError("The inputs read other channels of some images than of others: learn from one kind.")
        seen = [replace(paint, seen=image) for paint, (image, _) in zip(paints, read, strict=True)]
        return seen, read[0][1] if "C" in read[0][0].axes else None

    def _check_kind(self, paints: list[Paint]) -> None:
        """Refuse results of objects for a model of classes, and the other way round."""
        wanted = CLASSES if self.tells_classes else OBJECTS
        for paint in paints:
            if paint.kind not in ("", wanted):
                raise UnetError(
                    f"The layer {paint.name} holds {paint.kind}, and {self.model.currentText()} finds {wanted}: "
                    "choose a model like the one that made it, or untick it."
                )

    def _channel_of(self, paints: list[Paint]) -> int | None:
        """Return the channel that the corrected results show, else the chosen one; None where there is but one."""
        seen = sorted({paint.channel for paint in paints if paint.channel is not None})
        if len(seen) > 1:
            named = " and ".join(str(channel) for channel in seen)
            raise UnetError(f"These results were found in channels {named}: learn from one channel at a time.")
        if seen:
            self.channel.setValue(seen[0])
        several = any(paint.image.channels > 1 for paint in paints)
        return self.channel.value() if several else None

    def _model_changed(self) -> None:
        for box in (self.kind, self.from_folder):
            self._layout.setRowVisible(box, self.model.is_new)
        self.offer_volumes(self._has_depth)
        self.offer_inputs()
        self.changed.emit()
