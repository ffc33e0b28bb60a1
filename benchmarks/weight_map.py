"""The weight map: ours against one distance transform per cell, as public implementations compute it."""

from __future__ import annotations

import argparse
import time

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.timing import table
from napari_unet.arrays.boundary_weights import boundary_weights


def cells(size: int, count: int, seed: int = 0) -> NDArray[np.int32]:
    """Return `count` discs at random places in a size x size image."""
    rng = np.random.default_rng(seed)
    radius = max(2, int(size / np.sqrt(count) / 4))
    labels = np.zeros((size, size), np.int32)
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disc = rows**2 + columns**2 <= radius**2
    for number in range(1, count + 1):
        row, column = rng.integers(radius, size - radius, 2)
        part = labels[row - radius : row + radius + 1, column - radius : column + radius + 1]
        part[disc & (part == 0)] = number
    return labels


def one_per_cell(
    labels: NDArray[np.int32], ids: NDArray[np.int32], w0: float = 10, sigma: float = 5
) -> NDArray[np.float64]:
    """Return the border term from whole-image distance transforms of the cells in `ids`."""
    nearest = np.full(labels.shape, np.inf)
    second = np.full(labels.shape, np.inf)
    for number in ids:
        distance = ndimage.distance_transform_edt(labels != number)
        second = np.minimum(second, np.maximum(nearest, distance))
        nearest = np.minimum(nearest, distance)
    return w0 * np.exp(-((nearest + second) ** 2) / (2 * sigma**2))


def main() -> None:
    """Print seconds, ratio and error; where the slow way takes minutes, a few cells are timed and scaled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--timed-cells", type=int, default=12)
    given = parser.parse_args()
    rows = []
    for size, count in ((512, 50), (1024, 200), (2048, 1000), (2048, 2000)):
        labels = cells(size, count)
        ids = np.unique(labels[labels > 0])
        began = time.process_time()
        ours = boundary_weights(labels)
        fast = time.process_time() - began
        timed = ids if size == 512 else ids[: given.timed_cells]
        began = time.process_time()
        full = one_per_cell(labels, timed)
        slow = (time.process_time() - began) * len(ids) / len(timed)
        error = float(np.abs(ours - full).max()) if len(timed) == len(ids) else "see tests"
        rows.append([f"{size}²", len(ids), fast, slow, slow / fast, error])
    print(
        table("Weight map", ["image", "cells", "ours, CPU s", "one per cell, CPU s", "ratio", "max error"], rows)
    )


if __name__ == "__main__":
    main()
