"""Reading maps into instances: today's rule against markers that are h-maxima of the probability.

    python -m benchmarks.instances ../shared/data --most 16
    python -m benchmarks.instances ../shared/data --quick        # two images of each set

AP@0.5 and mean AP on validation images of the models that find instances (the 512 px in the middle of each), from
the same probability maps, and the CPU seconds of all readings.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import local_maxima, reconstruction
from skimage.segmentation import watershed

from benchmarks.timing import table
from napari_unet.arrays.contingency import contingency
from napari_unet.arrays.instances import label_instances
from napari_unet.arrays.metrics import THRESHOLDS
from napari_unet.models.library import load_model
from napari_unet.models.prediction_to_labels import measured_planes, predict_map
from napari_unet.nets.prediction import Predictor
from napari_unet.progress import finish
from napari_unet.settings.instances import InstanceSettings

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
from recipes import pairs, validation_images

SETS = {
    "dsb2018_fluo": "nuclei",
    "bbbc039_u2os_16bit": "nuclei",
    "dsb2018_histology": "nuclei-histology",
    "phase_t98g": "cells-phase",
    "em_vnc_sstem": "em-membranes",
    "em3d_fib25": "em-membranes",
}
SIDE, QUICK = 512, 2
HEIGHTS = (0.1, 0.2, 0.3, 0.4)
Labels = NDArray[np.int32]
Reading = Callable[[NDArray[np.uint8], InstanceSettings], Labels]


def today(probability: NDArray[np.uint8], settings: InstanceSettings) -> Labels:
    """Return what the package reads."""
    return finish(label_instances(probability, settings))


def one_threshold(probability: NDArray[np.uint8], settings: InstanceSettings) -> Labels:
    """Return the same without dividing cores at higher levels."""
    return today(probability, settings.replace(min_core_share=1.0))


def h_maxima(height: float) -> Reading:
    """Return a reading whose markers are regional maxima that rise at least `height` above their saddles.

    Markers must reach the core threshold; small and uncertain instances are dropped as today.
    """

    def read(probability: NDArray[np.uint8], settings: InstanceSettings) -> Labels:
        mask = probability >= round(settings.edge_threshold * 255)
        seen = np.where(mask, probability, 0).astype(np.int16)
        lowered = reconstruction(seen - round(height * 255), seen, method="dilation")
        markers, count = ndimage.label(local_maxima(lowered), np.ones((3, 3)))
        tops = ndimage.maximum(probability, markers, np.arange(count + 1))
        markers = np.where(tops[markers] >= settings.core_threshold * 255, markers, 0)
        parts = watershed(-seen, markers, mask=mask)
        sizes = np.bincount(parts.ravel())
        sums = np.bincount(parts.ravel(), weights=probability.ravel())
        wanted = (sizes >= settings.min_size) & (sums >= settings.min_mean_probability * 255 * sizes)
        wanted[0] = False
        return (np.cumsum(wanted) * wanted)[parts].astype(np.int32)

    return read


READINGS: dict[str, Reading] = {
    "today": today,
    "one core threshold": one_threshold,
    **{f"h-maxima, h = {height}": h_maxima(height) for height in HEIGHTS},
}


def maps(data: Path, folder: str, most: int) -> Iterator[tuple[NDArray[np.uint8], Labels, InstanceSettings]]:
    """Yield (probabilities, truth, thresholds) of at most so many validation images, evenly picked."""
    model = load_model(SETS[folder])
    predictor = Predictor(model.net)
    every = [pair for pair in pairs(data / folder) if pair[0] in validation_images(folder)]
    for number in np.unique(np.linspace(0, len(every) - 1, min(most, len(every))).round().astype(int)):
        _, image, truth = every[number]
        starts = [max(0, (length - SIDE) // 2) for length in truth.shape]
        part = tuple(slice(start, start + SIDE) for start in starts)
        seen, axes = image[part], "YXS" if image.ndim == 3 else "YX"
        [plane] = finish(measured_planes(seen, axes, model.spec))
        yield finish(predict_map(predictor, plane, model.spec)), truth[part], model.spec.instances


def scores(labels: Labels, truth: Labels) -> tuple[float, float]:
    """Return AP@0.5 and mean AP 0.5..0.95."""
    found = contingency(labels, truth)
    every = [found.average_precision(threshold) for threshold in THRESHOLDS]
    return every[0], float(np.mean(every))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--most", type=int, default=16)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    found: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    seconds: Counter[str] = Counter()
    for folder in SETS:
        for probability, truth, thresholds in maps(given.data, folder, QUICK if given.quick else given.most):
            for name, read in READINGS.items():
                began = time.process_time()
                labels = read(probability, thresholds)
                seconds[name] += time.process_time() - began
                found[name][SETS[folder]].append(scores(labels, truth))
    models = list(dict.fromkeys(SETS.values()))
    counts = {model: len(found["today"][model]) for model in models}
    heads = ["", *(f"{model} ({counts[model]})" for model in models), "CPU s"]
    rows: list[list[Any]] = []
    for name in READINGS:
        means = [np.mean(found[name][model], axis=0) for model in models]
        rows.append([name, *(f"{first:.3f} / {second:.3f}" for first, second in means), seconds[name]])
    print(table("AP@0.5 / mean AP of ways to read a map", heads, rows))


if __name__ == "__main__":
    main()
