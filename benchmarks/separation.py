"""Does the weight map earn its keep? The same network, seeds and budget under five losses.

    python -m benchmarks.separation ../shared/data                 # the experiment of the docs, an hour on a CPU
    python -m benchmarks.separation ../shared/data --quick         # minutes, to see it work

Trains on dsb2018_fluo and counts, on its validation images, how often touching nuclei come out as one.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.timing import table
from napari_unet.arrays.axes import Plane
from napari_unet.arrays.contingency import contingency
from napari_unet.arrays.neighbours import ridge
from napari_unet.files.training_plots import write_figure
from napari_unet.models.prediction_to_labels import predict_map, read_map
from napari_unet.models.threshold_search import with_thresholds
from napari_unet.nets.prediction import Predictor
from napari_unet.progress import finish
from napari_unet.settings.instances import InstanceSettings
from napari_unet.settings.training import TrainingSettings
from napari_unet.settings.weights import WeightSettings
from napari_unet.training import Training

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
from recipes import NUCLEI_BORDERED, NUCLEI_PLAIN, load
from train_models import run

EVEN = WeightSettings.none()
WHOLE_CORES = InstanceSettings(min_size=20, min_core_share=1.0)
"""Cores are not divided again: the loss alone parts."""
FIGURES = ("merges / 100 touching", "AP@0.5", "AP@0.75", "splits / 100")


class WithoutRidge(Training):
    """A training whose instances touch: plain cross-entropy, as without the U-Net paper."""

    def _truth(self, labels: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        return (labels > 0).astype(np.int64), np.ones(labels.shape, np.float32)


@dataclass(frozen=True)
class Loss:
    """One way to teach that touching objects are two."""

    weights: WeightSettings
    border: bool = False
    training: type[Training] = Training


LOSSES = {
    "plain cross-entropy": Loss(EVEN, training=WithoutRidge),
    "ridge": Loss(EVEN),
    "ridge + border weights (paper)": Loss(WeightSettings.paper()),
    "ridge + Falk weights": Loss(WeightSettings.falk()),
    "ridge + border weights + border class": Loss(WeightSettings.paper(), border=True),
}


def figures(loss: Loss, data: Path, given: argparse.Namespace, seed: int) -> list[float]:
    """Train with one loss and return its figures on the validation images."""
    spec = replace(NUCLEI_BORDERED, levels=(0.0, 1.0, 0.5)) if loss.border else NUCLEI_PLAIN
    spec = replace(spec, instances=WHOLE_CORES)
    images, held = load(data, ("dsb2018_fluo",), spec)
    held = held[:: given.every]
    settings = TrainingSettings(
        iterations=given.iterations,
        patch=given.patch,
        seed=seed,
        validate_every=given.iterations,
        validation_images=1,
        weights=loss.weights,
    )
    training = loss.training(spec, images, held, settings)
    run(training, f"seed {seed}")
    model = finish(with_thresholds(training.model(), held[::2]))  # measured on other images than these
    rows = []
    predictor = Predictor(model.net)
    for image in tqdm(held[1::2], desc="measuring", leave=False):
        predicted = finish(predict_map(predictor, Plane.normalised(image.image, spec.axes), spec))
        found = finish(read_map(predicted, model.spec))
        pairs = contingency(found, image.labels)
        touching = np.isin(image.labels, np.unique(image.labels[ridge(image.labels)]))
        alone = contingency(found, np.where(touching, image.labels, 0))
        rows.append(
            (
                alone.merges_per_100() if alone.n_truth else np.nan,
                pairs.average_precision(0.5),
                pairs.average_precision(0.75),
                pairs.splits_per_100(),
            )
        )
    return [float(value) for value in np.nanmean(rows, axis=0)]


def main() -> None:
    """Print the table and draw it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--iterations", type=int, default=1000)
    parser.add_argument("--patch", type=int, default=192)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--every", type=int, default=1, help="take every so many-th validation image")
    parser.add_argument("--quick", action="store_true", help="150 iterations and few images")
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args()
    if given.quick:
        given.iterations, given.every = 150, 6
    rows, names = [], list(LOSSES)
    for name in names:
        every = [figures(LOSSES[name], given.data, given, seed) for seed in given.seeds]
        rows.append([name, *(float(value) for value in np.mean(every, axis=0))])
        print(rows[-1], flush=True)
    title = f"{given.iterations} iterations, {len(given.seeds)} seed(s)"
    print(table(f"Five losses, {title}", ["loss", *FIGURES], rows))
    if given.picture:
        draw(given.picture, rows)


def draw(path: Path, rows: list[list]) -> None:
    """Write merges and AP side by side."""
    figure = Figure(figsize=(8, 2.8), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    names = [row[0] for row in rows][::-1]
    left.barh(names, [row[1] for row in rows][::-1], color="tab:orange")
    left.set_xlabel("merges per 100 touching nuclei")
    right.barh(names, [row[2] for row in rows][::-1], color="tab:blue", alpha=0.5, label="AP@0.5")
    right.barh(names, [row[3] for row in rows][::-1], color="tab:blue", label="AP@0.75", height=0.4)
    figure.legend(frameon=False, loc="outside upper right", ncols=2, fontsize=8)
    right.set_xlabel("average precision")
    write_figure(path, figure)


if __name__ == "__main__":
    main()
