"""Channels as layers of their own: how napari shows several, and what labels can follow."""

from __future__ import annotations

from pathlib import Path

import napari.layers
from qtpy.QtWidgets import QPushButton

from napari_unet.errors import UnetError
from napari_unet.widgets.viewer.file_header import file_header, known_size
from napari_unet.widgets.viewer.layers import ChannelsBetweenError, full_resolution, read_layer
from napari_unet.widgets.viewer.notes import LayerNotes, as_metadata
from napari_unet.widgets.viewer.placing import placement


class SplitButton(QPushButton):  # type: ignore[misc]
    """Offers to split the channels of an image that cannot be segmented as it is; hidden for all others."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__("Split channels")
        self.setToolTip("Show every channel as a layer of its own in place of the image; nothing is copied.")
        self._viewer = viewer
        self._offered: tuple[napari.layers.Image, str] | None = None
        self.clicked.connect(lambda _: self._split())
        self.hide()

    def offer(self, layer: napari.layers.Image | None, error: Exception | None = None) -> None:
        """Show or hide the button: `error` is why the layer cannot be read, None if it can."""
        self._offered = None
        if layer is not None and isinstance(error, ChannelsBetweenError):
            self._offered = (layer, error.axes)
        self.setVisible(self._offered is not None)

    def _split(self) -> None:
        if self._offered is not None:
            split_channels(self._viewer, *self._offered)


def split_channels(
    viewer: napari.viewer.Viewer, layer: napari.layers.Image, axes: str
) -> list[napari.layers.Image]:
    """Put a layer per channel into the place of an image with these axes, and return them.

    Were the image left there, hidden, the viewer would keep a slider for its channels, beside the wrong axes.
    """
    kept = axes.replace("C", "")
    place = placement(layer, axes, kept.replace("S", ""))
    number = axes.index("C")
    count = full_resolution(layer).shape[number]
    notes = [
        LayerNotes(image_axes=kept, pixel_size=known_size(layer), file_channel=channel) for channel in range(count)
    ]
    place["axis_labels"] = tuple(kept.replace("S", "").lower())
    viewer.layers.remove(layer)
    header = file_header(layer)
    names = header.channel_names if header is not None and len(header.channel_names) == count else ()
    called = names or [f"channel {channel}" for channel in range(count)]
    added = viewer.add_image(
        layer.data,
        channel_axis=number,
        multiscale=layer.multiscale,
        rgb=layer.rgb,
        name=[f"{layer.name} {name}" for name in called],
        metadata=[as_metadata(one) for one in notes],
        **place,
    )
    for channel in added:
        channel._set_source(layer.source)  # the file to open again when paint on it is restored
    viewer.layers.selection.active = added[0]
    return list(added)


def open_images(viewer: napari.viewer.Viewer, path: str | Path) -> list[napari.layers.Image]:
    """Open a file as napari does and return the images in it; whatever its reader raises is raised.

    An image over which labels cannot lie before its channels are split is split.
    """
    opened = [layer for layer in viewer.open(str(path)) if isinstance(layer, napari.layers.Image)]
    return [part for layer in opened for part in _parts(viewer, layer)]


def _parts(viewer: napari.viewer.Viewer, layer: napari.layers.Image) -> list[napari.layers.Image]:
    try:
        read_layer(layer)
    except ChannelsBetweenError as error:
        return split_channels(viewer, layer, error.axes)
    except UnetError:
        pass
    return [layer]
