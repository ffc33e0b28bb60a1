"""Batch: many image files in, one calibrated mask each; the command line and the window call this alone.

One image is in memory at a time. What goes wrong with an image is said in its row and does not stop the others.
Masks are written whole or not at all, and each says by which request it was made: after an interruption the same
request goes on where it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_unet._version import __version__
from napari_unet.arrays.pixel_size import MAX_UM, MIN_UM, PixelSize
from napari_unet.arrays.zoom import zoom_note
from napari_unet.block_planning import check_output
from napari_unet.block_segmentation import segment_into_zarr
from napari_unet.compute import Compute, computing_on
from napari_unet.errors import UNFORESEEN, UnetError
from napari_unet.files.atomic import require_writable, temporary_output_folder
from napari_unet.files.batch_row import DONE, FAILED, KEPT, BatchRow
from napari_unet.files.file_errors import image_fault
from napari_unet.files.image_file import ImageFile
from napari_unet.files.image_list import IMAGE_ENDING, MASK_ENDING, ZARR, mask_files
from napari_unet.files.image_tiff import write_image
from napari_unet.files.images import read_image
from napari_unet.files.kinds import TIFF, kind_of
from napari_unet.files.openable import file_state, is_file
from napari_unet.files.provenance import read_provenance
from napari_unet.files.same_file import refuse_overwriting
from napari_unet.files.tiff import MASK_SUFFIXES, write_labels
from napari_unet.files.zarr import is_zarr
from napari_unet.models.model import Model
from napari_unet.planning import plan_segmentation
from napari_unet.progress import Progress, Steps
from napari_unet.provenance import segmentation_provenance
from napari_unet.quality import quality_steps
from napari_unet.segmentation import Segmentation, segment_steps
from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.words import counted

SPEED_ALONE = {"prediction": {"device", "tile"}}
"""Settings that change how fast labels are found, not which: another choice is no reason to segment again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRequest:
    """Which images are segmented, how, and where their masks go."""

    images: Sequence[Path]
    output: Path
    """A folder, or for a single image a .tif file or a .zarr folder, which takes images of any size."""
    settings: SegmentationSettings = field(default_factory=SegmentationSettings)
    axes: str | None = None
    """Axes of the images, in place of what their files say."""
    pixel_size: float | None = None
    """um per pixel, of files that do not say it."""
    probabilities: Path | None = None
    """Where the foreground probability of a single image is written, too."""
    command: str = ""
    """The command that was given, for provenance."""
    scheduler: str | None = None
    """Which processes or machines compute, see `computing_on`; None: this process."""


def batch_steps(request: BatchRequest, model: Model) -> Steps[list[BatchRow]]:
    """Segment every image of a request and return a row for each; a step whose `preview` is a row ends an image.

    A preview that is text is for who waits: where a scheduler shows its work.

    Closing the generator leaves all masks that were finished by then; the same request goes on after them.

    Raises
    ------
    UnetError
        Before anything is read: masks that would replace an image, folders in which nothing can be written.
    """
    masks = mask_files(request.images, request.output, IMAGE_ENDING if model.spec.gives_image else MASK_ENDING)
    _check(request, masks, model)
    pairs = list(zip(request.images, masks, strict=True))
    single = request.output in masks
    with temporary_output_folder(None if single else request.output), computing_on(request.scheduler) as compute:
        for path in _written(request, masks):
            if path.suffix != ZARR:
                require_writable(path)
        if compute.where:
            yield Progress(done=0, total=0, doing="Connected", preview=compute.where)
        if single:  # its blocks are shared out, not the image
            image, mask = pairs[0]
            rows: list[BatchRow] = [(yield from _row_steps(image, mask, request, model, compute))]
            yield Progress(done=1, total=1, doing=image.name, preview=rows[0])
        else:
            rows = yield from compute.run(_row_of, (request, model), pairs, "")
    return rows


def _row_of(job: tuple[BatchRequest, Model], image: Path, mask: Path) -> Steps[BatchRow]:
    """Return the row of one image of a folder: a task."""
    return (yield from _row_steps(image, mask, *job))


