"""What a network should learn so that objects come apart: a border class, or the distance to the own edge.

    python -m benchmarks.targets ../shared/data                    # 1500 iterations, three seeds: hours on a CPU
    python -m benchmarks.targets ../shared/data --quick            # minutes, to see it work

Trains from nothing on dsb2018_fluo and bbbc039, chooses thresholds on validation images, and measures on whole
experiments that are held out. The ways, with networks of base 16 and 24:

- border: background, inside and border of instances, as the shipped models learn them;
- distance: background and inside, parted by a weighted ridge, and in another output the distance of each pixel of
  an instance to its edge, 0 at the edge to 1 in its middle (smooth L1). Seeds are the maxima of that distance.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import h_maxima
from skimage.segmentation import expand_labels, watershed
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from benchmarks.timing import table
from napari_unet.arrays.axes import Plane
from napari_unet.arrays.boundary_weights import carve, weight_map
from napari_unet.arrays.contingency import contingency
from napari_unet.arrays.neighbours import ridge
from napari_unet.models.prediction_to_labels import predict_map, read_map
from napari_unet.models.spec import ModelSpec
from napari_unet.models.training_image import TrainingImage, training_images_of
from napari_unet.models.validation import evenly
from napari_unet.nets.loss import weighted_cross_entropy
from napari_unet.nets.prediction import Predictor
from napari_unet.nets.seeding import seeded
from napari_unet.progress import finish
from napari_unet.settings.instances import InstanceSettings
from napari_unet.settings.training import TrainingSettings
from napari_unet.training import Training

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
from data_sets import held_out_experiments, pairs
from recipes import BORDERED, GENTLE, load, padded
from train_models import run

DATA = ("dsb2018_fluo", "bbbc039_u2os_16bit")
BORDER_THRESHOLDS = [
    InstanceSettings(core_threshold=core, edge_threshold=edge)
    for core, edge in product((0.5, 0.6, 0.7, 0.8), (0.3, 0.4, 0.5))
]
DISTANCE_THRESHOLDS = list(product((0.4, 0.5, 0.6), (0.05, 0.1, 0.2)))
"""Least probability of an instance, and by how much a maximum of the distance must stand out."""
MIN_SIZE = 16
BETA = 0.1
"""Where smooth L1 turns from square to linear: a tenth of the way from edge to middle."""
CHOOSING = 16
"""So many validation images choose the thresholds."""
Reader = Callable[[Training, TrainingImage, Any], NDArray[np.int32]]


def edge_distance(labels: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return the distance of each pixel (Y, X) to the edge of its instance, divided by the largest in there."""
    depth = ndimage.distance_transform_edt(carve(labels) > 0)
    most = ndimage.maximum(depth, labels, np.arange(labels.max(initial=0) + 1))
    deepest = np.maximum(np.asarray(most, np.float32)[labels], 1)
    return np.where(labels > 0, depth / deepest, 0).astype(np.float32)


