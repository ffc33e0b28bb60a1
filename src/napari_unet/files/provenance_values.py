"""What is used again of a mask's provenance, and must be what it is called: anybody may have written the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

MAX_CHANNEL, MAX_ZOOM, MAX_AXES = 2**15, 1e6, 3


def without_odd_values(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return provenance without the entries that are used again and are none of their kind."""
    checks: dict[str, Callable[[Any], bool]] = {"settings": are_settings, "classes": are_names}
    return {name: value for name, value in found.items() if name not in checks or checks[name](value)}


def are_settings(value: Any) -> bool:
    """Whether these are the settings of a run, with a channel and a zoom that can be used again."""
    if not isinstance(value, dict):
        return False
    channel = value.get("channel")
    if channel is not None and not (type(channel) is int and 0 <= channel < MAX_CHANNEL):
        return False
    return value.get("zoom") is None or _is_zoom(value["zoom"])


def _is_zoom(value: Any) -> bool:
    """Whether this is a zoom, or one for each axis."""
    each = value if isinstance(value, list | tuple) and 0 < len(value) <= MAX_AXES else [value]
    return all(isinstance(one, int | float) and 0 < one < MAX_ZOOM for one in each)


def are_names(value: Any) -> bool:
    """Whether this is a list of names."""
    return isinstance(value, list) and all(isinstance(name, str) for name in value)
