"""Objects joined through planes that lie on disk: as `join_planes` joins them in memory, block by block."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.block_instances import finished_block, neighbours
from napari_unet.arrays.contingency import Pairs, contingency
from napari_unet.arrays.joining import partners
from napari_unet.block_tasks import BlockJob
from napari_unet.compute import Compute
from napari_unet.files.block_store import PARTS
from napari_unet.progress import Progress, Steps

Ids = NDArray[np.int32]
Tables = Mapping[tuple[int, int], Ids]
"""The final numbers of the parts of a block, by plane and block."""
Around = dict[int, Ids]
"""The final numbers of the parts of a block and of its neighbours, by block."""
Shared = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""How many pixels of a block objects of two planes share: both numbers, 0 for background, and the pixels."""


def ids_around(job: BlockJob, tables: Tables, plane: int, number: int) -> Around:
    """Return the numbers of the parts of a block and of its neighbours."""
    return {other: tables[plane, other] for other in neighbours(job.blocks, number)}


def joined(job: BlockJob, compute: Compute, tables: Tables) -> Steps[tuple[Tables, int]]:
    """Return the numbers of all parts after objects were joined along the plan's axes, and the highest."""
    count, whole = 0, job.plan.spec.axes
    for axis in job.plan.joined_axes:
        numbers = yield from _joined_along(job, compute, tables, _stacks(job, axis, whole))
        tables, count, whole = {at: numbers[ids] for at, ids in tables.items()}, int(numbers.max()), whole + axis
    return tables, count


def _stacks(job: BlockJob, axis: str, whole: str) -> list[list[list[int]]]:
    """Return the stacks that are joined along an axis: the planes at each of its positions."""
    stacks: dict[tuple[int, ...], dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for number, plane in enumerate(job.planes):
        others = tuple(plane.index[other] for other in job.plan.axes if other not in whole + axis)
        stacks[others][plane.index[axis]].append(number)
    return [[stack[position] for position in sorted(stack)] for _, stack in sorted(stacks.items())]


def _joined_along(
    job: BlockJob, compute: Compute, tables: Tables, stacks: Sequence[Sequence[Sequence[int]]]
) -> Steps[Ids]:
    """Return the new number of every object, numbered on from stack to stack in the order of first planes."""
    calls = list(_calls(job, tables, stacks))
    found: list[Shared] = yield from compute.run(shared_pixels, job, calls, "Joining planes")
    by_planes: dict[int, list[Shared]] = defaultdict(list)
    for call, shared in zip(calls, found, strict=True):
        by_planes[call[0][1]].append(shared)
    numbers = np.zeros(1 + max((int(ids.max(initial=0)) for ids in tables.values()), default=0), np.int32)
    highest = 0
    for stack in stacks:
        for planes in stack:
            met = [one for plane in planes for one in by_planes[plane]]
            if met:
                former, present = partners(_pairs(met, numbers))
                numbers[present] = former
            ids = np.unique(np.concatenate([ids for at, ids in tables.items() if at[0] in planes]))
            new = ids[(ids > 0) & (numbers[ids] == 0)]
            numbers[new] = highest + 1 + np.arange(len(new))
            highest += len(new)
    return numbers


def _calls(
    job: BlockJob, tables: Tables, stacks: Sequence[Sequence[Sequence[int]]]
) -> Iterator[tuple[tuple[int, int], int, tuple[Around, Around]]]:
    """Yield for every block of every two neighbouring planes what `shared_pixels` is told."""
    for stack in stacks:
        for before, after in pairwise(stack):
            for one, two in zip(before, after, strict=True):
                for number in range(len(job.blocks)):
                    ids = (ids_around(job, tables, one, number), ids_around(job, tables, two, number))
                    yield (one, two), number, ids


def shared_pixels(
    job: BlockJob, planes: tuple[int, int], number: int, ids: tuple[Around, Around]
) -> Steps[Shared]:
    """Return which objects of two planes share pixels of a block: a task."""
    yield Progress(done=0, total=1)
    labels = [
        finished_block(lambda box, plane=plane: job.read(PARTS, plane, box), job.blocks, number, known)  # type: ignore[misc]
        for plane, known in zip(planes, ids, strict=True)
    ]
    table = contingency(*labels)
    cells = table.counts.tocoo()
    return (
        table.predicted_ids[cells.row].astype(np.int64),
        table.truth_ids[cells.col].astype(np.int64),
        cells.data.astype(np.int64),
    )


def _pairs(met: Sequence[Shared], numbers: Ids) -> Pairs:
    """Return the pairs of objects, over all blocks, of the planes before, by their new numbers, and of these."""
    before, after, overlap = (np.concatenate(parts) for parts in zip(*met, strict=True))
    before = numbers[before].astype(np.int64)
    areas = [np.bincount(ids, weights=overlap).astype(np.int64) for ids in (before, after)]
    pairs, places = np.unique(np.stack([before, after], axis=1), axis=0, return_inverse=True)
    total = np.bincount(places.ravel(), weights=overlap).astype(np.int64)
    inside = (pairs > 0).all(axis=1)
    one, two = pairs[inside].T
    return Pairs(one, two, total[inside], areas[0][one], areas[1][two])
