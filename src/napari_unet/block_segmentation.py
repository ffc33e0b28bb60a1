"""Segment an image of any size into OME-Zarr: block by block, on one machine or many, to be resumed when ended.

Memory holds one block and what it needs of its neighbours; everything of the image's size lies in a `BlockStore`
beside the output. The labels are those that `run_plan` makes in memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arguments import as_path
from napari_unet.arrays.block_instances import final_ids, regions_around
from napari_unet.arrays.block_regions import join_regions, regions_by_block
from napari_unet.arrays.blocks import Blocks
from napari_unet.arrays.channels import Choice
from napari_unet.arrays.source import Source
from napari_unet.block_joining import Tables, ids_around, joined
from napari_unet.block_planning import check_output, check_room, cut_of, facts_of, forecast, layout_of
from napari_unet.block_tasks import (
    BlockJob,
    blocks_of_level,
    copy_classes,
    find_regions,
    finish_block,
    halve_block,
    mark_of,
    predict_block,
    separate_objects,
)
from napari_unet.compute import Compute, Here, computing_on
from napari_unet.errors import UnetError
from napari_unet.files.block_store import MAP, PARTS, BlockStore, unfinished
from napari_unet.files.file_errors import unwritable
from napari_unet.files.ome_zarr_labels import OmeLayout, level_shapes, ome_order
from napari_unet.models.model import Model
from napari_unet.planning import SegmentationPlan, plan_segmentation, require_model
from napari_unet.progress import Progress, Report, Steps, finish
from napari_unet.provenance import segmentation_provenance
from napari_unet.segmentation import Segmentation, run_plan
from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.settings.zooms import Zoom
from napari_unet.watching import LookedAt, near_first


def segment_to_zarr(
    image: Any,
    model: Model,
    output: str | Path,
    *,
    axes: str | None = None,
    channels: Choice | None = None,
    device: str | None = None,
    zoom: Zoom | None = None,
    scheduler: str | None = None,
    settings: SegmentationSettings | None = None,
    progress: Report | None = None,
) -> int:
    """Segment an image of any size into OME-Zarr, block by block, and return how many objects there are.

    The labels are those of `segment`. A call that was ended, whatever ended it, goes on when it is made again.

    Parameters
    ----------
    image, model, axes, channels, device, zoom, settings, progress
        As of `segment`.
    output
        A folder ending in .zarr that is not there yet; until it is whole it is called output + ".unfinished".
    scheduler
        None: this process; "local:N": N processes; "tcp://HOST:PORT": the workers of a dask scheduler, which read
        an image on disk and write the output themselves.

    Returns
    -------
    int
        The number of objects, or the highest class.

    Raises
    ------
    UnetError
        If the output exists, its disk has no room, or an unfinished run there is of another plan.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from napari_unet import load_model, open_image, segment_to_zarr
    >>> from napari_unet.samples import SAMPLES
    >>> output = Path(tempfile.mkdtemp()) / "labels.zarr"
    >>> segment_to_zarr(open_image(SAMPLES[1].path), load_model("nuclei"), output) > 20
    True
    """
    output = as_path(output, "output")
    if output.suffix != ".zarr":
        raise UnetError(f"output is a folder that ends in .zarr, got {output.name!r}: name it so")
    check_output(output)
    source = image if isinstance(image, Source) else Source.of(image, axes)
    chosen = SegmentationSettings.chosen(settings).with_options(channels, device, zoom)
    with computing_on(scheduler) as compute:
        plan = finish(plan_segmentation(source, require_model(model), chosen), progress)
        made = segmentation_provenance(plan, source=source.name)
        return finish(segment_into_zarr(plan, model, output, provenance=made, compute=compute), progress)


def segment_into_zarr(
    plan: SegmentationPlan,
    model: Model,
    output: Path,
    *,
    provenance: Mapping[str, Any],
    facts: Mapping[str, Any] | None = None,
    compute: Compute | None = None,
    looked_at: LookedAt | None = None,
) -> Steps[int]:
    """Write the labels of a plan as OME-Zarr and return how many instances there are, or the highest class.

    Closing the steps, an error, or the end of the process leave the unfinished run beside the output; called again
    with the same plan, it goes on from there, and the result is the same.

    Parameters
    ----------
    plan, model
        From `plan_segmentation`, and the model that it was made for.
    output
        A folder ending in .zarr that is not there yet.
    provenance
        Says in the output what made it.
    facts
        From `facts_of`, tell one unfinished run from another; found here where they are not known yet.
    compute
        Runs the tasks; this process by default.
    looked_at
        As of `run_plan`, where this process computes: blocks near to the place come first.

    Raises
    ------
    UnetError
        If the output exists, its disk has no room, or an unfinished run there is of another plan.
    """
    check_output(output)
    check_room(plan, output.parent)
    compute = compute or Here()
    watched = looked_at if isinstance(compute, Here) else None
    if facts is None:
        facts = yield from facts_of(plan, model, provenance)
    try:
        job, layout = _begin(plan, model, output, facts, watched)
        yield Progress(done=0, total=0, doing="Beginning", preview=forecast(plan, job.blocks, output.parent))
        return (yield from _finish(job, layout, output, provenance, compute))
    except OSError as error:  # a disk that is full, a folder that was taken away
        raise unwritable(output, error) from error


def _begin(
    plan: SegmentationPlan, model: Model, output: Path, facts: Mapping[str, Any], looked_at: LookedAt | None
) -> tuple[BlockJob, OmeLayout]:
    """Make the store of a run, or find it as it was left; OSError where the disk fails."""
    store = BlockStore(unfinished(output))
    letters = ome_order(plan.axes)
    layout = layout_of(plan, letters)
    shape = tuple(plan.lengths[axis] for axis in letters)
    cut = store.begin(facts, layout, shape=shape, cut=cut_of(plan, model, letters))
    sides = dict(zip(letters, cut["sides"], strict=True))
    blocks = Blocks(
        shape=tuple(plan.lengths[axis] for axis in plan.spec.axes),
        sides=tuple(sides[axis] for axis in plan.spec.axes),
    )
    job = BlockJob(plan=plan, model=model, store=store, blocks=blocks, tile=cut["tile"], looked_at=looked_at)
    return job, layout


def _finish(
    job: BlockJob, layout: OmeLayout, output: Path, provenance: Mapping[str, Any], compute: Compute
) -> Steps[int]:
    """Make what is missing of the labels and give them their name; OSError where the disk fails."""
    levels = len(level_shapes([job.plan.lengths[axis] for axis in layout.letters]))
    count = 0 if job.plan.is_empty else (yield from _run(job, compute))
    yield from _write_pyramid(job, compute, levels)
    job.store.finish(output, layout, levels, {**provenance, "count": count})
    return count


def segment_at_once(plan: SegmentationPlan, model: Model, compute: Compute) -> Steps[Segmentation]:
    """Return the labels of a plan that one worker makes in its memory; an image in memory travels there."""
    found = yield from compute.run(_labels, (plan, model), [()], "Segmenting elsewhere")
    labels, count = found[0]
    return Segmentation(plan=plan, labels=labels, count=count)


def _labels(job: tuple[SegmentationPlan, Model]) -> Steps[tuple[Any, int]]:
    """Return the labels of a plan, and their count: a task."""
    result = yield from run_plan(*job)
    return result.labels, result.count


def _run(job: BlockJob, compute: Compute) -> Steps[int]:
    """Make the labels at their own size; return how many instances there are, or the highest class."""
    every = [(plane, number) for plane in range(len(job.planes)) for number in range(len(job.blocks))]
    done = job.store.done()
    yield from compute.run(predict_block, job, _near_first(job, _missing(MAP, every, done)), "Predicting")
    if job.plan.spec.is_semantic:
        highest: list[int] = yield from compute.run(copy_classes, job, every, "Writing classes")
        return max(highest)
    if _missing(PARTS, every, done):
        yield from _separate(job, compute, every, done)
    tables, count = yield from _numbered(job, every)
    if job.plan.joined_axes:
        tables, count = yield from joined(job, compute, tables)
    calls = [(*one, ids_around(job, tables, *one)) for one in _missing("0", every, done)]
    yield from compute.run(finish_block, job, calls, "Writing labels")
    return count


def _near_first(job: BlockJob, calls: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return blocks in the order of their distance from the place that is looked at."""
    if job.looked_at is None or not calls:
        return calls
    axes, part = job.plan.spec.axes, job.plan.part
    point = {axis: at - part[axis][0] for axis, at in job.looked_at().items() if axis in axes}
    return [calls[n] for n in near_first(point, axes, [job.blocks.box(number) for _, number in calls])]


