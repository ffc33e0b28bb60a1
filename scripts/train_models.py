"""Train the shipped models from the data pack; stops and goes on as often as you like.

    python scripts/train_models.py ../shared/data --work runs           # all, one after another
    python scripts/train_models.py ../shared/data nuclei --work runs    # one
    python scripts/train_models.py ../shared/data cells --work runs --end   # ends the phase where it stands

Writes checkpoints into --work and, at the end of each, the model with its thresholds and figures into the
package. Data, split and settings are in recipes.py.
"""

from __future__ import annotations

import argparse
import copy
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from data_sets import kind_of
from numpy.typing import NDArray
from recipes import RECIPES, Phase, Recipe, even_chances, load
from tqdm import tqdm

from napari_unet.arrays.axes import Plane
from napari_unet.arrays.contingency import contingency
from napari_unet.arrays.metrics import THRESHOLDS, mean_class_iou
from napari_unet.arrays.neighbours import ridge
from napari_unet.models.library import SHIPPED, load_model
from napari_unet.models.model import Model, load_model_file
from napari_unet.models.prediction_to_labels import predict_map, read_map
from napari_unet.models.threshold_search import with_thresholds
from napari_unet.models.training_image import TrainingImage
from napari_unet.models.validation import evenly
from napari_unet.nets.architectures import build_net
from napari_unet.nets.prediction import Predictor
from napari_unet.nets.unet import UNet
from napari_unet.progress import finish
from napari_unet.settings.prediction import PredictionSettings
from napari_unet.training import Training

REPLAY_CROPS, REPLAY_CROWDED, REPLAY_SIDE, REPLAY_TRIES = 24, 16, 128, 6
CROWDED_RIDGE = 60
BRIGHTEST = 2.0
FEW = 5
CHECKPOINT_EVERY = 100
"""Iterations, a minute or two, that an interruption may cost."""


def train(recipe: Recipe, data: Path, work: Path, seed: int, *, end: bool = False) -> Model:
    """Train through all phases, or go on where it was stopped; finished phases lie in `work` as models.

    `end` takes the running average of the phase that was stopped as it stands; the model says how far it came.
    """
    work.mkdir(parents=True, exist_ok=True)
    model = load_model(recipe.parent) if recipe.parent else None
    learnt: list[Model] = []
    for number, phase in enumerate(recipe.phases, start=1):
        finished = work / f"phase{number}-model.safetensors"
        if not finished.exists():
            training = make_training(phase, data, model, work / f"phase{number}.safetensors", seed)
            if not end:
                run(training, f"{phase.spec.name} {number}")
            (work / f"history{number}.json").write_text(json.dumps(training.history))
            training.model().save(finished)
        model = load_model_file(finished)
        learnt.append(model)
    return average(learnt[-recipe.averaged :])


def average(models: list[Model]) -> Model:
    """Return the last of some models of one network with the mean of all their weights."""
    states = [model.net.state_dict() for model in models]
    mean = {name: torch.stack([one[name].float() for one in states]).mean(0) for name in states[0]}
    net = copy.deepcopy(models[-1].net)
    net.load_state_dict({name: value.to(states[0][name].dtype) for name, value in mean.items()})
    return replace(models[-1], net=net)


def make_training(phase: Phase, data: Path, before: Model | None, checkpoint: Path, seed: int) -> Training:
    """Return the training of one phase, from the weights of the model before it."""
    training_images, validation_images = load(data, phase.data, phase.spec)
    print(f"{len(training_images)} training, {len(validation_images)} validation images", flush=True)
    return Training(
        phase.spec,
        training_images,
        validation_images,
        phase.settings.replace(seed=seed),
        net=None if before is None else inherit(phase, before.net, seed),
        checkpoint=checkpoint,
        chances=even_chances(training_images) if phase.evenly else None,
    )


def inherit(phase: Phase, before: UNet, seed: int) -> UNet:
    """Return the network of a phase with the weights of the former one; a new class begins as their mean."""
    torch.manual_seed(seed)
    net = build_net(phase.spec.architecture, phase.spec.arguments)
    weights, wanted = before.state_dict(), net.state_dict()
    for name, value in weights.items():
        if value.shape != wanted[name].shape:
            assert len(wanted[name]) == len(value) + 1, name
            weights[name] = torch.cat([value, value.mean(0, keepdim=True)])
    net.load_state_dict(weights)
    return net


def run(training: Training, title: str) -> None:
    """Run one phase to its end under a bar."""
    bar = tqdm(
        desc=title, total=training.settings.iterations, initial=training.optimization.iteration, mininterval=10
    )
    for progress in training.steps():
        if progress.doing == "Training":
            bar.update(progress.done - bar.n)
            bar.set_postfix({name: f"{value:.3f}" for name, value in progress.figures.items()}, refresh=False)
            if progress.done % CHECKPOINT_EVERY == 0:
                training.save_checkpoint()


def figures_of(model: Model, images: list[TrainingImage]) -> dict[str, float]:
    """Return the figures of a model: AP@0.5, mean AP and V_Rand of instances, the mean IoU of classes."""
    predictor = Predictor(model.net, PredictionSettings(rotations=model.spec.rotations))
    maps = [
        finish(predict_map(predictor, Plane.normalised(image.image, model.spec.axes), model.spec))
        for image in images
    ]
    if model.spec.is_semantic:
        iou = np.mean([mean_class_iou(m, i.labels) for m, i in zip(maps, images, strict=True)])
        return {"mean_IoU": round(float(iou), 4)}
    found = [finish(read_map(m, model.spec)) for m in maps]
    mean = np.mean([score(f, i) for f, i in zip(found, images, strict=True)], axis=0)
    return {name: round(float(value), 4) for name, value in zip(("AP50", "mean_AP", "V_Rand"), mean, strict=True)}


