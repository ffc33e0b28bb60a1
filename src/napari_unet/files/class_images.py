"""Pictures of classes: gray values or colours, one for each class, told apart and numbered alike in all files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.annotations import MAX_CLASS
from napari_unet.errors import UnetError
from napari_unet.files.images import read_image, read_labels
from napari_unet.files.kinds import TIFF, kind_of
from napari_unet.files.provenance import read_provenance

MAX_CLASSES = 1 + MAX_CLASS
"""The background and all others."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassImages:
    """Pictures of classes, numbered alike."""

    indices: list[NDArray[np.int32]]
    """Class index 0..K-1 of every pixel of each picture; in strokes 0 is not annotated, classes begin at 1."""
    marks: tuple[str, ...]
    """The colour (#rrggbb) or grey value of each class; empty where the values are class indices themselves."""


def read_class_images(
    paths: Sequence[str | Path], *, strokes: bool = False, marks: Sequence[str] = ()
) -> ClassImages:
    """Return the class index 0..K-1 of every pixel of some pictures.

    Gray values below 32 are class indices already, also where a class between them does not occur. Others number
    their distinct values in rising order over all files, colour pictures their distinct colours from dark to
    bright; so black is 0. In `strokes`, where 0 says nothing of a pixel, no other value or colour becomes 0.
    `marks` are the colours or values of classes that a model knows already: then these decide.

    Raises
    ------
    UnetError
        If a file cannot be read, or there are more than 32 values: then they are no classes.
    """
    codes, known, depths = _read(paths)
    if strokes:
        known = np.union1d([0], known)
    if known[-1] < MAX_CLASSES:
        return ClassImages(indices=_numbered(codes, np.arange(MAX_CLASSES)), marks=())
    found = [_mark(int(code), max(depths)) for code in known]
    if marks:
        known, found = _in_order(known, found, [found[0], *marks] if strokes else list(marks))
    return ClassImages(indices=_numbered(codes, known), marks=tuple(found[strokes:]))


def _in_order(known: NDArray[Any], found: list[str], marks: list[str]) -> tuple[NDArray[Any], list[str]]:
    """Return codes and marks in the order of the marks that a model knows; UnetError for others."""
    foreign = [mark for mark in found if mark not in marks]
    if foreign:
        raise UnetError(f"the labels hold {foreign[0]}, the model's classes are {', '.join(marks)}: use the same")
    by_mark = dict(zip(found, known.tolist(), strict=True))
    absent = int(known.max()) + 1  # the code of a class that these pictures do not hold
    return np.array([by_mark.get(mark, absent + number) for number, mark in enumerate(marks)]), marks


def _mark(code: int, depth: int) -> str:
    """Return the colour of a code as #rrggbb, or the grey value that it is."""
    if depth == 0:
        return str(code)
    rest, green = divmod(code, depth)
    total, red = divmod(rest, depth)
    return "#" + "".join(f"{part * 256 // depth:02x}" for part in (red, green, total - red - green))


def read_class_pairs(
    predicted: Sequence[str | Path], truth: Sequence[str | Path]
) -> tuple[list[NDArray[np.int32]], list[NDArray[np.int32]]]:
    """Return the class indices of predicted and true pictures, numbered alike.

    One value means the same in both; values that the truth does not hold come after those that it does. Only where
    one of them holds class indices, 0 to K - 1, and the other K other values, these stand for them in rising order
    (0, 1, 2 beside 0, 127, 255). UnetError where neither can be: nothing then says which value means which.
    Masks of ours say how many classes their model tells, also where few of them were found.
    """
    (found, said, kind), (wanted, known, wanted_kind) = _read(predicted), _read(truth)
    if max(said[-1], known[-1]) < MAX_CLASSES:
        return _numbered(found, np.arange(MAX_CLASSES)), _numbered(wanted, np.arange(MAX_CLASSES))
    told = {len(classes) for path in predicted if (classes := _classes_of(Path(path)))}
    if told and not np.isin(np.arange(max(told)), known).all():
        if told != {len(known)}:
            raise UnetError(
                f"the predictions are of a model of {max(told)} classes, the truth holds {len(known)} values, and "
                "nothing says which means which: save the truth as class indices"
            )
        return _numbered(found, np.arange(MAX_CLASSES)), _numbered(wanted, known)
    alike = kind == wanted_kind and min(said[-1], known[-1]) >= MAX_CLASSES
    if alike or np.isin(said, known).all() or np.isin(known, said).all():
        union = np.concatenate([known, np.setdiff1d(said, known)])
        return _numbered(found, union), _numbered(wanted, union)
    if len(said) != len(known) or not (_are_indices(said) or _are_indices(known)):
        raise UnetError(
            f"the predictions hold {len(said)} classes of other values than the {len(known)} of the truth, and "
            "nothing says which means which: save them with the same values"
        )
    return _numbered(found, said), _numbered(wanted, known)


def _classes_of(path: Path) -> list[str]:
    """Return the names of the classes that a mask of ours is made of, none for other files."""
    if kind_of(path) != TIFF:
        return []
    return list((read_provenance(path) or {}).get("classes", ()))


def _are_indices(values: NDArray[Any]) -> bool:
    """Whether values are class indices without a gap, from 0."""
    return bool(np.array_equal(values, np.arange(len(values))))


def _read(paths: Sequence[str | Path]) -> tuple[list[NDArray[Any]], NDArray[Any], set[int]]:
    """Return the codes of some pictures, the different ones among them in rising order, and their depths."""
    read = [_codes(Path(path)) for path in paths]
    codes = [code for code, _ in read]
    known: NDArray[Any] = np.unique(np.concatenate([np.unique(code) for code in codes]))
    if len(known) > MAX_CLASSES:
        raise UnetError(
            f"{Path(paths[0]).name} and its like hold {len(known)} different values, but classes are at most "
            f"{MAX_CLASSES}: were they saved as JPEG, or are they instances?"
        )
    return codes, known, {depth for _, depth in read}


def _numbered(codes: list[NDArray[Any]], known: NDArray[Any]) -> list[NDArray[np.int32]]:
    """Return of every code its place among the known ones, whatever their order."""
    order = np.argsort(known)
    return [order[np.searchsorted(known, code, sorter=order)].astype(np.int32) for code in codes]


def _codes(path: Path) -> tuple[NDArray[Any], int]:
    """Return one number a pixel, rising with brightness, the same for the same colour of one depth; 0 is black.

    Beside it stands the depth, how many values a colour's parts may have; 0 for gray values, which are themselves.
    """
    image = read_image(path)
    if not image.axes.endswith("S"):
        return read_labels(path).array, 0
    colours = np.asarray(image.array[..., :3], np.int64)
    depth = 2**16 if image.array.dtype.itemsize > 1 else 2**8
    # sum, red and green say what blue is; three 16 bit colours beside their sum would not fit into 64 bit
    code: NDArray[Any] = colours.sum(-1)
    for part in (colours[..., 0], colours[..., 1]):
        code = code * depth + part
    return code, depth
