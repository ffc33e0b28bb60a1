"""Leave-one-experiment-out: `nuclei` trained without one kind of image, and measured on that kind alone.

    python scripts/left_out.py ../shared/data --work runs/left_out --iterations 2000

Trains a network from nothing for every kind left out, and one on everything, in the last phase of the recipe at a
small budget; stops and goes on as often as you like. Prints AP@0.5 and mean AP on images of each kind that neither
network has seen: all of them for the one, those that validate for the other.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from recipes import NUCLEI_DATA, RECIPES, load
from train_models import run, score

from napari_unet.models.library import load_model
from napari_unet.models.model import Model, load_model_file
from napari_unet.progress import finish
from napari_unet.training import LabelledImage, Training, segment_labelled

LARGE_SIDE = 360


def is_large(image: LabelledImage) -> bool:
    """Whether an image is of the experiment with the largest nuclei, told by its size of 360 x 360 px."""
    return image.name.startswith("dsb2018_fluo") and image.labels.shape == (LARGE_SIDE, LARGE_SIDE)


KINDS: dict[str, Callable[[LabelledImage], bool]] = {
    "large nuclei (dsb2018_fluo, 360 x 360)": is_large,
    "20x, 16 bit (bbbc039_u2os_16bit)": lambda image: image.name.startswith("bbbc039"),
    "dark nuclei in tissue (dsb2018_tissue_gray)": lambda image: image.name.startswith("dsb2018_tissue"),
}


def train(images: list[LabelledImage], iterations: int, work: Path, title: str) -> Model:
    """Train from nothing, or go on where it was stopped."""
    finished = work / "model.safetensors"
    if not finished.exists():
        work.mkdir(parents=True, exist_ok=True)
        phase = RECIPES["nuclei"].phases[-1]
        settings = replace(phase.settings, iterations=iterations, validate_every=min(500, iterations))
        training = Training(phase.spec, images, [], settings, checkpoint=work / "checkpoint.safetensors")
        run(training, title)
        training.model().save(finished)
    shipped = load_model("nuclei").spec.instances
    model = load_model_file(finished)
    return replace(model, spec=replace(model.spec, instances=shipped))


def measure(model: Model, images: list[LabelledImage]) -> str:
    """Return AP@0.5 and mean AP of some images, and how many they are."""
    figures = [score(finish(segment_labelled(image, model)), image)[:2] for image in images]
    half, mean = np.mean(figures, axis=0)
    return f"{half:.3f} / {mean:.3f} ({len(images)})"


def main() -> None:
    """Train all, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, default=Path("runs/left_out"))
    parser.add_argument("--iterations", type=int, default=2000)
    given = parser.parse_args()
    learnt, kept = load(given.data, NUCLEI_DATA, RECIPES["nuclei"].spec)
    everything = train(learnt, given.iterations, given.work / "everything", "everything")
    print("| kind | never seen | validation images, never seen | validation images, kind seen |")
    print("|---|---|---|---|")
    for number, (name, is_kind) in enumerate(KINDS.items()):
        others = [image for image in learnt if not is_kind(image)]
        model = train(others, given.iterations, given.work / f"without-{number}", f"without {name}")
        all_of_it = [image for image in [*learnt, *kept] if is_kind(image)]
        validating = [image for image in kept if is_kind(image)]
        row = [name, measure(model, all_of_it), measure(model, validating), measure(everything, validating)]
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
