"""Train the shipped `nuclei` model from the data pack; stops and goes on as often as you like.

    python scripts/train_nuclei.py ../shared/data --work runs/nuclei

Writes checkpoints into --work and, at the end, the model with its thresholds and figures into the package.
The split is fixed: an image validates if the first 8 hexadecimal digits of its name are divisible by 7.
"""

from __future__ import annotations

import argparse
import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.io import imread
from tqdm import tqdm

from napari_unet.arrays.axes import Plane
from napari_unet.arrays.instances import InstanceSettings, label_instances
from napari_unet.arrays.metrics import THRESHOLDS, contingency
from napari_unet.models.model import Model
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.prediction import Predictor, predict
from napari_unet.progress import finish
from napari_unet.training import LabelledImage, Training, TrainingSettings, labelled_images

SHIPPED = Path(__file__).parents[1] / "src" / "napari_unet" / "models" / "shipped"

SPEC = ModelSpec(
    name="nuclei",
    architecture="padded",
    arguments={"in_channels": 1, "out_channels": 2, "base_channels": 16, "levels": 4},
    classes=("background", "nucleus"),
    description="Fluorescence nuclei (DAPI, Hoechst) of many cell types and magnifications, bright on dark.",
    licence="CC0-1.0",
    training={"data": "dsb2018_fluo (BBBC038v1, Caicedo et al. 2019, CC0)"},
)
SETTINGS = TrainingSettings(iterations=6000, batch=4, patch=256, seed=0, validate_every=500)


def is_validation(name: str) -> bool:
    """Whether an image of the pack validates: fixed by its name, about one in seven."""
    return int(name[:8], 16) % 7 == 0


def load(folder: Path) -> tuple[list[LabelledImage], list[LabelledImage]]:
    """Return (training, validation) images of the pack."""
    sets: tuple[list[LabelledImage], list[LabelledImage]] = ([], [])
    for path in sorted((folder / "images").glob("*.png")):
        labels = imread(folder / "labels" / path.name)
        planes = labelled_images(path.stem, imread(path), labels, SPEC, axes="YX")
        sets[is_validation(path.stem)].extend(planes)
    return sets


def train(data: Path, work: Path, settings: TrainingSettings) -> Training:
    """Train, or go on training, and keep a checkpoint in `work`."""
    training_images, validation_images = load(data / "dsb2018_fluo")
    print(f"{len(training_images)} training, {len(validation_images)} validation images", flush=True)
    work.mkdir(parents=True, exist_ok=True)
    training = Training(
        SPEC, training_images, validation_images, settings, checkpoint=work / "checkpoint.safetensors"
    )
    bar = tqdm(total=settings.iterations, initial=training.optimization.iteration, mininterval=10)
    for progress in training.steps():
        if progress.doing == "Training":
            bar.update(progress.done - bar.n)
            bar.set_postfix({name: f"{value:.3f}" for name, value in progress.figures.items()})
            if progress.done % 100 == 0:
                (work / "history.json").write_text(json.dumps(training.history))
    (work / "history.json").write_text(json.dumps(training.history))
    return training


def choose_thresholds(model: Model, images: list[LabelledImage]) -> tuple[InstanceSettings, float]:
    """Return the thresholds of the best mean AP on these images, and that mean AP."""
    predictor = Predictor(model.net)
    maps = [finish(predict(predictor, as_plane(image)))[0] for image in images]
    scores = {}
    for seed, mask, size in itertools.product((0.5, 0.6, 0.7, 0.8, 0.9), (0.3, 0.4, 0.5, 0.6), (10, 20, 30)):
        if mask <= seed:
            settings = InstanceSettings(seed=seed, mask=mask, minimum_size=size)
            scores[settings] = float(np.mean([score(m, i, settings) for m, i in zip(maps, images, strict=True)]))
    best = max(scores, key=lambda settings: scores[settings])
    return best, scores[best]


def as_plane(image: LabelledImage) -> Plane:
    """Return a training image, which is normalised already, as a network reads it."""
    return Plane(array=image.image, axes="CYX", index={}, spatial="YX", channels=len(image.image))


def score(probability: NDArray[np.uint8], image: LabelledImage, settings: InstanceSettings) -> float:
    """Return the mean AP 0.5..0.95 of one image."""
    pairs = contingency(finish(label_instances(probability, settings)), image.labels)
    return float(np.mean([pairs.average_precision(threshold) for threshold in THRESHOLDS]))


def main() -> None:
    """Train, choose thresholds, write the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, default=Path("runs/nuclei"))
    parser.add_argument("--output", type=Path, default=SHIPPED)
    parser.add_argument("--iterations", type=int, default=SETTINGS.iterations)
    parser.add_argument("--seed", type=int, default=SETTINGS.seed)
    given = parser.parse_args()
    training = train(given.data, given.work, replace(SETTINGS, iterations=given.iterations, seed=given.seed))
    print(np.round([entry["score"] for entry in training.history], 3))
    model = training.model()
    _, validation_images = load(given.data / "dsb2018_fluo")
    thresholds, mean_ap = choose_thresholds(model, validation_images)
    print(f"{thresholds}: mean AP {mean_ap:.4f} on {len(validation_images)} validation images")
    figures = {
        **model.spec.training,
        "validation_mean_AP": round(mean_ap, 4),
        "validation_images": len(validation_images),
    }
    spec = replace(model.spec, instances=thresholds, training=figures)
    given.output.mkdir(parents=True, exist_ok=True)
    replace(model, spec=spec).save(given.output / f"{spec.name}.safetensors")


if __name__ == "__main__":
    main()