def _missing(stage: str, every: Sequence[tuple[int, int]], done: frozenset[str]) -> list[tuple[int, int]]:
    """Return the blocks (plane, number) that a stage has not done."""
    return [one for one in every if mark_of(stage, *one) not in done]


def _separate(
    job: BlockJob, compute: Compute, every: Sequence[tuple[int, int]], done: frozenset[str]
) -> Steps[None]:
    """Find the regions of the mask and part them into instances, block by block."""
    parts = yield from compute.run(find_regions, job, every, "Finding regions")
    count, calls = len(job.blocks), []
    for plane in range(len(every) // count):
        regions = join_regions(job.blocks, parts[plane * count : (plane + 1) * count])
        wanted = regions_by_block(job.blocks, regions)
        for _, number in _missing(PARTS, [(plane, number) for number in range(count)], done):
            calls.append((plane, regions_around(job.blocks, number, regions, wanted[number])))
        yield Progress(done=0, total=0, doing="Joining regions")
    yield from compute.run(separate_objects, job, calls, "Separating objects")


def _numbered(job: BlockJob, every: Sequence[tuple[int, int]]) -> Steps[tuple[Tables, int]]:
    """Return the final numbers of the parts of every block, and the highest."""
    tables: dict[tuple[int, int], NDArray[np.int32]] = {}
    found, count = 0, len(job.blocks)
    for plane in range(len(every) // count):
        names = [job.store.read_names(mark_of(PARTS, plane, number)) for number in range(count)]
        own, more = final_ids(names)
        for number, table in enumerate(own):
            tables[plane, number] = np.where(table > 0, table + found, 0).astype(np.int32)
        found += more
        yield Progress(done=0, total=0, doing="Numbering objects")
    return tables, found


def _write_pyramid(job: BlockJob, compute: Compute, levels: int) -> Steps[None]:
    """Write the coarser levels, each from the one before."""
    planes = range(1 if job.plan.is_empty else len(job.planes))
    done = job.store.done()
    for level in range(1, levels):
        blocks = blocks_of_level(job, level)
        every = [(plane, number) for plane in planes for number in range(len(blocks))]
        calls = [(level, *one) for one in _missing(str(level), every, done)]
        yield from compute.run(halve_block, job, [] if job.plan.is_empty else calls, "Writing the pyramid")
