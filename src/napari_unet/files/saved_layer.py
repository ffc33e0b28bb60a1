"""A saved layer as it is read back: each fact about it is checked, and one that is wrong is left out.

The paint is what counts: it comes back also where nothing else of what is said about it can be used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import SINGLE
from napari_unet.files.provenance_values import without_odd_values

KEY = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
"""Keys of layers, which name their files: no path."""
MAX_NAME = 1000
MAX_AXES = 6
MAX_LENGTH, MIN_LENGTH = 1e12, 1e-12
"""What lengths and positions may be in a viewer, which computes in 32 bit on the way to the screen."""
ROLES = ("annotation", "result")
UNIT = re.compile(r"[^\W\d]\w{0,39}")
"""Names of units: what else the library of units understands are formulas, which may take for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedLayer:
    """What is kept of a painted layer: its arrays by name, and what is needed to put it back, as JSON values."""

    key: str
    arrays: Mapping[str, NDArray[Any]]
    about: Mapping[str, Any]


def checked_layer(key: str, arrays: Mapping[str, NDArray[Any]], about: Any) -> SavedLayer:
    """Return a layer with all of `about` that can be used; ValueError where there is no paint."""
    values = arrays.get("values")
    if values is None or values.dtype.kind not in "iu" or not 2 <= values.ndim <= MAX_AXES or not values.size:
        raise ValueError("there is no paint")
    axes = values.ndim
    told = about if isinstance(about, dict) else {}
    prediction = arrays.get("prediction")
    fits = prediction is not None and prediction.dtype.kind in "iu" and prediction.shape == values.shape
    kept = {"values": values, "prediction": prediction} if fits else {"values": values}
    checked = {
        "name": _text(told.get("name")) or "restored",
        "copy": told.get("copy") is True,
        "entry": _entry(told.get("entry"), axes, fits),
        "place": _place(told.get("place"), axes),
        "units": _names(told.get("units"), axes, UNIT.fullmatch) or ["pixel"] * axes,
        "axis_labels": _names(told.get("axis_labels"), axes, _text) or [f"-{axes - n}" for n in range(axes)],
        "meanings": _meanings(told.get("meanings")),
        "image": _text(told.get("image")),
        "path": _text(told.get("path")),
        "image_place": _image_place(told.get("image_place")),
    }
    return SavedLayer(key=key, arrays=kept, about=checked)  # type: ignore[arg-type]


