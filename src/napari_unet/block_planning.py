"""Before a run block by block: what it needs, what decides its labels, and how the image is cut."""

from __future__ import annotations

import hashlib
import math
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.blocks import Blocks
from napari_unet.arrays.object_ids import slabs
from napari_unet.arrays.source import Source
from napari_unet.errors import UnetError
from napari_unet.files.ome_zarr_labels import OmeLayout
from napari_unet.files.openable import file_state
from napari_unet.files.tiff import size_to_write
from napari_unet.models.model import Model, identity_of
from napari_unet.nets.prediction import Predictor
from napari_unet.planning import SegmentationPlan
from napari_unet.progress import Progress, Steps
from napari_unet.words import counted

BYTES_ON_DISK = 0.6
"""Of a pixel, while a run works: map, instances and labels, compressed; twice what nuclei at 20x took."""
BLOCK_PIXELS = 1_500_000
"""Of a block, about: to do it again after an interruption takes seconds, and a file of the store is of 1 MB."""
PIXELS_A_PIECE = 2**22
"""Pixels hashed between two steps, 4 to 32 MB: where sha256 takes 0.4 GB a second, a Cancel takes 0.1 seconds."""


def check_output(output: Path) -> None:
    """Refuse an output that cannot be made, before anything is measured for it."""
    if output.exists():
        raise UnetError(f"cannot write {output}: it exists: choose another name, or remove it first")
    if not output.parent.is_dir():
        raise UnetError(f"cannot write {output}: there is no folder {output.parent}: make it first")


def check_room(plan: SegmentationPlan, folder: Path) -> None:
    """Refuse labels that the disk has no room for, and what are no labels."""
    if plan.spec.gives_image:
        raise UnetError(f"{plan.spec.name} gives images, which are written as TIFF: end the output in .tif")
    needed, free = _disk(plan, folder)
    if needed > free:
        raise UnetError(
            f"labels of {plan.pixels / 1e9:.1f} billion pixels need about {needed:.1f} GB on the disk of "
            f"{folder}, {free:.1f} GB are free: choose another folder"
        )


def _disk(plan: SegmentationPlan, folder: Path) -> tuple[float, float]:
    """Return how many GB a run needs on a disk, about, and how many are free."""
    return plan.pixels * BYTES_ON_DISK / 1e9, shutil.disk_usage(folder).free / 1e9


def forecast(plan: SegmentationPlan, blocks: Blocks, folder: Path) -> str:
    """Return in words how much there is to do, and how much disk it takes."""
    needed, free = _disk(plan, folder)
    count = len(blocks) * len(plan.planes())
    return f"{counted(count, 'block')}, about {needed:.1f} GB while it works, {free:.1f} GB are free."


def layout_of(plan: SegmentationPlan, letters: str) -> OmeLayout:
    """Return what OME-Zarr says of the labels: axes in this order, pixel size, and where they lie in the image."""
    size, position = size_to_write(letters, plan.source.pixel_size), plan.source.position or {}
    origin = {
        axis: plan.part[axis][0] + position.get(axis, 0) / ((size.get(axis) if size is not None else None) or 1)
        for axis in letters
    }
    return OmeLayout(letters=letters, size=size, origin=origin, version="0.5")


def facts_of(plan: SegmentationPlan, model: Model, provenance: Mapping[str, Any]) -> Steps[dict[str, Any]]:
    """Return what decides the labels, as JSON values: runs with the same go on from each other.

    Yields while it reads an image in memory.
    """
    speed = ("device", "tile")  # these do not
    settings = {name: value for name, value in provenance["settings"].items() if name not in speed}
    return {
        "model": identity_of(model),
        "image": (yield from _identity_of_image(plan.source)),
        "part": {axis: list(map(int, side)) for axis, side in plan.part.items()},
        "settings": settings,
        "intensity": provenance["intensity"],
        "version": provenance["version"],
    }


def _identity_of_image(source: Source) -> Steps[list[Any]]:
    """Return what tells an image from others: its pixels where they lie in memory, else the state of its file."""
    array = source.array
    facts = [source.name, list(map(int, array.shape)), str(array.dtype)]
    if isinstance(array, np.ndarray):
        return [*facts, (yield from _sha256(array))]
    if source.path and Path(source.path).exists():
        return [*facts, *file_state(Path(source.path))]
    return facts  # to read all of it would take longer than to begin anew


def _sha256(array: NDArray[Any]) -> Steps[str]:
    """Return the sha256 of the pixels of an array in the order of its axes, however it lies in memory."""
    digest, done = hashlib.sha256(), 0
    for piece in _pieces(array):
        digest.update(np.ascontiguousarray(piece).view(np.uint8).data)
        done += piece.size
        yield Progress(done=done, total=array.size, doing="Reading the image")
    return digest.hexdigest()


def _pieces(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield views that follow each other in an array, each of at most PIXELS_A_PIECE pixels."""
    for part in slabs(array.shape, PIXELS_A_PIECE):
        if array.ndim > 1 and part.stop - part.start == 1:
            yield from _pieces(array[part.start])
        else:
            yield array[part]


def cut_of(plan: SegmentationPlan, model: Model, letters: str) -> dict[str, tuple[int, ...]]:
    """Return the sides of a "tile", in pixels that the network sees, and those of a block per axis of the labels.

    A block is of whole tiles, so that none of them is a sliver.
    """
    whole = [plan.part[axis][1] - plan.part[axis][0] for axis in plan.spec.axes]
    seen = [math.ceil(side * zoom) for side, zoom in zip(whole, plan.zoom, strict=True)]
    tile = Predictor(model.net, plan.prediction).fitted(seen).tile
    one = [round(side / zoom) for side, zoom in zip(tile, plan.zoom, strict=True)]
    times = max(1, int((BLOCK_PIXELS / math.prod(one)) ** (1 / len(one))))
    sides = {
        axis: min(length, side * times) for axis, length, side in zip(plan.spec.axes, whole, one, strict=True)
    }
    return {"tile": tile, "sides": tuple(sides.get(axis, 1) for axis in letters)}
