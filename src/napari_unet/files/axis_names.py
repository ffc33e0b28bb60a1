"""Which axis is which: names for the axes a file leaves unnamed, and the user's own word on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.errors import UnetError
from napari_unet.files.colours import samples_last

_KNOWN = "TCZYXS"


def named(path: Path, array: npt.NDArray[Any], axes: str) -> tuple[npt.NDArray[Any], str]:
    """Return array and axes without axes of size 1 (but Y and X), unnamed axes taken for Z, or T and Z.

    tifffile marks axes of unknown meaning with I, Q and other letters. One of them is taken for Z (a plain
    stack of pages), two for T and Z; a letter that the file itself uses goes to the next free one of Z, T, C.
    """
    keep = [size > 1 or letter in "YX" for size, letter in zip(array.shape, axes, strict=True)]
    array = array.reshape([size for size, kept in zip(array.shape, keep, strict=True) if kept])
    axes = "".join(letter for letter, kept in zip(axes, keep, strict=True) if kept)
    unnamed = [letter for letter in axes if letter not in _KNOWN]
    free = [letter for letter in "ZTC" if letter not in axes]
    if len(unnamed) > min(2, len(free)):
        raise UnetError(
            f"{path.name} has {len(unnamed)} axes it does not name, in shape {array.shape}: "
            f"say which is which with axes, for example {'TCZYX'[-array.ndim :]}"
        )
    names = iter(sorted(free[: len(unnamed)]))  # T comes before Z
    return array, "".join(letter if letter in _KNOWN else next(names) for letter in axes)


def require_image(path: Path, array: Any, axes: str) -> None:
    """Refuse what is no image: no plane, no pixels, or values that are no plain numbers."""
    if not {"Y", "X"} <= set(axes) or 0 in array.shape:
        raise UnetError(
            f"{path.name} holds no image plane Y, X, but axes {axes!r} of shape {array.shape}: "
            "export it again, or say which is which with axes"
        )
    if array.dtype.kind not in "biuf":
        raise UnetError(f"{path.name} holds {array.dtype} values: save its magnitude or another real-valued image")


def renamed(
    path: Path, array: npt.NDArray[Any], letters: str, header_axes: str, axes: str | None
) -> tuple[npt.NDArray[Any], str]:
    """Return array and axes under the user's `axes`, samples last; under `letters` where `axes` is None.

    `axes` describes `array`, which is what people see of a file. Where samples were moved to get it from
    `stored_axes`, the place of Y and X may show that people mean the array as it is stored.
    """
    if axes is None:
        return array, letters
    axes = axes.strip().upper()
    _require_axes(path, array, axes)
    same_length = "S" in header_axes and len(header_axes) == len(letters)
    if same_length and _plane(letters) != _plane(axes) == _plane(header_axes):
        array = np.moveaxis(array, letters.index("S" if "S" in letters else "C"), header_axes.index("S"))
    array, axes = samples_last(array, axes)
    if "S" in axes and array.shape[-1] not in (3, 4):
        raise UnetError(
            f"axis S is for the 3 or 4 samples of RGB and RGBA, but has size {array.shape[-1]} in {path.name}: "
            "name it C"
        )
    return array, axes


def _plane(axes: str) -> set[int]:
    """Return the places of Y and X."""
    return {place for place, letter in enumerate(axes) if letter in "YX"}


def _require_axes(path: Path, array: npt.NDArray[Any], axes: str) -> None:
    """Refuse letters that are unknown, double, too many or too few, or without Y and X."""
    if len(axes) != array.ndim:
        raise UnetError(
            f"axes must have one letter a dimension, got {axes!r} for {path.name} of shape {array.shape}: "
            f"give {array.ndim} letters, for example {'TCZYX'[-array.ndim :]}"
        )
    if not {"Y", "X"} <= set(axes) <= set(_KNOWN) or len(set(axes)) != len(axes):
        raise UnetError(
            f"axes must hold Y and X, each letter once, of T C Z Y X and S for RGB, got {axes!r}: "
            f"give for example {'TCZYX'[-array.ndim :]}"
        )