def few_of_each_kind(images: list[TrainingImage]) -> list[TrainingImage]:
    """Return at most `FEW` images of each kind, so that no kind decides for all."""
    kinds = sorted({kind_of(image.name) for image in images})
    return [image for kind in kinds for image in evenly([i for i in images if kind_of(i.name) == kind], FEW)]


def score(labels: NDArray[np.int32], image: TrainingImage) -> tuple[float, float, float]:
    """Return AP@0.5, the mean AP 0.5..0.95 and V_Rand of one image."""
    pairs = contingency(labels, image.labels)
    figures = [pairs.average_precision(threshold) for threshold in THRESHOLDS]
    return figures[0], float(np.mean(figures)), pairs.v_rand()


def write_replay(model: Model, images: list[TrainingImage], path: Path) -> None:
    """Write a few crops of training images and the model's answers, by which fine-tuning keeps old skills.

    Most are crowded: gaps between touching objects are what a network forgets first.
    """
    rng = np.random.default_rng(0)
    crops = [crop for image in images for crop in crowded_crops(image, rng, -(-REPLAY_CROPS // len(images)))]
    drawn = [int(n) for n in rng.permutation(len(crops))]
    crowded = [n for n in drawn if np.count_nonzero(ridge(crops[n][1])) >= CROWDED_RIDGE][:REPLAY_CROWDED]
    chosen = [*crowded, *(n for n in drawn if n not in crowded)][:REPLAY_CROPS]
    brightest = max(float(crops[n][0].max()) for n in chosen)
    stored = [(crops[n][0] / brightest * 255).round().astype(np.uint8) for n in chosen]
    seen = torch.from_numpy(np.stack(stored).astype(np.float32) / 255 * brightest)
    with torch.inference_mode():
        answers = (torch.softmax(model.net(seen), 1) * 255).round().to(torch.uint8).numpy()
    np.savez_compressed(path, images=np.stack(stored), brightest=brightest, answers=answers)


def crowded_crops(
    image: TrainingImage, rng: np.random.Generator, count: int
) -> list[tuple[NDArray[np.float32], NDArray[np.int32]]]:
    """Return crops (image (C, *side), labels), each with the longest ridge of a few drawn at random."""
    crops = []
    for _ in range(count):
        tried = []
        for _ in range(REPLAY_TRIES):
            corner = [int(rng.integers(0, length - REPLAY_SIDE + 1)) for length in image.labels.shape]
            tried.append(tuple(slice(start, start + REPLAY_SIDE) for start in corner))
        part = max(tried, key=lambda one: np.count_nonzero(ridge(image.labels[one])))
        crops.append((image.image[(slice(None), *part)].clip(0, BRIGHTEST), image.labels[part]))
    return crops


def finish_model(model: Model, recipe: Recipe, data: Path, output: Path) -> None:
    """Choose the thresholds and write model and replay crops into the package."""
    reached = model.spec.training.get("iterations")
    model = replace(model, spec=recipe.spec)
    training_images, validation_images = load(data, recipe.phases[-1].data, model.spec)
    if recipe.phases[-1].evenly:
        validation_images = few_of_each_kind(validation_images)
    if recipe.thresholds is None:
        model = finish(with_thresholds(model, validation_images))
    else:
        model = replace(model, spec=replace(model.spec, instances=recipe.thresholds))
    first = [image for image in validation_images if image.name.startswith(recipe.phases[-1].data[0])]
    figures = figures_of(model, first)
    print(f"{model.spec.name}: {model.spec.instances}: {figures} on {len(first)} validation images")
    replay = f"{recipe.spec.name}_replay"
    noted = {
        **recipe.spec.training,
        "replay": replay,
        "phases": [phase.settings.iterations for phase in recipe.phases],
        "iterations": reached,
        "validation": figures,
        "validation_images": len(first),
    }
    spec = replace(model.spec, training=noted)
    output.mkdir(parents=True, exist_ok=True)
    replace(model, spec=spec).save(output / f"{spec.name}.safetensors")
    replayed = recipe.replayed or recipe.phases[-1].data
    old = [image for image in training_images if image.name.split("/")[0] in replayed]
    old = [image for image in old if min(image.labels.shape) >= REPLAY_SIDE]
    if recipe.phases[-1].evenly:
        old = few_of_each_kind(old)
    write_replay(model, old, output / f"{replay}.npz")


def main() -> None:
    """Train, choose thresholds, write the models."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("names", nargs="*", default=list(RECIPES), metavar="NAME")
    parser.add_argument("--work", type=Path, default=Path("runs"))
    parser.add_argument("--output", type=Path, default=SHIPPED)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--end", action="store_true", help="end the phase where it stands")
    given = parser.parse_args()
    for name in given.names:
        recipe = RECIPES[name]
        model = train(recipe, given.data, given.work / name, given.seed, end=given.end)
        finish_model(model, recipe, given.data, given.output)


if __name__ == "__main__":
    main()
