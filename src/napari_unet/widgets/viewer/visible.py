"""Which part of an image the canvas shows."""

from __future__ import annotations

import itertools

import napari.layers
import numpy as np
from numpy.typing import NDArray

from napari_unet.errors import UnetError
from napari_unet.widgets.viewer.layers import full_resolution, unwrapped

AROUND_BOX = 2.0
"""How many times as large as a box the canvas is that shows it."""


def visible_region(
    viewer: napari.viewer.Viewer, layer: napari.layers.Image, axes: str
) -> dict[str, tuple[int, int]]:
    """Return what the canvas shows of a layer, as (start, stop) by axis; other axes at the present slice."""
    spatial = axes.replace("S", "")
    if viewer.dims.ndisplay == 3:
        raise UnetError("a volume in 3D shows no part of an image: switch to 2D (Ctrl+Y)")
    # napari keeps the corners of a multiscale layer until another level or part is loaded
    corners = _seen_by_camera(viewer, layer) if layer.multiscale else np.asarray(layer.corner_pixels)
    if corners.shape[1] != layer.ndim or not np.ptp(corners, axis=0).any():  # its data were just replaced
        raise UnetError(f"nothing of {layer.name} is visible: move the view onto it")
    beyond = layer.ndim - len(spatial)  # leading axes of length 1 that were left out
    corners = corners[:, beyond:]
    point = layer.world_to_data(viewer.dims.point[-layer.ndim :])[beyond:]
    shown = {axis - (viewer.dims.ndim - len(spatial)) for axis in viewer.dims.displayed}
    region = {}
    for number, axis in enumerate(spatial):
        if number in shown:
            region[axis] = (int(corners[0][number]), int(np.ceil(corners[1][number] + 1)))
        elif axis != "C":
            here = round(float(point[number]))
            region[axis] = (here, here + 1)
    return region


def show_index(viewer: napari.viewer.Viewer, layer: napari.layers.Layer, axis: int, index: int) -> None:
    """Move the viewer along one axis of a layer, by its number, to an index of the layer's data."""
    number = axis + viewer.dims.ndim - layer.ndim
    point = np.asarray(layer.world_to_data(viewer.dims.point[-layer.ndim :]))
    point[axis] = index
    viewer.dims.set_point(number, float(layer.data_to_world(point)[axis]))


def show_channel(viewer: napari.viewer.Viewer, layer: napari.layers.Layer, axes: str, channel: int | None) -> None:
    """Move the viewer's slider to a channel of a layer with these axes, if it has one and any was chosen."""
    spatial = axes.replace("S", "")
    if channel is not None and "C" in spatial:
        show_index(viewer, layer, spatial.index("C"), channel)


def _seen_by_camera(viewer: napari.viewer.Viewer, layer: napari.layers.Image) -> NDArray[np.float64]:
    """Return the first and last pixel of a layer, at full resolution, that the canvas shows."""
    window = unwrapped(viewer).window  # panels get a proxy that hides the canvas
    canvas, camera = window._qt_viewer.canvas.native, viewer.scene.camera
    half = np.array([canvas.height(), canvas.width()]) / camera.zoom / 2
    shown = list(viewer.dims.displayed)
    seen = []
    for side in itertools.product((-1, 1), repeat=2):
        point = np.asarray(viewer.dims.point, float)
        point[shown] = np.asarray(camera.center)[-2:] + half * side
        seen.append(layer.world_to_data(point[-layer.ndim :]))
    last = np.asarray(full_resolution(layer).shape[: layer.ndim]) - 1
    corners: NDArray[np.float64] = np.clip([np.min(seen, axis=0), np.max(seen, axis=0)], 0, last)
    return corners


def fly_to(viewer: napari.viewer.Viewer, layer: napari.layers.Layer, box: tuple[slice, ...]) -> None:
    """Show a box of a layer's data: its plane, in the middle of the canvas, with as much around it."""
    low, high = (np.asarray(layer.data_to_world(end), float) for end in zip(*_ends(box), strict=True))
    middle, size = (low + high) / 2, np.abs(high - low)
    shown = list(viewer.dims.displayed)
    for axis in range(layer.ndim):
        number = axis + viewer.dims.ndim - layer.ndim
        if number not in shown:
            viewer.dims.set_point(number, float(middle[axis]))
    across = [axis - (viewer.dims.ndim - layer.ndim) for axis in shown[-2:]]
    canvas = unwrapped(viewer).window._qt_viewer.canvas.native
    room = min(canvas.height() / max(size[across[0]], 1e-9), canvas.width() / max(size[across[1]], 1e-9))
    viewer.scene.camera.zoom = room / AROUND_BOX
    viewer.scene.camera.center = tuple(middle[across])


def _ends(box: tuple[slice, ...]) -> list[tuple[float, float]]:
    return [(side.start - 0.5, side.stop - 0.5) for side in box]
