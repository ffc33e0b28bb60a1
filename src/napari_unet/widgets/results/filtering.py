"""Conditions on a table, as somebody types them: "area > 20 and solidity < 0.9"."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.errors import UnetError

COMPARED = {
    "<=": operator.le, ">=": operator.ge, "!=": operator.ne, "==": operator.eq, "=": operator.eq,
    "<": operator.lt, ">": operator.gt,
}  # fmt: skip
CONDITION = re.compile(r"\s*(.+?)\s*(<=|>=|!=|==|=|<|>)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*")


def matching(columns: Mapping[str, NDArray[Any]], text: str) -> NDArray[np.bool_]:
    """Return which rows meet all conditions; an empty text has none."""
    met = np.ones(max((len(column) for column in columns.values()), default=0), bool)
    for part in re.split(r"\band\b|,|&", text) if text.strip() else []:
        found = CONDITION.fullmatch(part)
        if found is None:
            raise UnetError(f"{part.strip()!r} is no condition: write for example area > 20 and solidity < 0.9")
        name, sign, number = found.groups()
        if name not in columns:
            raise UnetError(f"there is no column {name!r}: choose from {', '.join(columns)}")
        met &= COMPARED[sign](columns[name], float(number))
    return met
