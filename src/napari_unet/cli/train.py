"""`napari-unet train`: a folder of densely labelled images gives a model file."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_unet.cli.common import Subparsers, with_bar
from napari_unet.errors import UnetError
from napari_unet.evaluation import pair_files
from napari_unet.files.images import read_image, read_labels
from napari_unet.models.library import load_model
from napari_unet.models.model import Model
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.architectures import build_net
from napari_unet.nets.vgg16 import Vgg16UNet, read_public_weights
from napari_unet.training import LabelledImage, Training, TrainingSettings, labelled_images


def add(commands: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "train",
        help="train a model from labelled images",
        description="FOLDER holds images/ and labels/ with the same names. The training can be stopped with "
        "Ctrl-C, which keeps the best weights, and goes on when the same command is given again.",
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--output", required=True, type=Path, help="the .safetensors file to write")
    parser.add_argument("--preset", choices=("modern", "paper"), default="modern", help="recipe (default: modern)")
    parser.add_argument(
        "--architecture", choices=("classic", "padded", "vgg16"), help="default: padded, paper: classic"
    )
    parser.add_argument("--base-channels", type=int, help="width of the first level (default: 16)")
    parser.add_argument("--channels", type=int, default=1, help="channels of the images (default: 1)")
    parser.add_argument("--levels", type=int, default=4, help="how often the resolution is halved (default: 4)")
    parser.add_argument("--iterations", type=int, help="optimiser steps (default: 4000)")
    parser.add_argument("--batch", type=int, help="patches per step")
    parser.add_argument("--patch", type=int, help="side of a patch in pixels")
    parser.add_argument("--start", help="start from this model instead of from nothing")
    parser.add_argument("--encoder", type=Path, help="file with public VGG16 weights, for --architecture vgg16")
    parser.add_argument("--validation", type=float, default=0.15, help="share of images held out (default: 0.15)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps or xpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Train and write the best model; Ctrl-C keeps it too."""
    if given.output.suffix != ".safetensors":
        raise UnetError(f"--output must end with .safetensors, got {given.output.name!r}")
    if not given.output.parent.is_dir():
        raise UnetError(f"the folder {given.output.parent} does not exist: make it first")
    settings = training_settings(given)
    start = load_model(given.start) if given.start else None
    spec = start_spec(given, start)
    training_images, validation_images = split(load_folder(given.folder, spec), given.validation)
    net = start.net if start else build_net(spec.architecture, spec.arguments)
    if given.encoder is not None:
        if not isinstance(net, Vgg16UNet):
            raise UnetError(f"--encoder takes VGG16 weights: use --architecture vgg16, not {spec.architecture}")
        net.load_public_weights(read_public_weights(given.encoder))
    checkpoint = given.output.with_name(f".{given.output.stem}-checkpoint.safetensors")
    training = Training(
        spec,
        training_images,
        validation_images,
        settings,
        net=net,
        checkpoint=checkpoint,
    )
    try:
        model = with_bar(training.steps(), "Training")
    except KeyboardInterrupt:
        print("Stopped: keeping the best weights so far. The same command goes on.", file=sys.stderr)
        training.save_checkpoint()
        saved = training.model().save(given.output)
    else:
        saved = model.save(given.output)
        training.forget_checkpoint()
    score = saved.spec.training.get("validation_score")
    print(f"{given.output}: validation mean AP {score}" if score is not None else f"{given.output}")
    return 0


def training_settings(given: argparse.Namespace) -> TrainingSettings:
    """Return the preset with what was said on the command line in its place."""
    preset = TrainingSettings.paper() if given.preset == "paper" else TrainingSettings()
    said: dict[str, Any] = {name: getattr(given, name) for name in ("iterations", "batch", "patch")}
    chosen = {name: value for name, value in said.items() if value is not None}
    return replace(preset, seed=given.seed, device=given.device, **chosen)


def start_spec(given: argparse.Namespace, start: Model | None) -> ModelSpec:
    """Return what the new model will be."""
    if start is not None:
        return replace(
            start.spec, name=given.output.stem, parent=start.sha256, training={"data": given.folder.name}
        )
    paper = given.preset == "paper"
    return ModelSpec(
        name=given.output.stem,
        architecture=given.architecture or ("classic" if paper else "padded"),
        arguments={
            "in_channels": given.channels,
            "out_channels": 2,
            "base_channels": given.base_channels or (64 if paper else 16),
            "levels": given.levels,
            "dropout": 0.5 if paper else 0.0,
        },
        rotations=paper,
        training={"data": given.folder.name, "preset": given.preset},
    )


def load_folder(folder: Path, spec: ModelSpec) -> list[list[LabelledImage]]:
    """Return the planes of every labelled image of the folder."""
    for part in ("images", "labels"):
        if not (folder / part).is_dir():
            raise UnetError(f"{folder} must hold the folders images and labels; {part} is missing")
    loaded = []
    for label_path, image_path in pair_files(folder / "labels", folder / "images"):
        image, labels = read_image(image_path), read_labels(label_path)
        loaded.append(labelled_images(image_path.name, image.array, labels.array, spec, axes=image.axes))
    return loaded


def split(images: list[list[LabelledImage]], share: float) -> tuple[list[LabelledImage], list[LabelledImage]]:
    """Hold out whole images, evenly spread over the sorted names; none where there is only one."""
    if not 0 <= share < 1:
        raise UnetError(f"--validation must lie in 0..1, got {share}")
    count = min(len(images) - 1, max(1, round(share * len(images)))) if share else 0
    held = {round((position + 0.5) * len(images) / count) % len(images) for position in range(count)}
    training = [plane for number, planes in enumerate(images) if number not in held for plane in planes]
    validation = [plane for number in sorted(held) for plane in images[number]]
    return training, validation