def _check(request: BatchRequest, masks: Sequence[Path], model: Model) -> None:
    """Refuse what cannot be, before work is spent on it."""
    written = _written(request, masks)
    for path in written:
        if path.suffix.lower() not in (*MASK_SUFFIXES, ZARR) or (path.suffix == ZARR and path not in masks):
            raise UnetError(f"{path.name!r} must end in .tif")
    refuse_overwriting(
        [(path, "one of the images") for path in request.images] + [(model.path, "the model")],
        [(path, "--output") for path in masks] + [(request.probabilities, "--probabilities")],
    )
    if request.scheduler is not None and request.output in masks and masks[0].suffix != ZARR:
        raise UnetError("--scheduler shares out blocks or files: end --output in .zarr, or give a folder")
    if request.probabilities is not None and masks[0].suffix == ZARR:
        raise UnetError("--probabilities goes with a mask in memory: end --output in .tif")
    if request.probabilities is not None and len(masks) > 1:
        raise UnetError(f"--probabilities takes one image, got {len(masks)}: run the command for each")
    if (model.spec.is_semantic or model.spec.gives_image) and request.probabilities is not None:
        what = "images" if model.spec.gives_image else "classes"
        raise UnetError(f"{model.spec.name} gives {what}, which have no foreground: leave --probabilities out")
    size = request.pixel_size
    if size is not None and not MIN_UM <= size <= MAX_UM:
        raise UnetError(f"--pixel-size must be {MIN_UM:g} to {MAX_UM:g} um, got {size:g}")


def _written(request: BatchRequest, masks: Sequence[Path]) -> list[Path]:
    return [*masks, *([request.probabilities] if request.probabilities is not None else [])]


def _row_steps(
    image: Path, mask: Path, request: BatchRequest, model: Model, compute: Compute | None = None
) -> Steps[BatchRow]:
    """Return the row of one image, segmented now unless the same was done before."""
    try:
        made_by = _made_by(image, request, model)
        former = _former_facts(mask, made_by, model)
        if former is not None and request.probabilities is None:
            return _row(image, mask, KEPT, former)
        yield Progress(done=0, total=1, doing=f"Reading {image.name}")
        if mask.suffix == ZARR:
            return (yield from _segment_into_zarr(image, mask, request, model, compute))
        return (yield from _segment_file(image, mask, request, model, made_by))
    except UNFORESEEN as error:  # a UnetError is a ValueError
        return BatchRow(image=image, mask=mask, state=FAILED, text=image_fault(image.name, error))


def _made_by(image: Path, request: BatchRequest, model: Model) -> dict[str, Any]:
    """Return what decides the mask of an image, as JSON values."""
    return {
        "version": __version__,
        "model_sha256": model.sha256,
        "request": {
            "settings": request.settings.model_dump(mode="json", exclude=SPEED_ALONE),
            "axes": request.axes,
            "pixel_size": request.pixel_size,
            "file": [image.name, *file_state(image)],
        },
    }


def _former_facts(mask: Path, made_by: Mapping[str, Any], model: Model) -> dict[str, Any] | None:
    """Return the provenance of a mask that is there and was made by the same; None where there is none.

    Raises
    ------
    UnetError
        The file was drawn by hand or written by another program: to replace it might lose somebody's work.
    """
    known = _provenance_of(mask)
    if known is None or not made_by["model_sha256"]:
        return None
    if any(known.get(name) != value for name, value in made_by.items()):
        return None
    return _facts_in_zarr(known, model) if mask.suffix == ZARR else known


def _provenance_of(mask: Path) -> dict[str, Any] | None:
    """Return what the output that is there says of what made it; None where there is none, or a damaged one."""
    if not (is_zarr(mask) or is_file(mask)):
        return None
    try:  # of a TIFF the header alone
        by_header = not is_zarr(mask) and kind_of(mask) == TIFF
        known = read_provenance(mask) if by_header else read_image(mask).metadata.get("provenance")
    except UnetError:
        return None
    if known is None and not is_zarr(mask):
        raise UnetError(
            f"{mask} was not made by this program and may be the only copy: move it, or write elsewhere"
        )
    return known


