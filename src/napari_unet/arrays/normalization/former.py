"""Specs written before normalisation was a list of steps: {low, high, compression, foreground, bright_objects}."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_unet.errors import UnetError

DEFAULTS = {"low": 1.0, "high": 99.8, "compression": 4.0, "foreground": False, "bright_objects": False}


def is_former(values: Mapping[str, Any]) -> bool:
    """Whether a normalisation is of the former kind."""
    return "steps" not in values


def translated(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the steps that the former options mean, as JSON values."""
    if unknown := set(values) - set(DEFAULTS):
        raise UnetError(f"a normalisation has no {', '.join(sorted(unknown))}")
    given = DEFAULTS | dict(values)
    steps: list[dict[str, Any]] = []
    if given["bright_objects"]:
        steps.append({"step": "invert_bright_background"})
    if given["foreground"]:
        steps += [{"step": "typical_object", "low": given["low"]}, {"step": "denoise"}]
    else:
        steps.append({"step": "percentile", "low": given["low"], "high": given["high"]})
    if given["compression"] != 0:
        steps.append({"step": "compress", "factor": given["compression"]})
    return {"steps": steps, "joint": True}
