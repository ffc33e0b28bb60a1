"""Images of other pixel sizes than the model's: how well they are segmented where both know their calibration.

    python -m benchmarks.pixel_sizes ../shared/data

Validation images are resampled, their pixel size with them, and compared with their resampled truth. Two ways of
seeing each image: at the zoom that the pixel size chooses, and resampled by scikit-image to exactly the model's
pixel size, which no power of two can do.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.transform import rescale, resize

from benchmarks.timing import table
from napari_unet import evaluate, load_model
from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.arrays.source import Source
from napari_unet.models.model import Model
from napari_unet.models.prediction_to_labels import read_map
from napari_unet.progress import finish
from napari_unet.segmentation import segment_steps
from napari_unet.settings.segmentation import SegmentationSettings

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
from data_sets import Pair, held_out_experiments, pairs, validation_images

MODEL, DATA = "nuclei", ("dsb2018_fluo", "bbbc039_u2os_16bit")
NATIVE = 0.5
"""um per pixel that the images and the model are said to have: of both nothing else is known."""
SCALES = (1.0, 0.5, 2.0, 0.7, 1.5)
SIDE = 256
"""Pixels of a side to which images are cut before they are resampled."""
WAYS = ("by pixel size", "resampled")


def scaled(pair: Pair, scale: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return image and labels with `scale` times as many pixels per axis."""
    _, image, labels = pair
    part = tuple(slice(max(0, (n - SIDE) // 2), max(0, (n - SIDE) // 2) + SIDE) for n in labels.shape)
    image, labels = image[part], labels[part]
    if scale == 1:
        return image.astype(float), labels.astype(int)
    seen = rescale(image.astype(float), scale, order=1, anti_aliasing=scale < 1)
    return seen, rescale(labels, scale, order=0, preserve_range=True, anti_aliasing=False).astype(int)


def segmented(image: NDArray[np.float64], model: Model, scale: float, way: str) -> NDArray[np.int32]:
    """Return the labels of an image (Y, X), found in one of the ways."""
    if way == "resampled" and scale != 1:
        return _resampled(image, model, scale)
    size = PixelSize(dict.fromkeys("YX", NATIVE / scale))
    result = finish(segment_steps(Source.of(image, pixel_size=size), model))
    labels: NDArray[np.int32] = result.labels
    return labels


def _resampled(image: NDArray[np.float64], model: Model, scale: float) -> NDArray[np.int32]:
    """Return the labels of an image seen at the model's pixel size; the map comes back, not the labels."""
    seen = rescale(image, 1 / scale, order=1, anti_aliasing=scale > 1)
    one = SegmentationSettings(zoom=1.0)
    found = finish(segment_steps(Source.of(seen), model, settings=one, keep_probabilities=True)).probabilities
    back = resize(found.astype(float), image.shape, order=1, anti_aliasing=scale < 1)
    return finish(read_map(back.round().astype(np.uint8), model.spec))


def held_out(folder: Path, most: int) -> Iterator[Pair]:
    """Yield images that validate, then those of held-out experiments, evenly spread, so many at most."""
    names = sorted(validation_images(folder.name))
    names += sorted(held_out_experiments(folder.name) - set(names)) if len(names) < most else []
    chosen = set(names[:: max(1, len(names) // most)][:most])
    yield from (pair for pair in pairs(folder) if pair[0] in chosen)


def row(model: Model, held: list[Pair], scale: float) -> list[object]:
    """Return a row of the table: AP@0.5 and mean AP of every way."""
    found = []
    for pair in held:
        image, truth = scaled(pair, scale)
        scores = [
            evaluate(segmented(image, model, scale, way), truth) for way in WAYS[: 1 if scale == 1 else None]
        ]
        found.append([(score.average_precision[0.5], score.mean_average_precision) for score in scores])
    cells = [" / ".join(f"{value:.3f}" for value in way) for way in np.mean(found, 0)]
    return [f"{scale:g}", *cells, *[""] * (len(WAYS) - len(cells))]


def main() -> None:
    """Print a table for each data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--images", type=int, default=12, help="of each data set, at most")
    parser.add_argument("--scales", type=float, nargs="+", default=SCALES)
    given = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model(MODEL)
    model = replace(model, spec=replace(model.spec, pixel_size=(NATIVE, NATIVE)))
    for name in DATA:
        held = list(held_out(given.data / name, given.images))
        rows = []
        for scale in given.scales:
            rows.append(row(model, held, scale))
            print(*rows[-1], sep=" | ", file=sys.stderr, flush=True)
        print(table(f"{name}, {len(held)} images: AP@0.5 / mean AP", ["scale", *WAYS], rows), flush=True)


if __name__ == "__main__":
    main()
