"""How a network is run over an image."""

from __future__ import annotations

from typing import Literal

from napari_unet.settings.base import Settings, Where, option
from napari_unet.settings.devices import device_option

SHOWN: tuple[Where, ...] = ("segment", "Segment panel")


class PredictionSettings(Settings):
    """How to run a network over an image; only `precision` and `rotations` change the result."""

    device: str = device_option("segment", "Segment panel")
    tile: int | tuple[int, ...] | None = option(
        None,
        "side of the part that one call of the network writes; it changes speed and memory, not the result",
        per_axis=True,
        minimum=1,
        maximum=8192,  # a window of that side needs more memory than any GPU has
        step=64,
        unit="px",
        unset="automatic",
        label="Tile",
        offered=SHOWN,
    )
    precision: Literal["exact", "fast"] = option(
        "exact",
        "compute in 16 bit where the device is good at it: about twice the speed, about 0.1 % of pixels differ",
        switch=("fast", "16 bit, faster"),
        flag="--fast",
        label="Precision",
        offered=SHOWN,
    )
    # `axons` gain 0.01 of mean IoU by it, `nuclei` nothing
    rotations: bool = option(
        False,
        "average the predictions for the 8 rotations and reflections of the image, at 8 times the cost",
        switch=(True, "8 views, slower"),
        label="Average",
        offered=SHOWN,
    )