def distance_loss(outputs: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Return the loss of outputs (N, 3, Y, X), two logits and a distance.

    target is (N, 2, Y, X), class and distance; weights (N, Y, X) count for the classes.
    """
    of_classes = weighted_cross_entropy(outputs[:, :2], target[:, 0].long(), weights)
    return of_classes + F.smooth_l1_loss(outputs[:, 2].float(), target[:, 1], beta=BETA)


class DistanceTraining(Training):
    """A training with the distance to the own edge in place of the border class."""

    def _truth(self, labels: NDArray[np.int32]) -> tuple[NDArray[Any], NDArray[np.float32]]:
        inside = (carve(labels) > 0).astype(np.float32)
        return np.stack([inside, edge_distance(labels)]), weight_map(labels, self.settings.weights)

    def _step(self, iteration: int) -> float:
        rng = np.random.default_rng((self.settings.seed, iteration))
        with seeded(int(rng.integers(2**31))):
            images, target, weights = self._batch(rng)
            return self.optimization.step(images, partial(distance_loss, target=target, weights=weights))


def read_border(training: Training, image: TrainingImage, thresholds: InstanceSettings) -> NDArray[np.int32]:
    """Return the instances that the border class parts."""
    plane, spec = Plane.normalised(image.image, training.spec.axes), training.spec
    return finish(read_map(finish(predict_map(Predictor(training.model().net), plane, spec)), spec, thresholds))


def read_distance(training: Training, image: TrainingImage, thresholds: tuple[float, float]) -> NDArray[np.int32]:
    """Return the instances around the maxima of the distance, grown down to the least probability."""
    least, height = thresholds
    with torch.inference_mode():
        outputs = training.optimization.averaged(torch.from_numpy(image.image)[None])[0]
    inside = torch.softmax(outputs[:2], 0)[1].numpy()
    distance = ndimage.gaussian_filter(outputs[2].clamp(0, 1).numpy(), 1)
    seeds, _ = ndimage.label(h_maxima(distance, height))
    found = watershed(-distance, seeds, mask=inside >= least)
    sizes = np.bincount(found.ravel())
    found[sizes[found] < MIN_SIZE] = 0
    grown = expand_labels(found, distance=1.5)
    return np.where((found == 0) & ridge(grown), grown, found).astype(np.int32)


WAYS: dict[str, tuple[type[Training], Reader, list[Any]]] = {
    "border": (Training, read_border, BORDER_THRESHOLDS),
    "distance": (DistanceTraining, read_distance, DISTANCE_THRESHOLDS),
}


def experiments(data: Path, spec: ModelSpec, every: int) -> list[TrainingImage]:
    """Return every so many-th image of the experiments that are held out."""
    found = []
    for folder in DATA:
        held = [one for one in pairs(data / folder) if one[0] in held_out_experiments(folder)]
        for name, image, labels in held[::every]:
            found += training_images_of(f"{folder}/{name}", image, labels, spec, axes="YX")
    return found


def precision(training: Training, read: Reader, images: list[TrainingImage], thresholds: Any) -> float:
    """Return the mean AP@0.5 of some images."""
    pairs_of = [contingency(read(training, one, thresholds), one.labels) for one in tqdm(images, leave=False)]
    return float(np.mean([one.average_precision(0.5) for one in pairs_of]))


def figures(way: str, base: int, seed: int, given: argparse.Namespace) -> list[float]:
    """Train one way; return AP@0.5 on validation images, by which thresholds are chosen, and on experiments."""
    kind, read, possible = WAYS[way]
    spec = ModelSpec(
        name=way,
        **padded(base_channels=base, out_channels=3),
        **BORDERED,
        classes=("background", "nucleus", "border"),
    )
    images, validation = load(given.data, DATA, spec)
    settings = TrainingSettings(
        iterations=given.iterations, patch=128, seed=seed, validate_every=given.iterations, weights=GENTLE
    )
    checkpoint = given.work / f"{way}-{base}-{seed}-{given.iterations}.safetensors"
    training = kind(spec, images, [], settings, checkpoint=checkpoint)
    run(training, checkpoint.stem)
    choosing = evenly(validation, given.choosing)
    scores = [precision(training, read, choosing, thresholds) for thresholds in possible]
    best = possible[int(np.argmax(scores))]
    return [max(scores), precision(training, read, experiments(given.data, spec, given.every), best)]


def main() -> None:
    """Print a row for every way, network and seed, then the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument(
        "--work", type=Path, default=Path("runs/targets"), help="checkpoints: goes on where it stopped"
    )
    parser.add_argument("--iterations", type=int, default=1500)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--bases", type=int, nargs="+", default=[16, 24])
    parser.add_argument("--quick", action="store_true", help="60 iterations, one seed, base 16, few images")
    given = parser.parse_args()
    given.every, given.choosing = 1, CHOOSING
    if given.quick:
        given.iterations, given.seeds, given.bases, given.every, given.choosing = 60, [0], [16], 6, 3
    given.work.mkdir(parents=True, exist_ok=True)
    rows = []
    for base, way in product(given.bases, WAYS):
        every = [figures(way, base, seed, given) for seed in given.seeds]
        for seed, (own, experiment) in zip(given.seeds, every, strict=True):
            rows.append([way, base, str(seed), own, experiment])
        rows.append([way, base, "mean", *(float(value) for value in np.mean(every, axis=0))])
        print(rows[-1], flush=True)
    heads = ["target", "base", "seed", "validation images", "held-out experiments"]
    print(table(f"AP@0.5 after {given.iterations} iterations", heads, rows))


if __name__ == "__main__":
    main()
