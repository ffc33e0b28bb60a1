"""The data sets of the pack as pairs of image and instances, and which of their images no model may learn from."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label
from skimage.segmentation import expand_labels

from napari_unet.arrays.membranes import between_membranes
from napari_unet.files.images import read_image, read_labels

Array = NDArray[Any]
Pair = tuple[str, Array, Array]
HELD_OUT = Path(__file__).with_name("validation_images.csv")


@cache
def _of_group(folder: str, group: str) -> frozenset[str]:
    with HELD_OUT.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["group"] == group]
    return frozenset(row["image"] for row in rows if row["data_set"] == folder)


def validation_images(folder: str) -> frozenset[str]:
    """Return the names of the images of a data set that validate: on which the cards' figures are measured.

    The list is fixed, so that figures stay comparable when a data set grows; no shipped model learnt from these.
    """
    return _of_group(folder, "own")


def held_out_experiments(folder: str) -> frozenset[str]:
    """Return the names of the images of a data set whose whole experiment is held out.

    Unlike those that validate, they have no neighbours of the same experiment among the training images, so that
    figures on them say what to expect of another laboratory. No model trained from now on learns from them.

    - dsb2018_fluo: the sizes 260 x 347, 512 x 640, 603 x 1272 and 1040 x 1388, an experiment each.
    - dsb2018_histology: purple tissue at the higher magnification, told by its ground: the 80th percentile is at
      most 204 in blue, below 195 in red and above green; the lower magnification has 206 to 210 in blue.
    - bbbc039_u2os_16bit: the rows E and H of the plate.
    - phase_t98g: a block of each kind of cell. 40 to 45 are small cells, 23 to 26 large ones. Blocks, because
      neighbours by number are likelier to be of one dish; 23, 24, 40 and 41 share the dirt of one optics.
    - nuclei3d_bbbc050: the embryos 5 and 9. membranes_endothelium: the last five images.

    Images of these experiments that validate already go on doing so.
    """
    return _of_group(folder, "experiment")


def is_held_out(folder: str, name: str) -> bool:
    """Whether an image, or the stack that a plane "stack/z10" is of, belongs to an experiment that is held out."""
    return name.split("/", maxsplit=1)[0] in held_out_experiments(folder)


SMALL_PHASE = frozenset(f"set{number}" for number in (13, 14, 15, 16, 19, 20, *range(30, 46)))
"""The images of phase_t98g that show small cells, 1,300 px in the median; the others have 3,700."""


def kind_of(name: str) -> str:
    """Return the kind of image that "data set/image" shows: its data set, phase contrast by the size of cells."""
    folder, image = name.split("/")[:2]
    if folder != "phase_t98g":
        return folder
    return f"{folder}, {'small' if image in SMALL_PHASE else 'large'} cells"


PLANES = slice(None, None, 5)
"""Which planes of a volume are used: 50 nm lie between them in em3d_fib25."""
SPECK = 30
"""Pixels below which a part of a neurite in a plane is a speck of the annotation."""


def pieces(plane: Array) -> Array:
    """Return a plane of a labelled volume with one id per connected part; specks become what surrounds them."""
    parts = label(plane, connectivity=1)
    parts[np.bincount(parts.ravel())[parts] < SPECK] = 0
    return np.where(plane > 0, expand_labels(parts, distance=SPECK), 0)


BORDER_WIDTH = 2
"""Pixels that cells grow into the drawn borders of the endothelium, which are 2 to 3 px wide."""
GRID = 8
"""Step in pixels of the rectangles that are tried."""
ANNOTATED = 0.97
"""Share of a rectangle that must be annotated."""
SMALLEST_SIDE = 64
"""Pixels below which the annotated part of an image is left out: two or three cells wide."""


def enclosed_cells(drawn: Array) -> Array:
    """Return the cells (Y, X) that drawn borders (0 in the files) enclose; all else is 0, the open rim, too."""
    cells = between_membranes(drawn == 0)
    rim = np.unique(np.concatenate([cells[0], cells[-1], cells[:, 0], cells[:, -1]]))
    return expand_labels(np.where(np.isin(cells, rim), 0, cells), distance=BORDER_WIDTH)


def annotated_part(cells: Array) -> tuple[slice, slice]:
    """Return the largest rectangle of an image of confluent cells (Y, X) that is annotated nearly everywhere."""
    known = ndimage.binary_fill_holes(ndimage.binary_closing(cells > 0, iterations=BORDER_WIDTH))
    total = np.pad(np.asarray(known, float).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    rows, columns = (np.arange(0, length + 1, GRID) for length in cells.shape)
    top, bottom, left, right = np.meshgrid(rows, rows, columns, columns, indexing="ij", sparse=True)
    area = np.maximum(bottom - top, 0) * np.maximum(right - left, 0)
    inside = total[bottom, right] - total[top, right] - total[bottom, left] + total[top, left]
    best = np.unravel_index(np.argmax(np.where(inside >= ANNOTATED * area, area, 0)), area.shape)
    a, b, c, d = rows[best[0]], rows[best[1]], columns[best[2]], columns[best[3]]
    return slice(int(a), int(b)), slice(int(c), int(d))


def _plane_pairs(_: str, image: Array, labels: Array) -> Iterator[Pair]:
    """Yield every fifth plane of a volume of neurites, "z000", "z005" and so on."""
    for z in range(len(image))[PLANES]:
        yield f"z{z:03}", image[z], pieces(labels[z])


def _embryo_pairs(name: str, image: Array, labels: Array) -> Iterator[Pair]:
    """Yield every fifth plane of a stack that shows nuclei, "stack/z10" and so on."""
    for z in range(len(image))[PLANES]:
        if labels[z].any():
            yield f"{name}/z{z:02}", image[z], labels[z]


def _endothelium_pairs(name: str, image: Array, drawn: Array) -> Iterator[Pair]:
    """Yield the annotated part of an image, where it is large enough; its rim shows cells that nobody drew."""
    cells = enclosed_cells(drawn)
    part = annotated_part(cells)
    if min(cells[part].shape) >= SMALLEST_SIDE:
        yield name, image[part], cells[part]


def _section_pairs(name: str, image: Array, membranes: Array) -> Iterator[Pair]:
    """Yield a section of nerve tissue with the neurites that membranes part."""
    yield name, image, between_membranes(membranes)


READERS: dict[str, Callable[[str, Array, Array], Iterator[Pair]]] = {
    "em3d_fib25": _plane_pairs,
    "nuclei3d_bbbc050": _embryo_pairs,
    "membranes_endothelium": _endothelium_pairs,
    "em_vnc_sstem": _section_pairs,
}
"""How pairs are made of the files of those data sets whose labels are not a plane of instances."""


def pairs(folder: Path) -> Iterator[Pair]:
    """Yield (name, image, labels) of a data set of the pack, planes of volumes one by one."""
    truth = folder / ("membranes" if folder.name == "em_vnc_sstem" else "labels")
    reader = READERS.get(folder.name)
    for path in sorted((folder / "images").iterdir()):
        image, labels = read_image(path).array, read_labels(truth / path.name).array
        if reader is None:
            yield path.stem, image, labels
        else:
            yield from reader(path.stem, image, labels)


DAB = np.hypot(*np.mgrid[-2:3, -2:3]) < 2.5
"""The annotators' smallest brush, a disc of 21 px: 225 objects of DSB2018 are one, where nothing is to be seen."""


def without_dabs(labels: Array) -> Array:
    """Return labels without single dabs of the annotators' brush."""
    kept = labels.copy()
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is not None and np.array_equal(labels[box] == number, DAB):
            kept[box][DAB] = 0
    return kept
