"""What a worker does for the Segment panel; PyTorch is imported there, not in the window's thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_unet.arrays.corrections import Merged
from napari_unet.progress import Steps, map_progress
from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.widgets.segment.duration import Duration, Stopwatch
from napari_unet.widgets.viewer.corrected import CorrectedResult
from napari_unet.widgets.viewer.layers import LayerImage

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
    duration: Duration
    corrected: CorrectedResult | None = None
    """The corrections that are kept."""
    merged: Merged | None = None
    """The labels with the corrections in them, None where there are none of that kind."""

    @property
    def foretold(self) -> str:
        """Return in a sentence which quality is to be expected; empty where that is not known."""
        quality = self.provenance.get("quality")
        return "" if quality is None else f" Predicted quality: {quality:.2f} of 1."


def begin_segmentation(
    image: LayerImage,
    model_path: Path,
    region: dict[str, tuple[int, int]] | None,
    settings: SegmentationSettings,
    source: ImageSource,
    *,
    corrected: CorrectedResult | None = None,
) -> Callable[[], Steps[SegmentationRun]]:
    """Return the function that a worker calls to segment; `source` names the image in provenance and command."""

    def begin() -> Steps[SegmentationRun]:
        from napari_unet.nets.torch_preload import preload_torch

        preload_torch()
        from napari_unet.models.library import load_model
        from napari_unet.nets.device import choose_device, device_name
        from napari_unet.provenance import segment_command, segmentation_provenance
        from napari_unet.quality import quality_steps
        from napari_unet.segmentation import segment_steps

        model = load_model(model_path)
        watch = Stopwatch()
        steps = segment_steps(image.array, model, axes=image.axes, settings=settings, region=region)
        result = yield from map_progress(steps, watch.see)
        duration = watch.duration()
        quality = None if region else (yield from quality_steps(result.plan, model))
        device = device_name(choose_device(settings.prediction.device))
        provenance = segmentation_provenance(result.plan, source=source.name, quality=quality)
        provenance["device"] = device
        if source.channel is not None:
            provenance["file_channel"] = source.channel
        provenance["command"] = segment_command(
            result.plan, settings, source.file or source.name, channel=source.channel
        )
        merged = corrected.merged(result) if corrected is not None else None
        return SegmentationRun(
            result=result,
            provenance=provenance,
            model=model_path,
            duration=duration,
            corrected=corrected,
            merged=merged,
        )

    return begin
