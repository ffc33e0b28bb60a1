"""What the worker of the Results panel does: measure all objects, or those that changed since; write the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.edits import count_edits
from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.arrays.source import Source
from napari_unet.files.table import write_table_steps
from napari_unet.measurement import ObjectTable, measure_steps
from napari_unet.progress import Progress, Steps


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measurement:
    """What is measured: labels that may go on changing, and what belongs to them."""

    labels: Any
    axes: str
    images: Mapping[str, Source]
    pixel_size: PixelSize | None
    regions: NDArray[Any] | None = None

    @classmethod
    def of(cls, other: Measurement, labels: Any) -> Measurement:
        """Return the same with labels that took the place of others."""
        return replace(other, labels=labels)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """A table, and the labels as they were when it was made."""

    of: Measurement
    table: ObjectTable
    labels: NDArray[Any]


def begin_measuring(wanted: Measurement, former: Measured | None = None) -> Callable[[], Steps[Measured]]:
    """Return what measures labels; of those that were measured before, the objects that changed since."""

    def begin() -> Steps[Measured]:
        yield Progress(done=0, total=0, doing="Measuring")
        labels = np.array(wanted.labels)
        if former is None or former.labels.shape != labels.shape:
            table = yield from _steps(wanted, labels, None, None)
            return Measured(of=wanted, table=table, labels=labels)
        different = former.labels != labels
        if not different.any():
            return former
        ids = np.union1d(former.labels[different], labels[different]).astype(np.int64)
        fresh = yield from _steps(wanted, labels, "Z" in former.table.spatial, ids)
        return replace(former, table=former.table.updated(ids, fresh), labels=labels)

    return begin


def _steps(wanted: Measurement, labels: NDArray[Any], volumes: bool | None, only: Any) -> Steps[ObjectTable]:
    images: Any = dict(wanted.images) or None
    size, regions = wanted.pixel_size, wanted.regions
    return (
        yield from measure_steps(
            labels, images, axes=wanted.axes, pixel_size=size, regions=regions, volumes=volumes, only=only
        )
    )


def begin_writing(
    measured: Measured, path: Path, provenance: Mapping[str, Any], original: NDArray[Any] | None
) -> Callable[[], Steps[Path]]:
    """Return what writes a table; `original` are the labels before corrections."""

    def begin() -> Steps[Path]:
        yield Progress(done=0, total=0, doing="Writing the table")
        labels = dict(provenance)
        if original is not None and original.shape == measured.labels.shape:
            counts = count_edits(original, measured.labels, classes=labels.get("values") == "classes")
            labels |= {"edited_by_hand": counts} if any(counts.values()) else {}
        facts = measured.table.facts(labels={"provenance": labels or None}, images=list(measured.of.images))
        return (yield from write_table_steps(path, measured.table.columns, facts))

    return begin
