"""Next: the camera flies to the place where painting helps most, a box is drawn there, and a line says why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtWidgets import QPushButton, QWidget

from napari_unet.arrays.axes import result_axes
from napari_unet.arrays.channels import Channels
from napari_unet.errors import UnetError
from napari_unet.guidance import Place, Survey, rank_places
from napari_unet.progress import Steps
from napari_unet.widgets.parts.job import JobControl
from napari_unet.widgets.parts.layouts import lay_out
from napari_unet.widgets.parts.message_label import MessageLabel, capitalized
from napari_unet.widgets.teach.form import TeachingForm
from napari_unet.widgets.teach.painted_table import PaintedTable
from napari_unet.widgets.viewer.layers import LayerImage, read_layer, unwrapped
from napari_unet.widgets.viewer.notes import PREVIEW, LayerNotes, as_metadata
from napari_unet.widgets.viewer.paint import image_id, labels_shape, take
from napari_unet.widgets.viewer.placing import placement, selection_kept
from napari_unet.widgets.viewer.visible import fly_to

if TYPE_CHECKING:
    import napari
    from napari.layers import Image, Shapes

Key = tuple[str, Path, str, tuple[int, ...], int]
"""An image layer, a model, axes, shape and channel: what a survey is of."""
BOX_NAME, MAP_NAME = "Next place", "{} (uncertainty)"
COLOUR = "#ffd43b"
VISITED = "You visited every place of which the model is unsure."


class Guide(QWidget):  # type: ignore[misc]
    """A button and a line; the model looks at an image once, each press ranks what was not visited yet."""

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        table: PaintedTable,
        form: TeachingForm,
        job: JobControl,
        image_to_paint: Callable[[], Image | None],
    ) -> None:
        """Take the panel's parts, and what gives the image to paint on."""
        super().__init__()
        self._viewer = unwrapped(viewer)
        self._table = table
        self._form = form
        self._job = job
        self._image_to_paint = image_to_paint
        self._survey: tuple[Key, Survey] | None = None
        self._shown: dict[str, list[tuple[slice, ...]]] = {}
        """By image the places that were suggested already."""
        self.next = QPushButton("Next place to paint")
        self.next.setToolTip("Fly to where the model is least sure, and unlike what you visited.")
        self.reason = MessageLabel()
        self.reason.hide()
        lay_out(self, self.next, self.reason)
        self.next.clicked.connect(lambda _: self.go())

    def go(self) -> None:
        """Fly to the next place, after a look at the image where it is new, or the model."""
        if self._job.is_running:
            return
        try:
            layer, image, key = self._subject()
        except UnetError as error:
            self._job.fail(str(error))
            return
        if self._survey is not None and self._survey[0] == key:
            self._fly(layer, image, self._survey[1])
            return

        def done(survey: Survey) -> None:
            self._survey = key, survey
            if layer in self._viewer.layers:
                self._show_uncertainty(layer, image, survey)
                self._fly(layer, image, survey)

        try:
            seen, channels = self._form.seen(key[0], image)
        except UnetError as error:
            self._job.fail(str(error))
            return
        self._job.run(_begin_survey(key[1], seen, self._form.device.chosen(), channels), done)

    def _subject(self) -> tuple[Image, LayerImage, Key]:
        layer, path = self._image_to_paint(), self._form.model.path
        if layer is None:
            raise UnetError("There is no image: open one, or try File > Open Sample.")
        if path is None:
            raise UnetError(
                "A new network knows no image yet: paint anywhere, and choose what it learnt afterwards."
            )
        image = read_layer(layer)
        shape = tuple(map(int, image.array.shape))
        return layer, image, (image_id(layer), path, image.axes, shape, self._form.channel_of(image) or 0)

    def _fly(self, layer: Image, image: LayerImage, survey: Survey) -> None:
        shown = self._shown.setdefault(image_id(layer), [])
        places = rank_places(survey.cells, self._visited(layer, shown), most=1)
        self.reason.setText(capitalized(places[0].reason) + "." if places else VISITED)
        self.reason.show()
        if not places:
            return
        shown.append(places[0].box)
        fly_to(self._viewer, self._draw(layer, image, places[0]), places[0].box)

    def _visited(self, layer: Image, shown: list[tuple[slice, ...]]) -> NDArray[np.bool_]:
        """Return where somebody painted on an image, or was sent already."""
        visited = np.zeros(labels_shape(layer), bool)
        for box in shown:
            visited[box] = True
        for painted, image, meaning in self._table.chosen():
            paint = take(painted, layer, meaning) if image_id(image) == image_id(layer) else None
            if paint is not None:
                before = 0 if paint.prediction is None else paint.prediction
                start = paint.origin or (0,) * paint.values.ndim
                sides = zip(start, paint.values.shape, strict=True)
                visited[tuple(slice(low, low + length) for low, length in sides)] |= paint.values != before
        return visited

    def _draw(self, layer: Image, image: LayerImage, place: Place) -> Shapes:
        """Draw a box around a place, instead of the one before; return its layer."""
        kept = result_axes(image.axes)
        across = (kept.index("Y"), kept.index("X"))
        corners = np.array([[(side.start + side.stop - 1) / 2 for side in place.box]] * 4)
        (top, bottom), (left, right) = (
            (place.box[axis].start - 0.5, place.box[axis].stop - 0.5) for axis in across
        )
        corners[:, across[0]] = top, top, bottom, bottom
        corners[:, across[1]] = left, right, right, left
        with selection_kept(self._viewer):
            if BOX_NAME in self._viewer.layers:
                self._viewer.layers.remove(BOX_NAME)
            return self._viewer.add_shapes(
                [corners],
                shape_type="polygon",
                name=BOX_NAME,
                edge_color=COLOUR,
                face_color="transparent",
                edge_width=1.5,
                metadata=as_metadata(LayerNotes(role=PREVIEW)),
                **placement(layer, image.axes, kept),
            )

    def _show_uncertainty(self, layer: Image, image: LayerImage, survey: Survey) -> None:
        """Add a layer that shows where the model is unsure; hidden, as it would cover what is to be painted on."""
        name = MAP_NAME.format(layer.name)
        with selection_kept(self._viewer):
            if name in self._viewer.layers:
                self._viewer.layers[name].data = survey.uncertainty
                return
            self._viewer.add_image(
                survey.uncertainty,
                name=name,
                colormap="magma",
                contrast_limits=(0, 255),
                blending="additive",
                visible=False,
                metadata=as_metadata(LayerNotes(role=PREVIEW)),
                **placement(layer, image.axes, result_axes(image.axes)),
            )


def _begin_survey(
    path: Path, image: LayerImage, device: str, channels: Channels | None
) -> Callable[[], Steps[Survey]]:
    """Return the function that a worker calls to look at an image."""

    def begin() -> Steps[Survey]:
        from napari_unet.nets.torch_preload import preload_torch

        preload_torch()
        from napari_unet.finetuning import at_one_zoom
        from napari_unet.guidance import survey_steps
        from napari_unet.models.library import load_model
        from napari_unet.settings.finetuning import FineTuningSettings

        settings = FineTuningSettings(device=device, channels=channels)
        model: Any = load_model(path)
        if not model.spec.is_semantic:
            model = yield from at_one_zoom(model, image.array, axes=image.axes, settings=settings)
        survey = yield from survey_steps(model, image.array, axes=image.axes, channels=channels, device=device)
        return survey

    return begin