def like(found: Any, example: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings in `found` that are of the kind that `example` has, so that a panel can use them."""
    if not isinstance(found, dict):
        return {}
    return {name: found[name] for name, usual in example.items() if name in found and _alike(found[name], usual)}


def _alike(value: Any, usual: Any) -> bool:
    if usual is None:
        return value is None or isinstance(value, str | int | float)
    if isinstance(usual, bool) or isinstance(value, bool):
        return type(value) is type(usual)
    if isinstance(usual, int | float):
        return isinstance(value, int | float) and abs(value) < 2**31
    return isinstance(value, type(usual))


def _text(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= MAX_NAME and "\0" not in value else ""


def _names(value: Any, count: int, known: Callable[[str], Any]) -> list[str]:
    """Return a name for each axis, none where one is missing."""
    if not isinstance(value, list) or len(value) != count:
        return []
    return value if all(isinstance(name, str) and known(name) for name in value) else []


def _meanings(value: Any) -> list[tuple[int, str]]:
    pairs = value if isinstance(value, list) else []
    return [
        (pair[0], pair[1])
        for pair in pairs
        if isinstance(pair, list) and len(pair) == 2 and type(pair[0]) is int and _text(pair[1])
    ]


def _entry(value: Any, axes: int, has_prediction: bool) -> dict[str, Any]:
    """Return our own facts of a layer; one without its axes, or a result without its prediction, plays no role."""
    told = value if isinstance(value, dict) else {}
    checks: dict[str, Callable[[Any], bool]] = {
        "role": lambda role: role in ROLES,
        "kind": lambda kind: bool(_text(kind)),
        "axes": lambda letters: _are_axes(letters, axes),
        "origin": lambda origin: _is_origin(origin, axes),
        "provenance": _is_provenance,
        "model_path": lambda path: bool(_text(path)),
        "pixel_size": _are_sizes,
        "inputs": _are_inputs,
        "file_sizes": _are_sizes,  # of sessions before there was a pixel size
    }
    kept = {name: told[name] for name, is_right in checks.items() if name in told and is_right(told[name])}
    if "axes" not in kept or (kept.get("role") == "result" and not has_prediction):
        kept.pop("role", None)
    return kept


def _are_axes(value: Any, count: int) -> bool:
    return (
        isinstance(value, str)
        and len(value) == len(set(value)) == count
        and {"Y", "X"} <= set(value) <= {*"TCZYX", SINGLE}
    )


def _is_origin(value: Any, count: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) in (0, count)
        and all(type(start) is int and 0 <= start < MAX_LENGTH for start in value)
    )


def _are_inputs(value: Any) -> bool:
    """Whether each of them is a channel, another layer by its name, or nothing."""
    return isinstance(value, list) and all(
        isinstance(one, dict)
        and (one.get("channel") is None or type(one["channel"]) is int)
        and all(isinstance(text, str) and len(text) <= MAX_NAME for name, text in one.items() if name != "channel")
        for one in value
    )


def _is_provenance(value: Any) -> bool:
    """Whether what is used again of it is what it is called."""
    return isinstance(value, dict) and without_odd_values(value) == value


def _are_sizes(value: Any) -> bool:
    return isinstance(value, dict) and all(
        axis in ("T", "Z", "Y", "X") and isinstance(size, int | float) and MIN_LENGTH < size < MAX_LENGTH
        for axis, size in value.items()
    )


def _place(value: Any, axes: int) -> dict[str, Any]:
    """Return where the layer lies; nothing where any part of it cannot be: together they make one transform."""
    told = value if isinstance(value, dict) else {}
    shapes = {
        "scale": (axes,),
        "translate": (axes,),
        "rotate": (axes, axes),
        "shear": (axes * (axes - 1) // 2,),
        "affine": (axes + 1, axes + 1),
    }
    numbers = {name: _numbers(told.get(name), shape) for name, shape in shapes.items() if name in told}
    scale, rotate, affine = (numbers.get(name) for name in ("scale", "rotate", "affine"))
    if any(one is None for one in numbers.values()) or (scale is not None and not _is_scale(scale)):
        return {}
    if any(matrix is not None and not _is_invertible(matrix) for matrix in (rotate, affine)):
        return {}
    return {name: told[name] for name in numbers}


def _image_place(value: Any) -> dict[str, Any]:
    """Return how the image was placed, of as many axes as all of it says."""
    told = value if isinstance(value, dict) else {}
    axes = len(told["scale"]) if isinstance(told.get("scale"), list) else 0
    scale, translate = (_numbers(told.get(name), (axes,)) for name in ("scale", "translate"))
    units = _names(told.get("units"), axes, UNIT.fullmatch)
    if not axes or scale is None or translate is None or not _is_scale(scale) or not units:
        return {}
    return {"scale": told["scale"], "translate": told["translate"], "units": units}


def _numbers(value: Any, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
    """Return finite numbers of a shape, None for anything else."""
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    fits = array.shape == shape and bool((np.abs(array) <= MAX_LENGTH).all())  # not so for NaN
    return array if fits else None


def _is_scale(scale: NDArray[np.float64]) -> bool:
    return bool((np.abs(scale) >= MIN_LENGTH).all())


def _is_invertible(matrix: NDArray[np.float64]) -> bool:
    return bool(np.linalg.cond(matrix) < MAX_LENGTH)
