"""Names of settings in files that were written before the names changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

THRESHOLDS = {
    "seed": "core_threshold",
    "mask": "edge_threshold",
    "minimum_size": "min_size",
    "kept": "min_core_share",
    "certainty": "min_mean_probability",
}


def with_present_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return thresholds, as a model file or the provenance of a mask has them, under the names of today.

    Where a present name is there, all are: `seed` then is that of random draws.
    """
    if set(THRESHOLDS.values()) & values.keys():
        return dict(values)
    return {THRESHOLDS.get(name, name): value for name, value in values.items()}
