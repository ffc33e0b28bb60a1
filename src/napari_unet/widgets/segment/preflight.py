"""The one line above Segment: how the image is understood, where it will run, how long it may take."""

from __future__ import annotations

import os
from collections.abc import Hashable

from napari_unet.arrays.axes import SINGLE, check_axes
from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.arrays.zoom import is_own_size
from napari_unet.errors import UnetError
from napari_unet.models.pixel_zoom import zoom_of_pixels
from napari_unet.models.spec import ModelSpec
from napari_unet.settings.prediction import PredictionSettings
from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.settings.zooms import zoom_text
from napari_unet.widgets.parts.job import seconds_text
from napari_unet.widgets.segment.duration import Duration
from napari_unet.widgets.viewer.layers import LayerImage

GIGAFLOPS_A_CORE = 60
"""Rough speed of one CPU core on these networks; replaced by what was measured after the first run."""
FLOPS_OF_BASE_16 = 104e3
"""Floating point operations per pixel of a padded network of base 16, tiling included; grows with base^2."""
ROTATIONS = 8
STARTING = 2.0
"""Seconds that the first run takes to load PyTorch and the model."""
TELLING = 256**2
"""Pixels from which on a run tells how fast the next one will be; a smaller one fills less than a tile."""
WHERE = {"auto": "the GPU if there is one, else the CPU", "cpu": "the CPU"}


class SpeedRecord:
    """Which device a choice meant and how fast it was in this session; a guess before the first run."""

    def __init__(self) -> None:
        self._runs: dict[Hashable, tuple[int, Duration]] = {}
        """Pixels and duration of the last run of each kind."""
        self._names: dict[str, str] = {}

    def remember(
        self, model: str, settings: PredictionSettings, name: str, pixels: int, duration: Duration
    ) -> None:
        """Note a run: what was chosen, the name of the device, and how long it took."""
        self._names[settings.device] = name
        if pixels >= TELLING:
            self._runs[_way(model, settings)] = (pixels, duration)

    def forecast(self, spec: ModelSpec, model: str, settings: PredictionSettings, pixels: int) -> str:
        """Return where a run will be and how long it may take."""
        choice = settings.device
        where = self._names.get(choice, WHERE.get(choice, choice))
        if run := self._runs.get(_way(model, settings)):
            before, took = run
            return f"Runs on {where}, {_about(took.fixed + took.tiles * pixels / before)}."
        base = spec.arguments.get("base_channels", 64)
        cores = max(1, (os.cpu_count() or 2) // 2)
        views = ROTATIONS if settings.rotations else 1
        flops = views * pixels * FLOPS_OF_BASE_16 * (base / 16) ** 2
        seconds = STARTING + flops / (cores * GIGAFLOPS_A_CORE * 1e9)
        return f"Runs on {where}, {_about(seconds)} on a CPU."


def _way(model: str, settings: PredictionSettings) -> Hashable:
    """Return what the speed of a run depends on."""
    return (model, settings.device, settings.precision, settings.rotations)


def _about(seconds: float) -> str:
    return f"about {seconds_text(seconds)}" if seconds >= 1 else seconds_text(seconds)


def describe_image(image: LayerImage, size: PixelSize | None) -> str:
    """Return the axes and sizes as understood, and the pixel size."""
    lengths = dict(zip(image.axes, image.array.shape, strict=True))
    parts = [f"{lengths['X']} × {lengths['Y']} px"]
    for axis, thing in (("Z", "plane"), ("T", "time point"), ("C", "channel")):
        if axis in lengths:
            parts.append(f"{lengths[axis]} {thing}" + "s" * (lengths[axis] != 1))
    if "S" in lengths:
        parts.append("RGB")
    parts.append(_size_text(size))
    guess = "" if image.named else " Axes are a guess: see Advanced."
    return f"{image.axes.replace(SINGLE, '')}: " + ", ".join(parts) + "." + guess


def _size_text(size: PixelSize | None) -> str:
    """Return width and height of a pixel, one number where alike, the distance of planes, the interval."""
    text = _sides_text(size) if size is not None and size.um else "pixel size unknown"
    if size is not None and (interval := size.get("T")) is not None:
        text += f", {interval:.4g} s from frame to frame"
    return text


def _sides_text(size: PixelSize) -> str:
    width, height, depth = (None if (um := size.get(axis)) is None else f"{um:.4g}" for axis in "XYZ")
    text = f"{width} µm per pixel" if height == width else f"{width} × {height} µm per pixel"
    if depth is not None and depth != width:
        text += f" and {depth} µm from plane to plane"
    return text + ("" if size.stated else " (if its scale is in µm)")


def problem(image: LayerImage, spec: ModelSpec | None, channel: int | None) -> str:
    """Return the sentence that says why this image cannot be segmented with this model, or nothing."""
    if spec is None:
        return "Choose a model."
    try:
        check_axes(image.axes, image.array.shape)
    except UnetError as error:
        return str(error)
    if image.channels > 1 and channel is None and image.channels != spec.in_channels:
        return f"The image has {image.channels} channels: choose the one to segment."
    return ""


def zoom_sentence(spec: ModelSpec, size: PixelSize | None, settings: SegmentationSettings) -> str:
    """Return at which size the network will see the image, where that is known before; else nothing."""
    zoom = settings.zoom
    by = ""
    if zoom is None and settings.zoom_from == "pixels" and not spec.gives_image:
        zoom, by = zoom_of_pixels(size, spec), ", by its pixel size"
    return "" if zoom is None or is_own_size(zoom) else f" Seen at {zoom_text(zoom)}{by}."


def pixel_count(image: LayerImage, region: dict[str, tuple[int, int]] | None) -> int:
    """Return how many pixels will be predicted."""
    count = 1
    for axis, length in zip(image.axes, image.array.shape, strict=True):
        if axis in "CS":
            continue
        start, stop = (region or {}).get(axis, (0, length))
        count *= max(0, min(stop, length) - max(0, start))
    return count
