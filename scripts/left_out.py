"""Leave-one-kind-out: a model trained without one kind of image, and measured on that kind alone.

    python scripts/left_out.py ../shared/data nuclei --work runs/left_out --iterations 1500
    python scripts/left_out.py ../shared/data cells --quick        # minutes: shows that it works

Trains a network from nothing for every kind left out, and one on everything, in one phase of the recipe (the last
one if none is named) at a small budget; stops and goes on as often as you like. Prints AP@0.5 and mean AP (V_Rand
of membranes, thinned) on images of each kind that neither network has seen: all of them for the one, those that
validate for the other.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from data_sets import kind_of
from recipes import CELLS_DATA, EOSIN, RECIPES, Phase, even_chances, load
from train_models import run

from napari_unet import evaluate
from napari_unet.models.library import SHIPPED, load_model
from napari_unet.models.model import Model, load_model_file
from napari_unet.models.training_image import TrainingImage
from napari_unet.models.validation import evenly, segment_labelled
from napari_unet.progress import finish
from napari_unet.training import Training

LARGE_SIDE = 360
GROUND = 80
"""Percentile of each colour that the ground of stained tissue has."""
Kind = Callable[[TrainingImage], bool]


def of_set(name: str) -> Kind:
    """Return whether an image is of this data set."""
    return lambda image: image.name.startswith(name)


def is_large(image: TrainingImage) -> bool:
    """Whether an image is of the experiment with the largest nuclei, told by its size of 360 x 360 px."""
    return image.name.startswith("dsb2018_fluo") and image.labels.shape == (LARGE_SIDE, LARGE_SIDE)


def is_white(image: TrainingImage) -> bool:
    """Whether stained cells lie on a white ground."""
    _, green, blue = np.percentile(image.image.reshape(3, -1), GROUND, axis=1)
    return bool(green > 0.9 * blue)


def is_pink(image: TrainingImage) -> bool:
    """Whether eosin stains the tissue."""
    return image.name.split("/")[-1] in EOSIN


def of_kind(kind: str) -> Kind:
    """Return whether an image is of this kind, as the joint training counts them."""
    return lambda image: kind_of(image.name) == kind


ALL_KINDS = sorted({kind_of(f"{folder}/set{number}") for folder in CELLS_DATA for number in (1, 13)})
"""Of the joint training; set1 and set13 show the two kinds of phase contrast."""
QUICK_ITERATIONS, QUICK_IMAGES = 10, 2
MOST_IMAGES = 24
"""So many images of a kind are measured, evenly picked."""

KINDS: dict[str, dict[str, Kind]] = {
    "cells": {kind: of_kind(kind) for kind in ALL_KINDS},
    "nuclei": {
        "large nuclei (dsb2018_fluo, 360 x 360)": is_large,
        "20x, 16 bit (bbbc039_u2os_16bit)": of_set("bbbc039"),
        "dark nuclei in tissue (dsb2018_tissue_gray)": of_set("dsb2018_tissue"),
        "stained tissue in grey (dsb2018_histology)": of_set("dsb2018_histology"),
    },
    "nuclei-histology": {
        "pink ground (haematoxylin and eosin)": is_pink,
        "white ground (smears)": is_white,
    },
    "em-membranes": {
        "FIB-SEM, 10 nm (em3d_fib25)": of_set("em3d_fib25"),
        "serial sections, 4.6 nm (em_vnc_sstem)": of_set("em_vnc_sstem"),
    },
}


def train(name: str, phase: Phase, images: list[TrainingImage], iterations: int, work: Path) -> Model:
    """Train from nothing, or go on where it was stopped."""
    finished = work / "model.safetensors"
    if not finished.exists():
        work.mkdir(parents=True, exist_ok=True)
        settings = phase.settings.replace(iterations=iterations, validate_every=min(500, iterations))
        checkpoint, chances = work / "checkpoint.safetensors", even_chances(images) if phase.evenly else None
        training = Training(phase.spec, images, [], settings, checkpoint=checkpoint, chances=chances)
        run(training, work.name)
        training.model().save(finished)
    model = load_model_file(finished)
    is_shipped = (SHIPPED / f"{name}.safetensors").exists()
    thresholds = load_model(name).spec.instances if is_shipped else phase.spec.instances
    seen_as_they_are = replace(model.spec, instances=thresholds, sizes=None)
    return replace(model, spec=seen_as_they_are)


def measure(model: Model, images: list[TrainingImage], most: int) -> str:
    """Return AP@0.5 and mean AP (V_Rand of membranes) of at most so many images, and how many they are."""
    if not images:
        return "none"
    images = evenly(images, most)
    membranes = model.spec.classes[0] == "membrane"
    scores = [evaluate(finish(segment_labelled(one, model)), one.labels, thin=membranes) for one in images]
    first = np.mean([one.average_precision[0.5] for one in scores])
    second = np.mean([one.v_rand if membranes else one.mean_average_precision for one in scores])
    return f"{first:.3f} / {second:.3f} ({len(images)})"


def main() -> None:
    """Train all, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("name", choices=list(KINDS))
    parser.add_argument("--work", type=Path, default=Path("runs/left_out"))
    parser.add_argument("--iterations", type=int, default=1500)
    parser.add_argument("--phase", type=int, default=0, help="number of the phase, from 1; 0 is the last")
    parser.add_argument("--most", type=int, default=MOST_IMAGES, help="how many images of a kind are measured")
    parser.add_argument("--quick", action="store_true", help="a few iterations and images only")
    given = parser.parse_args()
    if given.quick:
        given.iterations, given.most = QUICK_ITERATIONS, QUICK_IMAGES
    phase = RECIPES[given.name].phases[given.phase - 1]
    work = given.work / f"{given.name}-phase{given.phase}-{given.iterations}"
    learnt, kept = load(given.data, phase.data, phase.spec)
    everything = train(given.name, phase, learnt, given.iterations, work / "everything")
    print("| kind | never seen | validation images, never seen | validation images, kind seen |")
    print("|---|---|---|---|")
    for number, (kind, is_kind) in enumerate(KINDS[given.name].items()):
        if not any(is_kind(image) for image in learnt):  # this phase never saw it
            continue
        others = [image for image in learnt if not is_kind(image)]
        model = train(given.name, phase, others, given.iterations, work / f"without-{number}")
        all_of_it = {image.name: image for image in [*learnt, *kept] if is_kind(image)}
        validating = [image for image in kept if is_kind(image)]
        row = [kind, *(measure(model, some, given.most) for some in (list(all_of_it.values()), validating))]
        print("| " + " | ".join([*row, measure(everything, validating, given.most)]) + " |", flush=True)


if __name__ == "__main__":
    main()
