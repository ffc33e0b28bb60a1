"""Labels that were saved as floating point, as MorphoLibJ, CLIJ and our own files of many objects have them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def as_whole_numbers(labels: NDArray[Any]) -> NDArray[Any]:
    """Return floating point values without a fraction as int64, all other arrays as they are.

    Values beyond 2^53, where float64 has no neighbours left, count as fractions, as do NaN and infinite ones.
    """
    if labels.dtype.kind != "f" or not labels.size:
        return labels
    if not np.isfinite(labels).all() or np.abs(labels).max() > 2.0**53 or (np.rint(labels) != labels).any():
        return labels
    whole: NDArray[Any] = labels.astype(np.int64)
    return whole
