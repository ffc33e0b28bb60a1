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
from napari_unet.arrays.boundary_weights import WeightSettings
from napari_unet.arrays.instances import InstanceSettings, label_instances
from napari_unet.arrays.metrics import THRESHOLDS, contingency
from napari_unet.models.model import Model
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.augmentation import AugmentationSettings
from napari_unet.nets.optimization import OptimizationSettings
from napari_unet.nets.prediction import Predictor, predict
from napari_unet.nets.unet import UNet
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
    training={"data": "dsb2018_fluo (BBBC038v1, Caicedo et al. 2019, CC0)", "replay": "nuclei_replay"},
)
REPLAY_CROPS, REPLAY_SIDE = 24, 128
PHASES = (
    # the paper's weight map first: it teaches ridges fast, but cracks open in bright nuclei too
    TrainingSettings(iterations=6000, validate_every=500),
    # then gentler border weights on background alone, which close the cracks again
    TrainingSettings(
        iterations=2600,
        validate_every=260,
        weights=WeightSettings(w0=5, sigma=5, border_inside=False),
        augmentation=AugmentationSettings(scale=(0.55, 1.8), contrast=(0.45, 1.3)),
        optimization=OptimizationSettings(learning_rate=1.5e-3),
    ),
)


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


def train(data: Path, work: Path, seed: int) -> Training:
    """Train through all phases, or go on where it was stopped, with a checkpoint a phase in `work`."""
    training_images, validation_images = load(data / "dsb2018_fluo")
    print(f"{len(training_images)} training, {len(validation_images)} validation images", flush=True)
    work.mkdir(parents=True, exist_ok=True)
    net: UNet | None = None
    for number, phase in enumerate(PHASES, start=1):
        training = Training(
            SPEC,
            training_images,
            validation_images,
            replace(phase, seed=seed),
            net=net,
            checkpoint=work / f"phase{number}.safetensors",
        )
        run(training, f"phase {number}")
        (work / f"history{number}.json").write_text(json.dumps(training.history))
        net = training.optimization.averaged
    return training


def run(training: Training, title: str) -> None:
    """Run one phase to its end under a bar."""
    bar = tqdm(
        desc=title, total=training.settings.iterations, initial=training.optimization.iteration, mininterval=10
    )
    for progress in training.steps():
        if progress.doing == "Training":
            bar.update(progress.done - bar.n)
            bar.set_postfix({name: f"{value:.3f}" for name, value in progress.figures.items()}, refresh=False)


def choose_thresholds(model: Model, images: list[LabelledImage]) -> tuple[InstanceSettings, float, float]:
    """Return the thresholds whose AP@0.5 and mean AP are together best on these images, and both figures."""
    predictor = Predictor(model.net)
    maps = [finish(predict(predictor, as_plane(image)))[0] for image in images]
    scores = {}
    for seed, mask, size in itertools.product(
        (0.5, 0.6, 0.7, 0.8), (0.4, 0.5, 0.55, 0.6, 0.65, 0.7), (15, 20, 30)
    ):
        if mask <= seed:
            settings = InstanceSettings(seed=seed, mask=mask, minimum_size=size)
            scores[settings] = np.mean([score(m, i, settings) for m, i in zip(maps, images, strict=True)], axis=0)
    best = max(scores, key=lambda settings: scores[settings].sum())
    return best, *(float(value) for value in scores[best])


def as_plane(image: LabelledImage) -> Plane:
    """Return a training image, which is normalised already, as a network reads it."""
    return Plane(array=image.image, axes="CYX", index={}, spatial="YX", channels=len(image.image))


def score(probability: NDArray[np.uint8], image: LabelledImage, settings: InstanceSettings) -> tuple[float, float]:
    """Return AP@0.5 and the mean AP 0.5..0.95 of one image."""
    pairs = contingency(finish(label_instances(probability, settings)), image.labels)
    figures = [pairs.average_precision(threshold) for threshold in THRESHOLDS]
    return figures[0], float(np.mean(figures))


def write_replay(images: list[LabelledImage], path: Path) -> None:
    """Write a few crops of training images, which fine-tuning mixes in so that old skills stay."""
    rng = np.random.default_rng(0)
    crops, labels = [], []
    for number in rng.permutation(len(images))[:REPLAY_CROPS]:
        image = images[number]
        rows, columns = (int(rng.integers(0, length - REPLAY_SIDE + 1)) for length in image.labels.shape)
        part = (slice(rows, rows + REPLAY_SIDE), slice(columns, columns + REPLAY_SIDE))
        crops.append((image.image[(0, *part)].clip(0, 1) * 255).round().astype(np.uint8))
        labels.append(image.labels[part].astype(np.uint16))
    np.savez_compressed(path, images=np.stack(crops), labels=np.stack(labels))


def main() -> None:
    """Train, choose thresholds, write the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, default=Path("runs/nuclei"))
    parser.add_argument("--output", type=Path, default=SHIPPED)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    training = train(given.data, given.work, given.seed)
    print(np.round([entry["score"] for entry in training.history], 3))
    finish_model(training.model(), given.data, given.output)


def finish_model(model: Model, data: Path, output: Path) -> None:
    """Choose the thresholds and write model and replay crops into the package."""
    training_images, validation_images = load(data / "dsb2018_fluo")
    thresholds, ap, mean_ap = choose_thresholds(model, validation_images)
    print(f"{thresholds}: AP@0.5 {ap:.4f}, mean AP {mean_ap:.4f} on {len(validation_images)} validation images")
    figures = {
        **model.spec.training,
        "phases": [phase.iterations for phase in PHASES],
        "validation_AP50": round(ap, 4),
        "validation_mean_AP": round(mean_ap, 4),
        "validation_images": len(validation_images),
    }
    spec = replace(model.spec, instances=thresholds, training=figures)
    output.mkdir(parents=True, exist_ok=True)
    replace(model, spec=spec).save(output / f"{spec.name}.safetensors")
    write_replay(training_images, output / f"{spec.training['replay']}.npz")


if __name__ == "__main__":
    main()
