"""What is found so far, over the image while it is segmented; what is in view comes first.

A small picture, however large the image: to draw it anew takes no time that the window needs.
"""

from __future__ import annotations

from collections.abc import Mapping

import napari.layers
import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer

from napari_unet.arrays.map_part import MapPart
from napari_unet.errors import UnetError
from napari_unet.progress import Progress
from napari_unet.widgets.parts.job import JobControl
from napari_unet.widgets.viewer.layers import LayerImage, full_resolution
from napari_unet.widgets.viewer.notes import PREVIEW, LayerNotes, as_metadata
from napari_unet.widgets.viewer.placing import placement, selection_kept, temporary_layer
from napari_unet.widgets.viewer.visible import visible_region

MAX_SIDE = 1024
"""Pixels of the longer side of the picture: at most a megabyte goes to the graphics card."""
EVERY = 250
"""Milliseconds between two drawings, and between two looks at where the view is."""
NAME = "found so far"


class LiveDisplay(QObject):  # type: ignore[misc]
    """Follows one run at a time; a layer of its own shows the map, and goes with the run's end."""

    def __init__(self, viewer: napari.viewer.Viewer, job: JobControl) -> None:
        super().__init__(job)
        self._viewer, self._job = viewer, job
        self._layer: napari.layers.Image | None = None
        self._of: tuple[napari.layers.Image, LayerImage] | None = None
        self._point: dict[str, float] = {}
        self._index: Mapping[str, int] | None = None
        self._step = 1
        self._timer = QTimer(self, interval=EVERY)
        self._timer.timeout.connect(self._look)
        job.progressed.connect(self._progressed)
        job.finished.connect(self.end)

    def begin(self, layer: napari.layers.Image, image: LayerImage) -> None:
        """Follow the run that segments an image."""
        self._of = (layer, image)
        lengths = dict(zip(image.axes, image.array.shape, strict=True))
        self._step = max(1, -(-max(lengths["Y"], lengths["X"]) // MAX_SIDE))
        self._look()
        self._timer.start()

    def looked_at(self) -> Mapping[str, float]:
        """Return the middle of the view, in pixels of the image by axis; a worker asks."""
        return self._point

    def end(self) -> None:
        """Take the picture away."""
        self._timer.stop()
        layer, self._layer, self._of, self._index = self._layer, None, None, None
        if layer is not None and layer in self._viewer.layers:
            with selection_kept(self._viewer):
                self._viewer.layers.remove(layer)

    def _look(self) -> None:
        """Note where the view is, and draw what has come."""
        if self._of is None or not self._is_there(*self._of):
            return
        layer, image = self._of
        try:
            seen = visible_region(self._viewer, layer, image.axes)
        except UnetError:  # a volume in 3D, or nothing of it in view
            seen = {}
        self._point = {axis: (start + stop) / 2 for axis, (start, stop) in seen.items() if axis in "ZYX"}
        if self._layer is not None and self._layer in self._viewer.layers:
            self._layer.refresh(extent=False)

    def _progressed(self, progress: Progress) -> None:
        part = progress.preview
        if not isinstance(part, MapPart) or self._of is None or not self._is_there(*self._of):
            return
        if self._layer is None:
            self._layer = self._shown(*self._of)
        if self._index != part.index:  # of another plane
            self._index = part.index
            self._layer.data[...] = 0
        self._write(part, self._layer.data)

    def _is_there(self, layer: napari.layers.Image, image: LayerImage) -> bool:
        """Whether the image is in the viewer still, and not replaced by another one."""
        shape = tuple(image.array.shape)
        return layer in self._viewer.layers and tuple(full_resolution(layer).shape)[-len(shape) :] == shape

    def _shown(self, layer: napari.layers.Image, image: LayerImage) -> napari.layers.Image:
        """Add the picture, empty."""
        lengths = dict(zip(image.axes, image.array.shape, strict=True))
        place = placement(layer, image.axes, "YX")
        place["translate"] = place["translate"] + place["scale"] * (self._step - 1) / 2
        place["scale"] = place["scale"] * self._step
        empty = np.zeros([-(-lengths[axis] // self._step) for axis in "YX"], np.uint8)
        with temporary_layer(self._viewer):
            return self._viewer.add_image(
                empty,
                name=f"{layer.name} ({NAME})",
                colormap="cyan",
                blending="additive",
                opacity=0.6,
                contrast_limits=(0, 255),
                metadata=as_metadata(LayerNotes(role=PREVIEW)),
                **place,
            )

    def _write(self, part: MapPart, picture: NDArray[np.uint8]) -> None:
        """Write a part of the map into the picture: every so many pixels of it, through a volume the highest."""
        values = part.values.max(axis=0) if part.values.ndim == 3 else part.values
        places, picked = [], []
        for axis, length in zip("YX", values.shape, strict=True):
            start, stop = part.box[axis]
            first, last = (
                max(0, -(-start // self._step)),
                -(-stop // self._step),
            )  # what is zoomed begins a bit before
            places.append(slice(first, last))
            at = (np.arange(first, last) * self._step - start) * length / max(1, stop - start)
            picked.append(np.clip(at.astype(int), 0, length - 1))
        target = picture[tuple(places)]
        rows, columns = target.shape
        target[...] = values[np.ix_(picked[0][:rows], picked[1][:columns])]
