"""The Segment panel: choose an image and a model, press Segment, get instances as a Labels layer."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

import napari.layers
from napari.utils.notifications import show_info, show_warning
from qtpy.QtWidgets import QComboBox, QFormLayout

from napari_unet.arrays.channels import Channels, single
from napari_unet.arrays.zoom import zoom_note
from napari_unet.errors import UnetError
from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.widgets.autosave.restore_bar import RestoreBar
from napari_unet.widgets.autosave.restoring import restore
from napari_unet.widgets.autosave.watcher import Autosave
from napari_unet.widgets.model_choice import rename_choices
from napari_unet.widgets.parts.ignore_wheel import ignore_wheel
from napari_unet.widgets.parts.job import JobControl
from napari_unet.widgets.parts.message_label import MessageLabel, capitalized
from napari_unet.widgets.parts.panel_closed import on_panel_closed
from napari_unet.widgets.parts.scrolling import ScrollingPanel
from napari_unet.widgets.segment import preflight
from napari_unet.widgets.segment.advanced import AdvancedSettings
from napari_unet.widgets.segment.join_choice import JoinChoice
from napari_unet.widgets.segment.keep_corrections import KeepCorrections, kept_text
from napari_unet.widgets.segment.live import LiveDisplay
from napari_unet.widgets.segment.model_hint import ModelHint
from napari_unet.widgets.segment.region_choice import RegionChoice
from napari_unet.widgets.segment.results import show_result
from napari_unet.widgets.segment.work import Place, SegmentationRun, begin_segmentation, image_source
from napari_unet.widgets.subject import Subject
from napari_unet.widgets.viewer.arrivals import watch_layers
from napari_unet.widgets.viewer.channels import SplitButton
from napari_unet.widgets.viewer.input_boxes import InputBoxes, offer_channels
from napari_unet.widgets.viewer.layers import (
    LayerImage,
    axes_override,
    pixel_size,
    read_layer,
    set_axes_override,
)
from napari_unet.widgets.viewer.paint import images_of
from napari_unet.widgets.viewer.removed_layers import unfreeze_after_removal
from napari_unet.widgets.viewer.shortcuts import SEGMENT, bind_keys
from napari_unet.widgets.viewer.visible import show_channel

MIN_HEIGHT = 250
"""Height in pixels that the panel keeps beside others: image, model and button are in sight."""
NO_MODEL = "There is no model: choose one, or open a .safetensors file."
NEW_KNOWS_NOTHING = "A new network knows nothing yet: paint and teach it first, or choose a model."


class SegmentPanel(ScrollingPanel):
    """Widgets and wiring; `napari_viewer` is filled in by napari, `subject` by the workspace that shows it."""

    def __init__(self, napari_viewer: napari.viewer.Viewer, subject: Subject | None = None) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._read_last: napari.layers.Image | None = None
        self._channels: WeakKeyDictionary[napari.layers.Image, int | None] = WeakKeyDictionary()
        self._speed = preflight.SpeedRecord()
        self._form = QFormLayout()
        if subject is None:
            subject = Subject(napari_viewer)
            subject.add_rows(self._form)
        self.image, self.model = subject.image, subject.model
        self.channel = QComboBox()
        self.channel.setToolTip("Which channel shows what you want to segment.")
        self.inputs = InputBoxes(napari_viewer)
        self.join = JoinChoice()
        self.region = RegionChoice()
        self.hint = ModelHint(self.model)
        self.restore_bar = RestoreBar(lambda session: restore(napari_viewer, session))
        self.line = MessageLabel()
        self.split = SplitButton(napari_viewer)
        self.advanced = AdvancedSettings()
        self.job = JobControl("Segment", self.start)
        self.live = LiveDisplay(napari_viewer, self.job)
        self.corrections = KeepCorrections(napari_viewer, self.job)
        watch_layers(napari_viewer)
        Autosave.of(napari_viewer)  # corrections of a result are kept from the first one on
        self._lay_out()
        self.image.changed.connect(self._image_changed)
        self.model.changed.connect(self._image_changed)
        self.channel.currentIndexChanged.connect(self._channel_chosen)
        self.inputs.changed.connect(self.refresh)
        self.region.currentIndexChanged.connect(self.refresh)
        self.advanced.changed.connect(self._image_changed)
        self.corrections.show_edited.clicked.connect(
            lambda _: self.corrections.toggle(self.layer, self._chosen_channel())
        )
        self._viewer.layers.events.inserted.connect(self._layers_changed)
        self._viewer.layers.events.removed.connect(self._layers_changed)
        self._viewer.layers.events.removed.connect(unfreeze_after_removal)
        self._viewer.layers.events.renamed.connect(self._renamed)
        self._viewer.layers.selection.events.active.connect(self._selected)
        self._layers_changed()

    @property
    def layer(self) -> napari.layers.Image | None:
        """Return the chosen image layer."""
        return self.image.value

    def start(self) -> None:
        """Segment what is chosen."""
        layer, path = self.layer, self.model.path
        if layer is None:
            self.job.fail("There is no image: open one, or try File > Open Sample.")
            return
        if path is None:
            self.job.fail(NEW_KNOWS_NOTHING if self.model.is_new else NO_MODEL)
            return
        try:
            image = self._read(layer)
        except UnetError as error:
            self.job.fail(str(error))
            return
        if sentence := self._problem(image):
            self._image_changed()  # the layer's axes may have changed since it was chosen
            self.job.fail(sentence)
            return
        try:
            region, (seen, settings) = self._region(image), self._seen(image)
        except UnetError as error:
            self.job.fail(str(error))
            return
        self.hint.suggestions.drop()  # segmenting needs the processor

        def done(made: SegmentationRun) -> None:
            pixels = preflight.pixel_count(image, region)
            self._speed.remember(str(path), settings.prediction, made.provenance["device"], pixels, made.duration)
            self._show(layer, image, region, made)

        source = image_source(self._viewer, layer, image.axes, self.inputs.chosen())
        kept = None if region is not None else self.corrections.of(layer, self._chosen_channel(), path)
        place = Place(region=region, looked_at=self.live.looked_at, scheduler=self.advanced.scheduler)
        begin = begin_segmentation(seen, path, settings, source, place, corrected=kept)
        self.live.begin(layer, image)
        self.job.run(begin, done)

    def refresh(self, *_: object) -> None:
        """Write the model's card and the pre-flight line."""
        self.job.messages.choose(self.layer)
        self.split.offer(self.layer)
        if self.layer is None:
            self._read_last = None
            self.hint.refresh()
            self.line.setText("Open an image, or try File > Open Sample > U-Net Interactive.")
            return
        try:
            image = self._read(self.layer)
        except UnetError as error:
            self.hint.refresh()
            self.line.setText(f"{capitalized(str(error))}.")
            self.split.offer(self.layer, error)
            return
        self.hint.refresh(self.layer, image, self._chosen_channel(), ask=not self.job.is_running)
        spec, path = self.model.spec, self.model.path
        sentence = self._problem(image)
        size = pixel_size(self.layer, image.axes)
        text = preflight.describe_image(image, size)
        if sentence or spec is None:
            self.line.setText(f"{text} {capitalized(sentence)}")
            return
        try:
            pixels, settings = preflight.pixel_count(image, self._region(image)), self._seen(image)[1]
        except UnetError as error:
            self.line.setText(f"{text} {capitalized(str(error))}.")
            return
        text = f"{text}{preflight.zoom_sentence(spec, size, settings)}"
        self.line.setText(f"{text} {self._speed.forecast(spec, str(path), settings.prediction, pixels)}")

    def _read(self, layer: napari.layers.Image) -> LayerImage:
        """Return what an image holds; axes that were typed and fit are kept with it, for the other panels too."""
        if layer is not self._read_last:
            self._read_last = layer
            self.advanced.axes.setText(axes_override(layer))
        axes = self.advanced.axes.text().strip()
        image = read_layer(layer, axes)
        set_axes_override(layer, axes)
        return image

    def _image_changed(self, *_: object) -> None:
        """Offer channels and joining as the image has them, keep choices that still exist, then write the line."""
        former = self.channel.currentData()
        if self.layer is not None:
            former = self._channels.get(self.layer, former)
        try:
            image = self._read(self.layer) if self.layer is not None else None
        except UnetError:
            image = None
        spec = self.model.spec
        self.inputs.offer(self.layer, image, spec.reads if spec is not None and not spec.reads_colours else ())
        many = image is not None and image.channels > 1 and not self.inputs.is_offered
        offer_channels(self.channel, image if many else None, former)
        self._form.setRowVisible(self.channel, many)
        self._form.setRowVisible(self.join, self.join.offer(image, spec))
        self.refresh()

    def _channel_chosen(self, *_: object) -> None:
        """Keep the choice with its image, as the panel follows others."""
        if self.layer is not None:
            self._channels[self.layer] = self._chosen_channel()
            self._show_channel(self.layer)
        self.refresh()

    def _show_channel(self, layer: napari.layers.Image) -> None:
        """Move the viewer's slider to the chosen channel."""
        with suppress(UnetError):
            show_channel(self._viewer, layer, self._read(layer).axes, self._chosen_channel())

    def _selected(self, event: Any) -> None:
        """Follow the selected image."""
        if event.value in images_of(self._viewer):
            self.image.value = event.value

    def _renamed(self, *_: object) -> None:
        rename_choices(self.image)
        self._image_changed()

    def _layers_changed(self, *_: object) -> None:
        """Follow the viewer's layers."""
        self.job.messages.forget_failure()
        self.image.reset_choices()
        self._image_changed()

    def _seen(self, image: LayerImage) -> tuple[LayerImage, SegmentationSettings]:
        """Return what the network sees, and what is chosen; UnetError where it does not fit together."""
        channels: Channels | None = single(self._chosen_channel())
        if self.inputs.is_offered:
            image, channels = self.inputs.read()
        return image, self.advanced.settings().replace(channels=channels, join=self.join.axes)

    def _problem(self, image: LayerImage) -> str:
        """Return the sentence that says why what is chosen cannot be segmented, or nothing."""
        try:
            if self.inputs.is_offered:
                self.inputs.read()
                return ""
        except UnetError as error:
            return capitalized(str(error))
        return preflight.problem(image, self.model.spec, self._chosen_channel())

    def _chosen_channel(self) -> int | None:
        value = self.channel.currentData()
        return None if value is None else int(value)

    def _region(self, image: LayerImage) -> dict[str, tuple[int, int]] | None:
        return self.region.chosen(self._viewer, self.layer, image)

    def _show(
        self,
        layer: napari.layers.Image,
        image: LayerImage,
        region: dict[str, tuple[int, int]] | None,
        made: SegmentationRun,
    ) -> None:
        """Put the labels into the viewer, and say what was found."""
        for remark in made.result.remarks:
            show_warning(remark)
        if layer not in self._viewer.layers:
            said = "The image was closed meanwhile, so there is nothing to show the result on."
            self.job.messages.show(said, here=True)
            return
        now = read_layer(layer)
        if (now.axes, tuple(now.array.shape)) != (image.axes, tuple(image.array.shape)):
            raise UnetError(f"The image {layer.name} was replaced by one of another size: segment it again.")
        self.corrections.hide_edited()  # those of the former result
        updated = show_result(self._viewer, layer, image, made, of_a_view=region is not None)
        self.refresh()  # the forecast knows more now
        undo = " Undo (Ctrl+Z) brings back the former result." if updated else ""
        found = f"{made.result.found}{zoom_note(made.result.zoom, made.result.plan.zoom_from)}.{made.foretold}"
        kept = kept_text(made.merged, classes=bool(made.result.classes))
        self.job.messages.show(f"{self.job.status.text()} {found}{kept}{made.where}{undo}")
        show_info(f"{layer.name}: {made.result.found}")

    def _lay_out(self) -> None:
        self._form.addRow("Channel", self.channel)
        self._form.addRow(self.inputs)
        self._form.addRow("Objects", self.join)
        self._form.addRow("Region", self.region)
        layout = self.contents()
        layout.addWidget(self.restore_bar)
        layout.addLayout(self._form)
        for part in (self.hint, self.line, self.split, self.job, self.corrections, self.advanced):
            layout.addWidget(part)
        layout.addStretch(1)
        ignore_wheel(self)
        bind_keys(self._viewer, self, {SEGMENT: self.job.start_button})
        on_panel_closed(self, self.job.abandon)
        on_panel_closed(self, self.hint.suggestions.drop)
        self.keep_height(MIN_HEIGHT)
