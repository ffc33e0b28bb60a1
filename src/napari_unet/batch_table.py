"""The objects of many images in one table: a row each, and which image it is of."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.object_figures import Columns
from napari_unet.errors import UNFORESEEN
from napari_unet.files.batch_row import FAILED, BatchRow
from napari_unet.files.file_errors import image_fault, unwritable
from napari_unet.files.images import read_image, read_labels
from napari_unet.files.table import write_table_steps
from napari_unet.measurement import ObjectTable, measure_steps
from napari_unet.progress import Progress, Steps, map_progress

FILE, UNIT = "file", "unit"
"""Columns of the image's name, and of the unit of its lengths: um where its file says the pixel size, else px."""


def write_batch_table_steps(rows: Sequence[BatchRow], path: Path) -> Steps[list[str]]:
    """Measure the masks of a batch over their images and write all objects into one CSV, with a JSON beside it.

    Returns a sentence on every image that could not be measured; those that were not segmented are left out. Where
    none could be measured, nothing is written.
    """
    tables: dict[str, ObjectTable] = {}
    faults: list[str] = []
    segmented = [row for row in rows if row.state != FAILED]
    for number, row in enumerate(segmented):
        overall = partial(_overall, number=number, total=len(segmented), name=row.image.name)
        yield overall(Progress(done=0, total=0))
        try:
            tables[str(row.image)] = yield from map_progress(_measured(row), overall)
        except UNFORESEEN as error:  # a UnetError is a ValueError
            faults.append(image_fault(row.image.name, error))
    if faults and not tables:  # a former table is worth more than an empty one
        return faults
    facts = {"images": len(tables), "columns": f"{FILE} is the image, {UNIT} the unit of its lengths"}
    try:
        columns = joined(tables)
    except MemoryError as error:
        raise unwritable(path, OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))) from error
    yield from write_table_steps(path, columns, facts)
    return faults


def joined(tables: dict[str, ObjectTable]) -> Columns:
    """Return the rows of all tables one after the other; what one of them lacks stays empty (NaN)."""
    names = list(dict.fromkeys(name for table in tables.values() for name in table.columns))
    columns: dict[str, NDArray[Any]] = {
        FILE: _repeated(list(tables), tables),
        UNIT: _repeated(["px" if table.spacing is None else "um" for table in tables.values()], tables),
    }
    for name in names:
        columns[name] = np.concatenate([_column(table, name) for table in tables.values()])
    return columns


def _measured(row: BatchRow) -> Steps[ObjectTable]:
    mask, image = read_labels(row.mask), read_image(row.image)
    seen = image.source if image.source.label_axes == mask.axes else None
    size = next((file.calibration for file in (mask, image) if file.pixel_size), None)
    return (yield from measure_steps(mask.array, seen, axes=mask.axes, pixel_size=size))


def _column(table: ObjectTable, name: str) -> NDArray[Any]:
    return table.columns.get(name, np.full(len(table), np.nan))


def _repeated(values: Sequence[str], tables: dict[str, ObjectTable]) -> NDArray[Any]:
    return np.repeat(np.array(values, object), [len(table) for table in tables.values()])


def _overall(_: Progress, *, number: int, total: int, name: str) -> Progress:
    return Progress(done=number, total=total, doing=f"Measuring {name}")
