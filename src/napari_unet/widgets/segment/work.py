"""What a worker does for the Segment panel; PyTorch is imported there, not in the window's thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_unet.arrays.channels import single
from napari_unet.arrays.corrections import Merged
from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.arrays.source import Source
from napari_unet.progress import Steps, map_progress
from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.widgets.segment.duration import Duration, Stopwatch
from napari_unet.widgets.viewer.corrected import CorrectedResult
from napari_unet.widgets.viewer.file_header import whole_file
from napari_unet.widgets.viewer.layers import LayerImage, pixel_size
from napari_unet.widgets.viewer.notes import InputChoice, notes_of
from napari_unet.widgets.viewer.paint import image_named

if TYPE_CHECKING:
    import napari

    from napari_unet.segmentation import Segmentation


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSource:
    """What an image is called, the file that holds it, and the channels of that file that it shows."""

    name: str
    file: str = ""
    channels: tuple[int | None, ...] | None = None
    pixel_size: PixelSize | None = None
    choices: tuple[InputChoice, ...] = ()
    """What the inputs of a network read, where it has several."""
    stacked: bool = False
    """Whether channels come from layers of their own."""

    @property
    def of_file(self) -> dict[str, Any]:
        """Return which channels of the file were segmented, as provenance has it; none where that is unclear."""
        if self.channels is None or not (self.file or not self.stacked):
            return {}
        single_one = len(self.channels) == 1
        return {"file_channel": self.channels[0]} if single_one else {"file_channels": list(self.channels)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which part is segmented, what somebody looks at meanwhile, and what computes."""

    region: dict[str, tuple[int, int]] | None = None
    """(start, stop) by axis; None for all."""
    looked_at: Callable[[], Mapping[str, float]] | None = None
    """As of `run_plan`."""
    scheduler: str | None = None
    """As of `computing_on`."""


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
    choices: tuple[InputChoice, ...] = ()
    where: str = ""
    """The sentence that says on which disk the labels are; empty for memory."""

    @property
    def foretold(self) -> str:
        """Return in a sentence which quality is to be expected; empty where that is not known."""
        quality = self.provenance.get("quality")
        return "" if quality is None else f" Predicted quality: {quality:.2f} of 1."


def image_source(
    viewer: napari.viewer.Viewer, layer: napari.layers.Image, axes: str, choices: Sequence[InputChoice]
) -> ImageSource:
    """Return where what is segmented comes from: one file, or no file where its channels come from several."""
    chosen: list[int | None] = []
    files = {whole_file(layer)}
    for choice in choices:
        if choice.image is None:
            own = notes_of(layer).file_channel
            chosen.append(choice.channel if own is None or choice.channel is None else own)
        elif (other := image_named(viewer, choice.image.id)) is not None:
            files.add(whole_file(other))
            chosen.append(notes_of(other).file_channel)
    stacked = any(choice.image is not None for choice in choices)
    unclear = len(files) > 1 or (stacked and None in chosen)
    return ImageSource(
        name=layer.name,
        file="" if unclear else files.pop(),
        channels=tuple(chosen) if stacked else single(notes_of(layer).file_channel),
        pixel_size=pixel_size(layer, axes),
        choices=tuple(choices),
        stacked=stacked,
    )


def begin_segmentation(
    image: LayerImage,
    model_path: Path,
    settings: SegmentationSettings,
    source: ImageSource,
    place: Place,
    *,
    corrected: CorrectedResult | None = None,
) -> Callable[[], Steps[SegmentationRun]]:
    """Return the function that a worker calls to segment; `source` names the image in provenance and command."""

    def begin() -> Steps[SegmentationRun]:
        from napari_unet.nets.torch_preload import preload_torch

        preload_torch()
        from napari_unet.anywhere import segment_anywhere, where_it_lies
        from napari_unet.models.library import load_model
        from napari_unet.nets.device import choose_device, device_name
        from napari_unet.provenance import segment_command, segmentation_provenance
        from napari_unet.quality import quality_steps

        model = load_model(model_path)
        watch = Stopwatch()
        seen = Source.of(
            image.array,
            image.axes,
            channel_names=image.channel_names,
            pixel_size=source.pixel_size,
            name=source.name,
            path=source.file,
        )
        steps = segment_anywhere(
            seen,
            model,
            settings,
            region=place.region,
            scheduler=place.scheduler,
            looked_at=place.looked_at,
        )
        result = yield from map_progress(steps, watch.see)
        duration = watch.duration()
        quality = None if place.region else (yield from quality_steps(result.plan, model))
        device = device_name(choose_device(settings.prediction.device))
        provenance = segmentation_provenance(result.plan, source=source.name, quality=quality)
        provenance["device"] = device
        provenance |= source.of_file
        if source.file or not source.stacked:  # no command reads several files as one image
            provenance["command"] = segment_command(
                result.plan, settings, source.file or source.name, channels=source.channels
            )
        keeps = corrected is not None and not result.gives_image and not result.levels
        merged = corrected.merged(result) if corrected and keeps else None
        return SegmentationRun(
            result=result,
            provenance=provenance,
            model=model_path,
            duration=duration,
            corrected=corrected,
            merged=merged,
            choices=source.choices,
            where=where_it_lies(result),
        )

    return begin
