"""Train the shipped `nuclei` model from the data pack; stops and goes on as often as you like.

    python scripts/train_nuclei.py ../shared/data --work runs/nuclei

Writes checkpoints into --work and, at the end, the model with its thresholds and figures into the package.
The split is fixed: an image validates if the first 8 hexadecimal digits of its name are divisible by 7.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from skimage.io import imread
from tqdm import tqdm

from napari_unet.models.spec import ModelSpec
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


def main() -> None:
    """Train and write the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, default=Path("runs/nuclei"))
    parser.add_argument("--output", type=Path, default=SHIPPED)
    parser.add_argument("--iterations", type=int, default=SETTINGS.iterations)
    parser.add_argument("--seed", type=int, default=SETTINGS.seed)
    given = parser.parse_args()
    training = train(given.data, given.work, replace(SETTINGS, iterations=given.iterations, seed=given.seed))
    print(np.round([entry["score"] for entry in training.history], 3))


if __name__ == "__main__":
    main()