def _segment_file(
    path: Path, mask: Path, request: BatchRequest, model: Model, made_by: Mapping[str, Any]
) -> Steps[BatchRow]:
    """Segment one file and write its mask."""
    image = read_image(path, axes=request.axes)
    probabilities = request.probabilities is not None
    size = _pixel_size(image, request)
    source = replace(image.source, pixel_size=size)
    result = yield from segment_steps(source, model, settings=request.settings, keep_probabilities=probabilities)
    quality = yield from quality_steps(result.plan, model)
    made = segmentation_provenance(result.plan, source=path.name, command=request.command, quality=quality)
    provenance = {**made, **made_by, **_facts(result)}
    place: dict[str, Any] = {
        "axes": result.axes,
        "pixel_size": size,
        "position": source.position,
    }
    yield Progress(done=1, total=1, doing=f"Writing {mask.name}")
    if result.gives_image:
        write_image(mask, result.labels, axes=result.axes, pixel_size=size, provenance=provenance)
    else:
        write_labels(mask, result.labels, provenance=provenance, **place)
    if request.probabilities is not None:
        meaning = {**provenance, "values": "foreground probability x 255"}
        write_labels(request.probabilities, result.probabilities, provenance=meaning, **place)
    row = _row(path, mask, DONE, provenance)
    return replace(row, remarks=(*image.remarks, *_unused_size(image, request), *result.remarks))


def _segment_into_zarr(
    path: Path, mask: Path, request: BatchRequest, model: Model, compute: Compute | None
) -> Steps[BatchRow]:
    """Segment one file block by block into an OME-Zarr folder."""
    check_output(mask)
    made_by = _made_by(path, request, model)
    image = read_image(path, axes=request.axes)
    source = replace(image.source, pixel_size=_pixel_size(image, request))
    plan = yield from plan_segmentation(source, model, request.settings)
    quality = yield from quality_steps(plan, model)
    made = segmentation_provenance(plan, source=path.name, command=request.command, quality=quality)
    kept = {**made, **made_by, "zoomed": zoom_note(plan.zoom, plan.zoom_from)}
    count = yield from segment_into_zarr(plan, model, mask, provenance=kept, compute=compute)
    row = _row(path, mask, DONE, _facts_in_zarr({**kept, "count": count}, model))
    return replace(row, remarks=(*image.remarks, *_unused_size(image, request), *plan.remarks))


def _facts_in_zarr(known: Mapping[str, Any], model: Model) -> dict[str, Any]:
    """Return what a row says of labels on disk, by their provenance."""
    classes, count = model.spec.is_semantic, known["count"]
    found = f"{count} classes" if classes else counted(count, "object")
    return {**known, "found": f"{found}{known['zoomed']}", "count": None if classes else count}


def _facts(result: Segmentation) -> dict[str, Any]:
    """Return what a row says of labels."""
    text = {"found": f"{result.found}{zoom_note(result.zoom, result.plan.zoom_from)}"}
    if result.classes or result.gives_image:
        return text
    area = float(np.count_nonzero(result.labels)) / result.count if result.count else None
    return {**text, "count": result.count, "mean_area_px": area}


def _row(image: Path, mask: Path, state: str, facts: Mapping[str, Any]) -> BatchRow:
    """Return the row that the provenance of a mask tells."""
    return BatchRow(
        image=image,
        mask=mask,
        state=state,
        count=facts.get("count"),
        mean_area=facts.get("mean_area_px"),
        quality=facts.get("quality"),
        text=str(facts.get("found", "")),
    )


def _pixel_size(image: ImageFile, request: BatchRequest) -> PixelSize | None:
    """Return the pixel size that the file says, else the one that was given."""
    size = image.calibration
    if image.pixel_size is not None or request.pixel_size is None:
        return size
    return PixelSize.known({**(size.by_axis if size else {}), **dict.fromkeys("ZYX", request.pixel_size)})


def _unused_size(image: ImageFile, request: BatchRequest) -> list[str]:
    """Return the remark that a given pixel size was not used, where the file says another."""
    said = image.pixel_size
    if request.pixel_size is None or said is None or all(one == request.pixel_size for one in said):
        return []
    named = " x ".join(f"{one:.4g}" for one in said)
    return [
        f"the file says {named} um per pixel: --pixel-size {request.pixel_size:g} is for files that do not say"
    ]
