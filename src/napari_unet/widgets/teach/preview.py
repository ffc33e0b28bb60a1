"""What a model that is still learning sees of the visible part: one layer that comes and goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari.layers import Image

from napari_unet.arrays.axes import Region
from napari_unet.widgets.viewer.layers import read_layer
from napari_unet.widgets.viewer.notes import PREVIEW, RESULT, LayerNotes, as_metadata, notes_of, role_of
from napari_unet.widgets.viewer.paint import image_of
from napari_unet.widgets.viewer.placing import move, placement, selection_kept, temporary_layer
from napari_unet.widgets.viewer.visible import visible_region

if TYPE_CHECKING:
    import napari
    from napari.layers import Labels

    from napari_unet.widgets.teach.shown_part import ShownPart

NAME = "Fine-tuning preview"


class Preview:
    """The preview layer of one viewer: coloured pixels, which cannot be painted on or exported by mistake.

    They also reach the screen sooner than a Labels layer, whose tools napari makes with it.
    """

    def __init__(self, viewer: napari.viewer.Viewer, tell: Callable[[bool], object] = bool) -> None:
        """Take a viewer, and what is told whether the preview stands alone."""
        self._viewer = viewer
        self._tell = tell
        self._layer: Image | None = None
        self._image: Image | None = None
        self._alone = False
        self._hidden: list[Labels] = []
        """Results that are hidden while the preview stands alone."""
        viewer.dims.events.current_step.connect(self._follow)
        viewer.layers.events.inserted.connect(self._came)

    def region(self, image: Image, axes: str, side: int) -> Region:
        """Return what is visible of an image, of more than `side` pixels the middle; UnetError for nothing."""
        region = visible_region(self._viewer, image, axes)
        lengths = dict(zip(axes, read_layer(image).array.shape, strict=True))
        return {axis: _middle(seen, lengths[axis], side) for axis, seen in region.items()}

    def show(self, seen: ShownPart, image: Image, axes: str) -> None:
        """Show the labels of a part of an image; a layer that the user removed comes back."""
        self._image = image
        place, layer = placement(image, axes, seen.axes, seen.origin), self._layer
        if layer is not None and layer in self._viewer.layers and layer.ndim == len(seen.axes):
            layer.data = seen.colours
            move(layer, place)
            layer.visible = True
            return
        alone = self._alone
        self.remove()
        metadata = as_metadata(LayerNotes(role=PREVIEW))
        with temporary_layer(self._viewer):
            self._layer = self._viewer.add_image(
                seen.colours, rgb=True, name=NAME, opacity=0.5, metadata=metadata, **place
            )
        if alone:
            self.stand_alone()

    def stand_alone(self) -> None:
        """Hide the results of its image while it is shown: below it they would look like what the model sees."""
        if self._layer not in self._viewer.layers or self._layer is None or not self._layer.visible:
            return
        self._say_alone(True)
        self._follow()

    def _follow(self, *_: object) -> None:
        """Hide the results where the preview is, and show them in other planes, which it does not cover."""
        if not self._alone or self._layer is None:
            return
        if not self._is_here(self._layer):
            self._show_hidden()
            return
        for layer in self._viewer.layers:
            mine = role_of(layer) == RESULT and image_of(self._viewer, layer) == self._image
            if mine and layer.visible:
                layer.visible = False
                self._hidden.append(layer)
                layer.events.visible.connect(self._shown_by_others)

    def _shown_by_others(self, event: Any) -> None:
        """Stand alone no longer where Segment, or the user, shows a result that was hidden."""
        if self._alone and event.source in self._hidden and event.source.visible:
            self._hidden.remove(event.source)
            self._say_alone(False)

    def _came(self, event: Any) -> None:
        """Keep a newly added result visible, instead of those before it."""
        if self._alone and role_of(event.value) == RESULT and image_of(self._viewer, event.value) == self._image:
            self._hidden = []
            self._say_alone(False)

    def hide(self) -> None:
        """Show nothing until there is something new."""
        self._show_results()
        if self._layer is not None:
            self._layer.visible = False

    def remove(self) -> None:
        """Take the layer away."""
        self._show_results()
        if self._layer is not None and self._layer in self._viewer.layers:
            with selection_kept(self._viewer):
                self._viewer.layers.remove(self._layer)
        self._layer = None

    def _is_here(self, layer: Image) -> bool:
        """Whether the plane that the window shows is one of the preview's."""
        at = layer.world_to_data(self._viewer.dims.point[-layer.ndim :])
        shown = {axis - (self._viewer.dims.ndim - layer.ndim) for axis in self._viewer.dims.displayed}
        sides = enumerate(zip(at, layer.data.shape, strict=False))
        return all(axis in shown or -0.5 <= place < length - 0.5 for axis, (place, length) in sides)

    def _show_results(self) -> None:
        self._say_alone(False)
        self._show_hidden()

    def _say_alone(self, alone: bool) -> None:
        self._alone = alone
        self._tell(alone)

    def _show_hidden(self) -> None:
        hidden, self._hidden = self._hidden, []
        for layer in hidden:
            if layer in self._viewer.layers:
                layer.visible = True


def within(region: Region, layer: Labels) -> tuple[slice, ...]:
    """Return a region of the image as a part of a labels layer with its own origin."""
    notes = notes_of(layer)
    origin = notes.origin or (0,) * layer.ndim
    part = []
    for axis, start, length in zip(notes.axes, origin, layer.data.shape, strict=True):
        low, high = region.get(axis, (start, start + length))
        part.append(slice(max(0, low - start), max(0, min(length, high - start))))
    return tuple(part)


def _middle(seen: tuple[int, int], length: int, side: int) -> tuple[int, int]:
    low, high = max(0, seen[0]), min(length, seen[1])
    spare = max(0, (high - low - side) // 2)
    return low + spare, high - spare
