"""What a worker does for the Segment panel; PyTorch is imported there, not in the window's thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_unet.progress import Progress, Steps, map_progress
from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.widgets.viewer.layers import LayerImage

MAX_FIRST_SHARE = 0.5
"""Share of all tiles that the first one may be, where the others are to tell how long a tile takes."""
SHORTEST = 0.3
"""Seconds of predicting that tell a speed."""

if TYPE_CHECKING:
    from napari_unet.segmentation import Segmentation


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSource:
    """What an image is called, the file that holds it, and the channel of that file that it shows."""

    name: str
    file: str = ""
    channel: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationRun:
    """What a run gave, and what it was made by."""

    result: Segmentation
    provenance: dict[str, Any]
    model: Path
    seconds: float | None = None
    """How long all of it takes once PyTorch and the model are there; None where it was too short to tell."""


class Pace:
    """How fast tiles go, from the first one on: what comes before is loading, which no second run does."""

    def __init__(self) -> None:
        self._first: tuple[float, float] | None = None
        """When the first tile was there, and which share of all it was."""

    def see(self, progress: Progress) -> Progress:
        """Note the first tile."""
        if progress.done and self._first is None:
            self._first = (time.monotonic(), progress.done / progress.total)
        return progress

    def seconds(self) -> float | None:
        """Return how long all tiles take, now that all are there; None where that is a guess."""
        if self._first is None:
            return None
        then, share = self._first
        took = time.monotonic() - then
        return took / (1 - share) if share <= MAX_FIRST_SHARE and took >= SHORTEST else None


def begin_segmentation(
    image: LayerImage,
    model_path: Path,
    region: dict[str, tuple[int, int]] | None,
    settings: SegmentationSettings,
    source: ImageSource,
) -> Callable[[], Steps[SegmentationRun]]:
    """Return the function that a worker calls to segment; `source` names the image in provenance and command."""

    def begin() -> Steps[SegmentationRun]:
        from napari_unet.nets.torch_preload import preload_torch

        preload_torch()
        from napari_unet.models.library import load_model
        from napari_unet.nets.device import choose_device, device_name
        from napari_unet.provenance import segment_command, segmentation_provenance
        from napari_unet.segmentation import segment_steps

        model = load_model(model_path)
        pace = Pace()
        steps = segment_steps(image.array, model, axes=image.axes, settings=settings, region=region)
        result = yield from map_progress(steps, pace.see)
        seconds = pace.seconds()
        device = device_name(choose_device(settings.prediction.device))
        provenance = segmentation_provenance(result.plan, source=source.name)
        provenance["device"] = device
        provenance["command"] = segment_command(
            result.plan, settings, source.file or source.name, channel=source.channel
        )
        return SegmentationRun(result=result, provenance=provenance, model=model_path, seconds=seconds)

    return begin
