"""Next: the camera flies to the place where painting helps most, a box is drawn there, and a line says why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray
from qtpy.QtWidgets import QPushButton, QWidget

from napari_unet.arrays.axes import result_axes
from napari_unet.errors import UnetError
from napari_unet.guidance import Place, Survey, rank_places
from napari_unet.widgets.parts.job import JobControl
from napari_unet.widgets.parts.layouts import lay_out
from napari_unet.widgets.parts.message_label import MessageLabel, capitalized
from napari_unet.widgets.teach.form import TeachingForm
from napari_unet.widgets.teach.painted_table import PaintedTable
from napari_unet.widgets.teach.surveying import (
    Candidate,
    Key,
    Seen,
    begin_looking,
    candidates,
    key_of,
    open_images,
)
from napari_unet.widgets.viewer.layers import LayerImage, read_layer, unwrapped
from napari_unet.widgets.viewer.notes import PREVIEW, LayerNotes, as_metadata
from napari_unet.widgets.viewer.paint import (
    image_id,
    image_named,
    image_of,
    images_of,
    labels_shape,
    path_of,
    take,
)
from napari_unet.widgets.viewer.placing import placement, selection_kept, temporary_layer
from napari_unet.widgets.viewer.project import open_project_image
from napari_unet.widgets.viewer.visible import fly_to

if TYPE_CHECKING:
    import napari
    from napari.layers import Image, Layer, Shapes

BOX_NAME, MAP_NAME = "Next place", "{} (uncertainty)"
COLOUR = "#ffd43b"
VISITED = "You visited every place of which the model is unsure."
MAX_IMAGES = 8
"""Images that are looked at before the first place is shown, and again when all of their places were visited."""


class Guide(QWidget):  # type: ignore[misc]
    """A button and a line; the model looks at each image once, each press ranks what was not visited yet."""

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
        self._seen: dict[Key, Seen | None] = {}
        self._shown: dict[str, list[tuple[slice, ...]]] = {}
        """By image the places that were suggested already."""
        self._hidden: WeakSet[Layer] = WeakSet()
        """What was hidden for another image to be seen."""
        self._at: Image | None = None
        """The image of which the line speaks."""
        self.next = QPushButton("Next place to paint")
        self.next.setToolTip(
            "Fly to where the model is least sure, and unlike what you visited: over planes, times,\n"
            "and all images that were segmented, those of the Batch tab too.\n"
            "Paint all over an image of a kind that the model does not know yet, before that."
        )
        self.reason = MessageLabel()
        self.reason.hide()
        lay_out(self, self.next, self.reason)
        self.next.clicked.connect(lambda _: self.go())
        self._viewer.layers.events.removed.connect(self._layer_went)

    def go(self) -> None:
        """Fly to the next place, after a look at the images where they are new, or the model."""
        if self._job.is_running:
            return
        try:
            layer, model = self._subject()
            every = candidates(self._viewer, layer, self._form, model)
        except UnetError as error:
            self._job.fail(str(error))
            return
        self._seen = {one.key: self._seen[one.key] for one in every if one.key in self._seen}
        self._suggest(every, model, MAX_IMAGES)

    def _selected(self) -> Image | None:
        """Return the image to paint on itself: panels see a proxy of it."""
        proxy = self._image_to_paint()
        return image_named(self._viewer, image_id(proxy)) if proxy is not None else None

    def _subject(self) -> tuple[Image, Path]:
        layer, path = self._selected(), self._form.model.path
        if layer is None:
            raise UnetError("There is no image: open one, or try File > Open Sample.")
        if path is None:
            raise UnetError(
                "A new network knows no image yet: paint anywhere, and choose what it learnt afterwards."
            )
        return layer, path

    def _suggest(self, every: Sequence[Candidate], model: Path, count: int) -> None:
        """Fly to the best place in the first `count` images, once all of them were looked at."""
        new = [one for one in every[:count] if one.key not in self._seen]
        if new:
            begin = begin_looking(model, self._form.device.chosen(), new)
            self._job.run(begin, lambda found: self._looked(found, every, model, count))
        elif (found := self._best(every[:count])) is not None:
            self._fly(*found, several=len(every) > 1)
        elif count < len(every):
            self._suggest(every, model, count + MAX_IMAGES)
        else:
            self._say(VISITED, self._selected())

    def _looked(self, found: dict[Key, Seen | None], every: Sequence[Candidate], model: Path, count: int) -> None:
        self._seen |= found
        for one in every:
            seen = found.get(one.key)
            if seen is not None and one.layer in self._viewer.layers:
                self._show_uncertainty(one.layer, read_layer(one.layer), seen.survey)
        self._suggest(
            [one for one in every if one.layer is None or one.layer in self._viewer.layers], model, count
        )

    def _best(self, every: Sequence[Candidate]) -> tuple[Candidate, Place] | None:
        """Return the place where painting helps most in these images."""
        known = [(one, seen) for one in every if (seen := self._seen.get(one.key)) is not None]
        cells = [replace(part, image=at) for at, (_, seen) in enumerate(known) for part in seen.survey.cells]
        places = rank_places(cells, [self._visited(one, seen) for one, seen in known], most=1)
        return (known[places[0].image][0], places[0]) if places else None

    def _visited(self, one: Candidate, seen: Seen) -> NDArray[np.bool_]:
        """Return which pixels of an image are painted or were suggested before."""
        visited = np.zeros(seen.shape, bool)
        for box in self._shown.get(one.key[0], ()):
            visited[box] = True
        if one.layer is None:
            return visited
        for painted, image, meaning in self._table.chosen():
            paint = take(painted, one.layer, meaning) if image_id(image) == one.key[0] else None
            if paint is not None:
                before = 0 if paint.prediction is None else paint.prediction
                start = paint.origin or (0,) * paint.values.ndim
                sides = zip(start, paint.values.shape, strict=True)
                visited[tuple(slice(low, low + length) for low, length in sides)] |= paint.values != before
        return visited

    def _fly(self, one: Candidate, place: Place, *, several: bool) -> None:
        layer = one.layer
        if layer is None:
            layer = self._open(one)
            if layer is None:  # nothing came, or it is looked at anew
                return
        elif layer is not self._selected():
            self._bring(layer)
        self._shown.setdefault(image_id(layer), []).append(place.box)
        fly_to(self._viewer, self._draw(layer, read_layer(layer), place), place.box)
        self._say(f"{layer.name}: {place.reason}." if several else f"{capitalized(place.reason)}.", layer)

    def _open(self, one: Candidate) -> Image | None:
        """Open a file and return its layer; None where it is seen in other axes, and so is looked at anew."""
        path, seen = one.key[0], self._seen.pop(one.key)
        open_project_image(self._viewer, Path(path))
        layer = next((image for image in images_of(self._viewer) if Path(path_of(image)) == Path(path)), None)
        if layer is None or seen is None:
            self._seen[one.key] = None  # why it cannot be opened was said
            return None
        image = read_layer(layer)
        if (result_axes(image.axes), labels_shape(layer)) != (seen.axes, seen.shape):
            self.go()
            return None
        self._seen[key_of(layer, image, self._form, one.key[1])] = seen
        self._show_uncertainty(layer, image, seen.survey)
        return layer

    def _bring(self, layer: Image) -> None:
        """Show another image alone of those that have labels; what else lies over them stays."""
        images = open_images(self._viewer, layer)
        for other in list(self._viewer.layers):
            of = other if other in images else self._image_of(other)
            if of is layer and other in self._hidden:
                self._hidden.discard(other)
                other.visible = True
            elif of in images and of is not layer and other.visible:
                self._hidden.add(other)
                other.visible = False
        layer.visible = True
        self._viewer.layers.selection.active = layer

    def _image_of(self, layer: Layer) -> Image | None:
        from napari.layers import Labels

        return image_of(self._viewer, layer) if isinstance(layer, Labels) else None

    def _say(self, text: str, of: Image | None) -> None:
        self._at = of
        self.reason.setText(text)
        self.reason.show()

    def _layer_went(self, event: Any) -> None:
        """Give no reason for a place that is gone."""
        if event.value is self._at:
            self._at = None
            self.reason.hide()
            self._remove_box()

    def _remove_box(self) -> None:
        if BOX_NAME in self._viewer.layers:
            with selection_kept(self._viewer):
                self._viewer.layers.remove(BOX_NAME)

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
        self._remove_box()
        with temporary_layer(self._viewer):
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
