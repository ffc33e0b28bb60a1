"""Tables of objects as CSV, with a JSON beside it that says what the columns mean and what made them."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from napari_unet.errors import UnetError, printable
from napari_unet.files.atomic import atomic_path
from napari_unet.progress import Progress, Steps

SUFFIX = ".csv"
ROWS_A_STEP = 5000
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How what a spreadsheet computes begins (OWASP, CSV injection); the names of files may do so."""


def json_beside(path: Path) -> Path:
    """Return where the JSON of a table goes."""
    return path.with_suffix(".json")


def require_table_name(path: Path) -> None:
    """Refuse a name that is no table's."""
    if path.suffix.lower() != SUFFIX:
        raise UnetError(f"tables are written as CSV: {path.name!r} must end in {SUFFIX}")


def write_table_steps(
    path: str | Path, columns: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]
) -> Steps[Path]:
    """Write columns as CSV, and facts as JSON beside it, some rows a step; return the path of the CSV.

    Whole numbers stay whole, other numbers keep all digits, what is not known (NaN) is left empty.

    Raises
    ------
    UnetError
        The name does not end in .csv, or one of the files cannot be written; then the former ones are still there.
    """
    path = Path(path)
    require_table_name(path)
    with atomic_path(json_beside(path)) as described, atomic_path(path) as temporary:
        described.write_text(_as_json(facts), encoding="utf-8")
        # names of files may hold bytes that are no text
        with temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            yield from _write_rows(file, columns)
    return path


def _write_rows(file: TextIO, columns: Mapping[str, NDArray[Any]]) -> Steps[None]:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([as_cell(printable(name)) for name in columns])
    count = max((len(column) for column in columns.values()), default=0)
    for start in range(0, count, ROWS_A_STEP):
        part = [_cells(column[start : start + ROWS_A_STEP]) for column in columns.values()]
        writer.writerows(zip(*part, strict=True))
        yield Progress(done=start, total=count, doing="Writing the table")


def _cells(column: NDArray[Any]) -> Sequence[Any]:
    """Return values as Python writes them, nothing for NaN."""
    values: list[Any] = np.asarray(column).tolist()
    return ["" if isinstance(value, float) and math.isnan(value) else as_cell(value) for value in values]


def as_cell(value: Any) -> Any:
    """Return a value for a CSV; before text that a spreadsheet would compute as a formula stands an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _as_json(facts: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(facts), indent=2, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise UnetError(
            f"facts of a table must be text and numbers, got one that JSON refuses ({error})"
        ) from None
