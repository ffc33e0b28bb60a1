"""How to segment: channels, zoom, thresholds, device."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from napari_unet.arrays.instances import InstanceSettings
from napari_unet.arrays.zoom import check_zoom
from napari_unet.errors import UnetError
from napari_unet.models.selection import JOINABLE
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.prediction import PredictionSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationSettings:
    """What a user may choose per run; thresholds left out are the model's own."""

    channels: tuple[int, ...] | None = None
    """Which channels the model reads, from 0, in the order of its inputs; None where there is no choice."""
    prediction: PredictionSettings = field(default_factory=PredictionSettings)
    zoom: float | None = None
    """How large the network sees the image, one of `arrays.zoom.ZOOMS`; None: as the objects in it ask for."""
    seed: float | None = None
    mask: float | None = None
    minimum_size: int | None = None
    join: str = ""
    """Axes out of Z and T through which objects that overlap from plane to plane are one; none if empty."""

    def __post_init__(self) -> None:
        check_zoom(1.0 if self.zoom is None else self.zoom)
        if set(self.join) - set(JOINABLE) or len(set(self.join)) < len(self.join):
            raise UnetError(f"objects are joined through Z, T or ZT, got {self.join!r}")

    def instances(self, spec: ModelSpec) -> InstanceSettings:
        """Return the model's thresholds with the user's in their place."""
        wished: dict[str, Any] = {"seed": self.seed, "mask": self.mask, "minimum_size": self.minimum_size}
        return replace(spec.instances, **{name: value for name, value in wished.items() if value is not None})
