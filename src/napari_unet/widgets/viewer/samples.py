"""File > Open Sample: the bundled images as napari layers."""

from __future__ import annotations

from typing import Any

from napari_unet.files.images import read_image
from napari_unet.samples import SAMPLES

LayerData = tuple[Any, dict[str, Any], str]


def u2os() -> list[LayerData]:
    """Return the U2OS nuclei."""
    return _layer(0)


def crowded() -> list[LayerData]:
    """Return the crowded nuclei."""
    return _layer(1)


def _layer(number: int) -> list[LayerData]:
    sample = SAMPLES[number]
    image = read_image(sample.path)
    options: dict[str, Any] = {"name": sample.title, "axis_labels": tuple(image.axes.lower())}
    if image.pixel_size is not None:
        options |= {"scale": image.pixel_size, "units": ("um",) * len(image.pixel_size)}
    return [(image.array, options, "image")]
