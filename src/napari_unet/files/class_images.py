"""Pictures of classes: gray values or colours, one for each class, told apart and numbered alike in all files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.errors import UnetError
from napari_unet.files.images import read_image, read_labels

MOST = 32


def read_class_images(paths: Sequence[str | Path]) -> list[NDArray[np.int32]]:
    """Return the class index 0..K-1 of every pixel of some pictures.

    Gray values below 32 are class indices already, also where a class between them does not occur. Others number
    their distinct values in rising order over all files, colour pictures their distinct colours from dark to
    bright; so black is 0.

    Raises
    ------
    UnetError
        If a file cannot be read, or there are more than 32 values: then they are no classes.
    """
    codes = [_codes(Path(path)) for path in paths]
    known = _values(codes, Path(paths[0]))
    return _numbered(codes, known if known[-1] >= MOST else np.arange(MOST))


def read_class_pairs(
    predicted: Sequence[str | Path], truth: Sequence[str | Path]
) -> tuple[list[NDArray[np.int32]], list[NDArray[np.int32]]]:
    """Return the class indices of predicted and true pictures, numbered alike.

    Class indices (below 32) mean the same in both. Other values are the same in both, or as many in the same order
    (0, 1, 2 beside 0, 127, 255). UnetError where they are neither.
    """
    found, wanted = ([_codes(Path(path)) for path in paths] for paths in (predicted, truth))
    said, known = _values(found, Path(predicted[0])), _values(wanted, Path(truth[0]))
    if max(said[-1], known[-1]) < MOST:
        said = known = np.arange(MOST)
    elif np.isin(said, known).all():
        said = known
    elif len(said) != len(known):
        raise UnetError(
            f"the predictions hold {len(said)} classes of other values than the {len(known)} of the truth: "
            "save them with the same values"
        )
    return _numbered(found, said), _numbered(wanted, known)


def _values(codes: list[NDArray[Any]], first: Path) -> NDArray[Any]:
    known: NDArray[Any] = np.unique(np.concatenate([np.unique(code) for code in codes]))
    if len(known) > MOST:
        raise UnetError(
            f"{first.name} and its like hold {len(known)} different values, but classes are at most "
            f"{MOST}: were they saved as JPEG, or are they instances?"
        )
    return known


def _numbered(codes: list[NDArray[Any]], known: NDArray[Any]) -> list[NDArray[np.int32]]:
    return [np.searchsorted(known, code).astype(np.int32) for code in codes]


def _codes(path: Path) -> NDArray[Any]:
    """Return one number a pixel, rising with brightness, the same for the same colour."""
    image = read_image(path)
    if not image.axes.endswith("S"):
        return read_labels(path).array
    colours = np.asarray(image.array[..., :3], np.int64)
    depth = 2**16 if image.array.dtype.itemsize > 1 else 2**8
    # sum, red and green say what blue is; three 16 bit colours beside their sum would not fit into 64 bit
    code: NDArray[Any] = colours.sum(-1)
    for part in (colours[..., 0], colours[..., 1]):
        code = code * depth + part
    return code
