"""What a worker does for the Batch panel; PyTorch is imported there, not in the window's thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from napari_unet.files.batch_row import BatchRow
from napari_unet.files.image_list import input_files
from napari_unet.progress import Progress, Steps
from napari_unet.settings.segmentation import SegmentationSettings


@dataclass(frozen=True, slots=True)
class ListedImages:
    """The images that were found, in the order in which they are segmented, and what was left out."""

    images: tuple[Path, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelRequest:
    """What the panel asks for."""

    inputs: Sequence[str]
    """Folders, files and patterns."""
    output: Path
    model: Path
    settings: SegmentationSettings
    stop: Event = field(default_factory=Event)
    """Ends the work after its present step, with the rows that are finished."""


def begin_listing(inputs: Sequence[str]) -> Callable[[], Steps[ListedImages]]:
    """Return the function that a worker calls to look which images there are."""

    def begin() -> Steps[ListedImages]:
        yield Progress(done=0, total=0, doing="Looking for images")
        images, left_out = input_files(inputs)
        return ListedImages(tuple(images), tuple(left_out))

    return begin


def begin_batch(request: PanelRequest) -> Callable[[], Steps[list[BatchRow]]]:
    """Return the function that a worker calls to segment all images; a step's `preview` is news for the table."""

    def begin() -> Steps[list[BatchRow]]:
        from napari_unet.nets.torch_preload import preload_torch

        preload_torch()
        from napari_unet.batch import BatchRequest, batch_steps
        from napari_unet.models.library import load_model

        listed = yield from begin_listing(request.inputs)()
        yield Progress(done=0, total=0, doing="Loading the model", preview=listed)
        wanted = BatchRequest(images=listed.images, output=request.output, settings=request.settings)
        return (yield from until_stopped(batch_steps(wanted, load_model(request.model)), request.stop))

    return begin


def begin_table(rows: Sequence[BatchRow], path: Path) -> Callable[[], Steps[list[str]]]:
    """Return the function that a worker calls to measure the objects of all images into one table."""

    def begin() -> Steps[list[str]]:
        from napari_unet.batch_table import write_batch_table_steps

        return (yield from write_batch_table_steps(rows, path))

    return begin


def until_stopped(steps: Steps[list[BatchRow]], stop: Event) -> Steps[list[BatchRow]]:
    """Run steps to their end, or until they are stopped; then the rows are those that were finished."""
    rows: list[BatchRow] = []
    while not stop.is_set():
        try:
            step = next(steps)
        except StopIteration as end:
            found: list[BatchRow] = end.value
            return found
        if isinstance(step.preview, BatchRow):
            rows.append(step.preview)
        yield step
    steps.close()
    return rows
