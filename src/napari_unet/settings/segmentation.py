"""What can be chosen for one run of segmenting."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import field_validator

from napari_unet.settings.base import Settings, Where, option, override
from napari_unet.settings.channels import ChosenChannels, channels_option
from napari_unet.settings.instances import InstanceSettings
from napari_unet.settings.intensity import IntensitySettings
from napari_unet.settings.prediction import PredictionSettings
from napari_unet.settings.zooms import ZOOMS, Zoom, zoom_text

JOINABLE = "ZT"
"""Axes through which objects can be joined, in this order: a volume at each time first."""
AS_MODEL = "model's own"
SHOWN: tuple[Where, ...] = ("segment", "Segment panel")


def zoom_option(*offered: Any) -> Any:
    """Declare the zoom."""
    return option(
        None,
        "how large the network sees the image, one of 0.125, 0.25, 0.5, 1 and 2, or one for each axis: small for "
        "objects much larger than those that it learnt, large for tiny ones; some models measure the objects and "
        "choose it",
        choices={zoom_text(zoom): zoom for zoom in ZOOMS},
        only_choices=True,
        per_axis=True,
        unset=AS_MODEL,
        label="Zoom",
        offered=offered,
    )


def _threshold(name: str, flag: str) -> Any:
    """Declare a threshold of the model that a user may choose."""
    return override(InstanceSettings, name, unset=AS_MODEL, flag=flag, offered=SHOWN)


class SegmentationSettings(Settings):
    """What a user may choose per run; thresholds left out are the model's own."""

    channels: ChosenChannels = channels_option("segment", "Batch panel")
    prediction: PredictionSettings = PredictionSettings()
    intensity: IntensitySettings = IntensitySettings()
    zoom: Zoom | None = zoom_option(*SHOWN)
    zoom_from: str = option(
        "pixels",
        "what chooses the zoom where none is given: pixels, the pixel size of image and model where both are "
        "known, else the objects; or objects alone",
        choices={"pixel size first": "pixels", "objects alone": "objects"},
        only_choices=True,
        label="Zoom from",
        offered=SHOWN,
    )
    core_threshold: float | None = _threshold("core_threshold", "--core")
    edge_threshold: float | None = _threshold("edge_threshold", "--edge")
    min_size: int | None = _threshold("min_size", "--smallest")
    join: str = option(
        "",
        "Z, T or ZT: objects that overlap from plane to plane are one, through a stack, over time or both",
        choices={
            "separate in every plane": "",
            "joined through Z": "Z",
            "joined through T": "T",
            "joined through Z and T": "ZT",
        },
        only_choices=True,
        must_be="Z, T or ZT",
        label="Objects",
        offered=("segment",),
    )

    @field_validator("join", mode="before")
    @classmethod
    def _in_order(cls, value: Any) -> Any:
        """Return "zt" and "TZ" as "ZT"."""
        return "".join(sorted(value.upper(), key=JOINABLE.find)) if isinstance(value, str) else value

    def thresholds(self, stored: InstanceSettings) -> InstanceSettings:
        """Return the thresholds that a model stores with the chosen ones in their place."""
        chosen = {name: value for name, value in self if name in type(stored).model_fields and value is not None}
        return stored.replace(**chosen)

    def with_options(self, channels: Any, device: str | None, zoom: Zoom | None) -> SegmentationSettings:
        """Return the settings with what was chosen by keyword in place of what they say."""
        settings = self
        if channels is not None:
            several = isinstance(channels, Iterable) and not isinstance(channels, str)
            settings = settings.replace(channels=tuple(channels) if several else (channels,))
        if zoom is not None:
            settings = settings.replace(zoom=zoom)
        if device is not None:
            settings = settings.replace(prediction=settings.prediction.replace(device=device))
        return settings
