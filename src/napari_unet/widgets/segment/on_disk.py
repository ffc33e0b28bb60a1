"""Labels that do not fit into memory: they are made in a folder of their own, and shown from there."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import dask.array as da
from platformdirs import user_cache_path

from napari_unet.arrays.source import Source
from napari_unet.block_segmentation import segment_into_zarr
from napari_unet.files.images import read_image
from napari_unet.files.ome_zarr_labels import NAME, level_shapes
from napari_unet.models.model import Model
from napari_unet.planning import SegmentationPlan, plan_segmentation
from napari_unet.progress import Steps
from napari_unet.provenance import segmentation_provenance
from napari_unet.segmentation import Segmentation
from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.watching import LookedAt


def results_folder() -> Path:
    """Return the folder of results that do not fit into memory; the user may move them, or remove them."""
    return user_cache_path("napari-unet-interactive", appauthor=False) / "results"


def segment_on_disk(
    source: Source,
    model: Model,
    settings: SegmentationSettings,
    *,
    region: dict[str, tuple[int, int]] | None = None,
    looked_at: LookedAt | None = None,
) -> Steps[Segmentation]:
    """Return labels that are read where they are looked at; a run that was cancelled goes on where it was."""
    plan = yield from plan_segmentation(source, model, settings, region=region)
    provenance = segmentation_provenance(plan, source=source.name)
    output = _output(plan, provenance)
    output.parent.mkdir(parents=True, exist_ok=True)
    if not output.exists():
        yield from segment_into_zarr(plan, model, output, provenance=provenance, looked_at=looked_at)
    levels = _levels(plan, output)
    count = read_image(output).metadata["provenance"]["count"]
    return Segmentation(plan=plan, labels=levels[0], count=count, levels=levels)


def where_it_lies(result: Segmentation) -> str:
    """Return the sentence that says where labels are; empty for those in memory."""
    if not result.levels:
        return ""
    return f" They do not fit into memory: they are in {results_folder()}, and shown from there."


def _output(plan: SegmentationPlan, provenance: dict[str, Any]) -> Path:
    """Return a folder of a name that says whose labels it holds, the same for the same plan."""
    facts = json.dumps([provenance, plan.source.path, plan.part, list(map(int, plan.source.array.shape))])
    stem = re.sub(r"[^\w.-]+", "_", plan.source.name)[:40] or "image"
    return results_folder() / f"{stem}-{hashlib.sha256(facts.encode()).hexdigest()[:12]}.zarr"


def _levels(plan: SegmentationPlan, output: Path) -> tuple[Any, ...]:
    """Return the levels of the pyramid with the axes of the plan, lazy."""
    letters = "".join(sorted(plan.axes, key="TCZYX".index))
    lengths = dict(zip(plan.axes, plan.shape, strict=True))
    count = len(level_shapes([lengths[axis] for axis in letters]))
    order = [letters.index(axis) for axis in plan.axes]
    group = output / "labels" / NAME
    return tuple(da.from_zarr(str(group / str(n))).transpose(order) for n in range(count))  # type: ignore[no-untyped-call]
