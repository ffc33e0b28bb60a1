"""The tasks of a run that works block by block: each reads out of the run's store, writes one block, and marks it.

A task depends on nothing but its job and its arguments and writes into one block alone, so that any process may do
it, at any time, twice as well.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import Plane
from napari_unet.arrays.block_instances import RegionsAround, finished_block, separate_block
from napari_unet.arrays.block_regions import BlockRegions, regions_of_block
from napari_unet.arrays.blocks import Blocks
from napari_unet.arrays.boxes import Box, moved
from napari_unet.arrays.instances import mask_of
from napari_unet.files.block_store import MAP, PARTS, BlockStore
from napari_unet.files.ome_zarr_labels import halved, ome_order
from napari_unet.models.model import Model
from napari_unet.models.prediction_to_labels import predict_map
from napari_unet.nets.prediction import Predictor
from napari_unet.planning import SegmentationPlan
from napari_unet.progress import Progress, Steps, map_progress
from napari_unet.watching import LookedAt, as_seen, nearest


@dataclass(frozen=True, kw_only=True, eq=False)
class BlockJob:
    """What every task of a run needs; pickled, it goes to other processes."""

    plan: SegmentationPlan
    model: Model
    store: BlockStore
    blocks: Blocks
    """Of one plane, or volume, as the model sees them."""
    tile: tuple[int, ...]
    looked_at: LookedAt | None = None
    """As of `run_plan`; stays in the process whose window it is of."""
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Of this run, by which a process knows the network that it has ready."""

    @cached_property
    def planes(self) -> list[Plane]:
        """Return the planes of the plan, listed once: there may be thousands."""
        return self.plan.planes()

    @property
    def letters(self) -> str:
        """Return the axes of the labels in the order of OME-Zarr."""
        return ome_order(self.plan.axes)

    def place(self, plane: int, box: Box) -> tuple[int | slice, ...]:
        """Return where a box of a plane lies in arrays of all labels."""
        spatial, index = self.plan.spec.axes, self.planes[plane].index
        return tuple(
            box[spatial.index(axis)] if axis in spatial else index[axis] - self.plan.part[axis][0]
            for axis in self.letters
        )

    def read(self, name: str, plane: int, box: Box) -> NDArray[Any]:
        """Return a box of a plane out of the store."""
        return self.store.read(self.store.work(name), self.place(plane, box))


_READY: dict[str, Predictor] = {}
"""The network that this process has ready, by the key of its run; one at a time."""


def _predictor(job: BlockJob) -> Predictor:
    if job.key not in _READY:
        _READY.clear()
        _READY[job.key] = Predictor(job.model.net, job.plan.prediction.replace(tile=job.tile))
    return _READY[job.key]


def mark_of(stage: str, plane: int, number: int) -> str:
    """Return the name of the mark that a block has passed a stage."""
    return f"{stage}-{plane}-{number}"


def predict_block(job: BlockJob, plane: int, number: int) -> Steps[None]:
    """Write the map of a block."""
    view, box = job.planes[plane], job.blocks.box(number)
    assert view.region is not None
    view = replace(view, region=moved(box, view.region))
    choose = None if job.looked_at is None else partial(nearest, job.looked_at, job.plan, view)
    steps = predict_map(_predictor(job), view, job.plan.spec, job.plan.zoom, choose=choose)
    probability = yield from map_progress(steps, partial(as_seen, job.plan, view))
    job.store.work(MAP)[job.place(plane, box)] = probability
    job.store.mark(mark_of(MAP, plane, number))


def find_regions(job: BlockJob, plane: int, number: int) -> Steps[BlockRegions]:
    """Return the regions of the mask within a block."""
    yield Progress(done=0, total=1)
    box = job.blocks.box(number)
    mask = mask_of(job.read(MAP, plane, box), job.plan.thresholds)
    return regions_of_block(mask, box, job.blocks.shape)


def separate_objects(job: BlockJob, plane: int, around: RegionsAround) -> Steps[None]:
    """Write the instances of a block, before the ridge between them is given back."""
    yield Progress(done=0, total=1)
    found = separate_block(lambda box: job.read(MAP, plane, box), around, job.plan.thresholds)
    job.store.work(PARTS)[job.place(plane, around.box)] = found.parts
    job.store.write_names(mark_of(PARTS, plane, around.number), found.names)


def finish_block(job: BlockJob, plane: int, number: int, ids: Mapping[int, NDArray[np.int32]]) -> Steps[None]:
    """Write the labels of a block."""
    yield Progress(done=0, total=1)
    labels = finished_block(lambda box: job.read(PARTS, plane, box), job.blocks, number, ids)
    job.store.level(0)[job.place(plane, job.blocks.box(number))] = labels
    job.store.mark(mark_of("0", plane, number))


def copy_classes(job: BlockJob, plane: int, number: int) -> Steps[int]:
    """Write the classes of a block; return the highest."""
    yield Progress(done=0, total=1)
    box = job.blocks.box(number)
    classes = job.read(MAP, plane, box)
    job.store.level(0)[job.place(plane, box)] = classes
    return int(classes.max())


def blocks_of_level(job: BlockJob, level: int) -> Blocks:
    """Return the blocks of a coarser level: as many pixels in each, rows and columns halved."""
    lengths = dict(zip(job.plan.spec.axes, job.blocks.shape, strict=True))
    for axis in "YX":
        lengths[axis] = -(-lengths[axis] // 2**level)
    return Blocks(shape=tuple(lengths.values()), sides=job.blocks.sides)


def halve_block(job: BlockJob, level: int, plane: int, number: int) -> Steps[None]:
    """Write one block of a coarser level."""
    yield Progress(done=0, total=1)
    box, finer = blocks_of_level(job, level).box(number), blocks_of_level(job, level - 1).shape
    wide = tuple(
        slice(2 * side.start, min(length, 2 * side.stop)) if axis in "YX" else side
        for axis, side, length in zip(job.plan.spec.axes, box, finer, strict=True)
    )
    job.store.level(level)[job.place(plane, box)] = halved(
        job.store.read(job.store.level(level - 1), job.place(plane, wide))
    )
    job.store.mark(mark_of(str(level), plane, number))
