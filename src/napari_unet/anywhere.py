"""Where labels are made: in memory; on disk, and read from there, where they do not fit; by another machine."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import dask.array as da
from platformdirs import user_cache_path

from napari_unet.arrays.axes import Region
from napari_unet.arrays.label_store import fits_memory
from napari_unet.arrays.source import Source
from napari_unet.block_planning import facts_of
from napari_unet.block_segmentation import segment_at_once, segment_into_zarr
from napari_unet.compute import Compute, computing_on
from napari_unet.files.images import read_image
from napari_unet.files.ome_zarr_labels import NAME, level_shapes, ome_order
from napari_unet.models.model import Model
from napari_unet.planning import SegmentationPlan, plan_segmentation
from napari_unet.progress import Steps
from napari_unet.provenance import segmentation_provenance
from napari_unet.segmentation import Segmentation, run_plan
from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.watching import LookedAt


def results_folder() -> Path:
    """Return the folder of results that do not fit into memory; the user may move them, or remove them."""
    return user_cache_path("napari-unet-interactive", appauthor=False) / "results"


def segment_anywhere(
    source: Source,
    model: Model,
    settings: SegmentationSettings,
    *,
    region: Region | None = None,
    scheduler: str | None = None,
    looked_at: LookedAt | None = None,
) -> Steps[Segmentation]:
    """Return labels in memory, or where they do not fit, labels on disk that are read where they are looked at.

    A run on disk that was cancelled goes on where it was; one that was finished is found again. `scheduler` is as
    of `computing_on`, the other arguments as of `plan_segmentation` and `run_plan`.
    """
    with computing_on(scheduler) as compute:
        plan = yield from plan_segmentation(source, model, settings, region=region)
        if model.spec.gives_image or fits_memory(*source.room(region or {}, model.spec.axes)):
            try:
                if scheduler is not None:
                    return (yield from segment_at_once(plan, model, compute))
                return (yield from run_plan(plan, model, looked_at=looked_at))
            except MemoryError:  # more than was foretold, or another program took it
                if model.spec.gives_image:
                    raise
        return (yield from _on_disk(plan, model, looked_at, compute))


def where_it_lies(result: Segmentation) -> str:
    """Return the sentence that says where labels are; empty for those in memory."""
    if not result.levels:
        return ""
    return f" They do not fit into memory: they are in {results_folder()}, and shown from there."


def _on_disk(
    plan: SegmentationPlan, model: Model, looked_at: LookedAt | None, compute: Compute
) -> Steps[Segmentation]:
    """Make the labels in a folder of their own, or find them there."""
    provenance = segmentation_provenance(plan, source=plan.source.name)
    facts = yield from facts_of(plan, model, provenance)
    output = results_folder() / _name(plan, facts)
    output.parent.mkdir(parents=True, exist_ok=True)
    if not output.exists():
        yield from segment_into_zarr(
            plan, model, output, provenance=provenance, facts=facts, compute=compute, looked_at=looked_at
        )
    levels = _levels(plan, output)
    count = read_image(output).metadata["provenance"]["count"]
    return Segmentation(plan=plan, labels=levels[0], count=count, levels=levels)


def _name(plan: SegmentationPlan, facts: dict[str, Any]) -> str:
    """Return the name of a folder that says whose labels it holds, the same for the same image and plan."""
    stem = re.sub(r"[^\w.-]+", "_", plan.source.name)[:40] or "image"
    return f"{stem}-{hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]}.zarr"


def _levels(plan: SegmentationPlan, output: Path) -> tuple[Any, ...]:
    """Return the levels of the pyramid with the axes of the plan, lazy."""
    letters = ome_order(plan.axes)
    count = len(level_shapes([plan.lengths[axis] for axis in letters]))
    order = [letters.index(axis) for axis in plan.axes]
    group = output / "labels" / NAME
    return tuple(da.from_zarr(str(group / str(n))).transpose(order) for n in range(count))  # type: ignore[no-untyped-call]
