"""Objects of any size: how well images of other sizes are segmented, as they are and as their objects ask for.

    python -m benchmarks.sizes ../shared/data

Every validation image (or every n-th) is scaled, segmented once with zoom 1 and once with the zoom that the model
chooses, and compared with its scaled truth. CPU time is of one thread.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.transform import rescale

from benchmarks.timing import table
from napari_unet import evaluate, load_model
from napari_unet.models.model import Model
from napari_unet.progress import finish
from napari_unet.segmentation import segment_steps
from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.settings.zooms import Zoom, short_zoom

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
from data_sets import Pair, pairs, validation_images

MODELS = {
    "nuclei": "dsb2018_fluo",
    "nuclei-histology": "dsb2018_histology",
    "cells-phase": "phase_t98g",
}
SCALES = (0.5, 1, 2, 3, 4, 6)
LARGEST = 2100
"""Side in pixels to which scaled images are cut."""


def scaled(pair: Pair, scale: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return image and labels at another size, their middle where they become too large."""
    _, image, labels = pair
    side = int(LARGEST / scale)
    part = tuple(slice(max(0, (n - side) // 2), max(0, (n - side) // 2) + side) for n in labels.shape)
    image, labels = image[part].astype(float), labels[part]
    if scale == 1:
        return image, labels.astype(int)
    channels = -1 if image.ndim == 3 else None
    larger = rescale(image, scale, order=1, anti_aliasing=scale < 1, channel_axis=channels)
    truth = rescale(labels, scale, order=0, preserve_range=True, anti_aliasing=False)
    return larger, truth.astype(int)


def segmented(
    image: NDArray[np.float64], model: Model, zoom: float | None
) -> tuple[NDArray[np.int32], Zoom, float]:
    """Return labels, the zoom at which they were found, and the CPU seconds that it took."""
    began = time.process_time()
    axes = "YXS" if image.ndim == 3 else "YX"
    steps = segment_steps(image, model, axes=axes, settings=SegmentationSettings(zoom=zoom))
    result = finish(steps)
    return result.labels, short_zoom(result.zoom), time.process_time() - began


def measure(model: Model, held: list[Pair], scale: float) -> list[object]:
    """Return a row of the table."""
    scores: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    seconds = {True: 0.0, False: 0.0}
    zooms: Counter[str] = Counter()
    for pair in held:
        image, truth = scaled(pair, scale)
        for measured in (False, True):
            labels, zoom, took = segmented(image, model, None if measured else 1.0)
            found = evaluate(labels, truth)
            scores[measured].append((found.average_precision[0.5], found.mean_average_precision))
            seconds[measured] += took
            if measured:
                zooms[str(zoom)] += 1
    cells = [" / ".join(f"{value:.3f}" for value in np.mean(scores[way], 0)) for way in (False, True)]
    chosen = ", ".join(f"{text} ({count})" for text, count in sorted(zooms.items()))
    return [f"{scale:g}", len(held), *cells, chosen, seconds[True] / seconds[False]]


def main() -> None:
    """Print a table for each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--every", type=int, default=1, help="take every so many-th validation image")
    given = parser.parse_args()
    torch.set_num_threads(1)
    heads = ["size", "images", "zoom 1: AP@0.5 / mean AP", "measured", "zooms (images)", "x time of zoom 1"]
    for name in given.models:
        folder = MODELS[name]
        held = [one for one in pairs(given.data / folder) if one[0] in validation_images(folder)][:: given.every]
        rows = [measure(load_model(name), held, scale) for scale in SCALES]
        print(table(f"{name} on {folder}", heads, rows), flush=True)


if __name__ == "__main__":
    main()
