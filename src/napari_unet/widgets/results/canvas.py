"""The canvas and the table: fly to an object, click on one, draw a line across one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QWidget

from napari_unet.measurement import POSITIONS

if TYPE_CHECKING:
    import napari

CLICK = 4
"""Pixels that a mouse may move while its button is down and still click."""
SMALLEST, LARGEST = 30, 0.8
"""Screen pixels that an object shows at least, and share of the canvas at most, or the view is zoomed."""
GOOD = 0.25
"""Share of the canvas that an object has after zooming: its neighbours are in sight."""
LOOKING = ("pan_zoom", "pick", "select")
"""Modes of layers in which a click draws nothing."""
LINE = QColor("#ffd54f")


def fly_to(viewer: napari.viewer.Viewer, layer: Labels, axes: str, spatial: str, row: Mapping[str, Any]) -> None:
    """Show the object of a row of the table: move to its plane and time, and the camera over it."""
    low, high = np.zeros(layer.ndim), np.ones(layer.ndim)
    for number, axis in enumerate(axes):
        if axis in spatial:
            at = spatial.index(axis)
            low[number], high[number] = row[f"bbox-{at}"], row[f"bbox-{at + len(spatial)}"]
        elif POSITIONS.get(axis, "") in row:
            low[number], high[number] = row[POSITIONS[axis]], row[POSITIONS[axis]] + 1
    middle = np.asarray(layer.data_to_world((low + high - 1) / 2), float)
    beyond = viewer.dims.ndim - layer.ndim
    shown = [axis - beyond for axis in viewer.dims.displayed if axis >= beyond]
    for other in set(range(layer.ndim)) - set(shown):
        plane = layer.data_to_world((low + high - 1) // 2)  # a pixel's middle: between two planes neither is shown
        viewer.dims.set_point(other + beyond, float(plane[other]))
    camera = viewer.scene.camera
    camera.center = tuple(float(middle[axis]) for axis in shown)
    extent = max(float((high - low)[axis] * abs(layer.scale[axis])) for axis in shown)
    canvas = min(_canvas(viewer).width(), _canvas(viewer).height())
    if not SMALLEST < extent * camera.zoom < LARGEST * canvas:
        camera.zoom = GOOD * canvas / extent


def _canvas(viewer: Any) -> QWidget:
    return getattr(viewer, "__wrapped__", viewer).window._qt_viewer.canvas.native


def object_at(layer: Labels, event: Any) -> int:
    """Return the object under the mouse, 0 for none; in 3D the first that the ray meets."""
    value = layer.get_value(
        event.position, view_direction=event.view_direction, dims_displayed=event.dims_displayed, world=True
    )
    return int(value or 0)


def object_on(
    viewer: napari.viewer.Viewer,
    layer: Labels,
    line: NDArray[np.float64],
    axes: tuple[int, int],
    preferred: Sequence[int],
) -> int:
    """Return the object that a line in the plane shown crosses: a preferred one, else that with most points."""
    count = 2 + int(np.abs(np.diff(line, axis=0)).sum())
    steps = np.linspace(0, len(line) - 1, 2 * count)
    points = [np.interp(steps, np.arange(len(line)), line[:, side]) for side in (0, 1)]
    index = [np.full(len(steps), at) for at in layer.world_to_data(viewer.dims.point[-layer.ndim :])]
    index[axes[0]], index[axes[1]] = points
    last = np.asarray(layer.data.shape) - 1
    whole = [np.clip(np.rint(at), 0, end).astype(np.intp) for at, end in zip(index, last, strict=True)]
    ids, counts = np.unique(layer.data[tuple(whole)], return_counts=True)
    known = [number for number in preferred if number in ids]
    counts[ids == 0] = 0
    return int(known[0] if known else ids[counts.argmax()])


class LineOverlay(QWidget):  # type: ignore[misc]
    """A line over the canvas, in its pixels."""

    def __init__(self, canvas: QWidget) -> None:
        super().__init__(canvas)
        self.points: list[QPointF] = []
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setGeometry(canvas.rect())
        self.show()

    def add(self, x: float, y: float) -> None:
        """Go on to a point."""
        self.points.append(QPointF(x, y))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the line."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(LINE, 2))
        painter.drawPolyline(self.points)


class CanvasTools:
    """Clicks on objects of one Labels layer, and lines across them."""

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        layer: Callable[[], Labels | None],
        clicked: Callable[[int, bool], None],
        drawn: Callable[[NDArray[np.float64], tuple[int, int]], None],
    ) -> None:
        """Take how to find the layer, and what to do with a clicked object and a line in pixels of two axes."""
        self._viewer = getattr(viewer, "__wrapped__", viewer)
        self._layer, self._clicked, self._drawn = layer, clicked, drawn
        self.is_cutting = False
        self._viewer.mouse_drag_callbacks.append(self._pressed)

    def close(self) -> None:
        """Listen no more."""
        self.stop_cutting()
        if self._pressed in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._pressed)

    def start_cutting(self) -> None:
        """Take the next drag of the mouse for a line, instead of moving the view or painting."""
        layer = self._layer()
        if layer is not None:
            self._viewer.layers.selection.active = layer
            layer.mode = "pan_zoom"
            layer.mouse_pan = False
            self._viewer.cursor.style = "crosshair"
            self.is_cutting = True

    def stop_cutting(self) -> None:
        """Give the mouse back to napari."""
        layer = self._layer()
        if self.is_cutting and layer is not None:
            layer.mouse_pan = True
            self._viewer.cursor.style = "standard"
        self.is_cutting = False

    def _pressed(self, viewer: Any, event: Any) -> Iterator[None]:
        layer = self._layer()
        if layer is None or layer not in viewer.layers or event.button != 1:
            return
        if self.is_cutting:
            yield from self._cut(viewer, layer, event)
        elif layer.visible and _is_looking(viewer):
            yield from self._click(layer, event)

    def _click(self, layer: Labels, event: Any) -> Iterator[None]:
        start, add = np.asarray(event.pos, float), any(key in event.modifiers for key in ("Shift", "Control"))
        number = object_at(layer, event)
        yield
        while event.type == "mouse_move":
            yield
        if np.abs(np.asarray(event.pos, float) - start).max() <= CLICK and number:
            self._clicked(number, add)

    def _cut(self, viewer: Any, layer: Labels, event: Any) -> Iterator[None]:
        overlay = LineOverlay(_canvas(viewer))
        points = []
        try:
            while event.type in ("mouse_press", "mouse_move"):
                points.append(np.asarray(event.position, float))
                overlay.add(*event.pos)
                yield
        finally:
            overlay.hide()
            overlay.deleteLater()
            self.stop_cutting()
        beyond = viewer.dims.ndim - layer.ndim
        first, second = (axis - beyond for axis in viewer.dims.displayed[-2:])
        line = np.array([layer.world_to_data(point[-layer.ndim :]) for point in points])
        self._drawn(line[:, [first, second]], (first, second))


def _is_looking(viewer: Any) -> bool:
    """Whether a click draws nothing."""
    return str(getattr(viewer.layers.selection.active, "mode", "pan_zoom")) in LOOKING
