"""`napari-unet fine-tune`: painted images and a model give a better model."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_unet.arrays.annotations import dense, painted
from napari_unet.cli.common import Subparsers, with_bar
from napari_unet.errors import UnetError
from napari_unet.files.images import read_image, read_labels
from napari_unet.finetuning import FineTuningSettings, fine_tune_steps
from napari_unet.models.library import load_model


def add(commands: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "fine-tune",
        help="teach a model with painted images",
        description="ANNOTATION is a label image: 0 not annotated, 1 background, 2 and up one object each. "
        "About a fifth of the strokes is held out to measure what was gained.",
    )
    parser.add_argument("pairs", nargs="+", metavar="IMAGE ANNOTATION", type=Path)
    parser.add_argument("--model", default="nuclei", help="where to start (default: nuclei)")
    parser.add_argument("--output", required=True, type=Path, help="the .safetensors file to write")
    parser.add_argument("--axes", help="axes of the images, for example TCYX, where the files do not say")
    parser.add_argument("--seconds", type=float, help="time to learn (default: 30, unless --iterations is given)")
    parser.add_argument("--iterations", type=int, help="steps to learn")
    parser.add_argument("--dense", action="store_true", help="annotations are full truth: 0 is background")
    parser.add_argument(
        "--anchor", type=float, default=FineTuningSettings().anchor, help="0 lets go of the old model"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps or xpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Learn, say what was gained, and write the model if it became better."""
    if len(given.pairs) % 2:
        raise UnetError(f"images and annotations come in pairs, got {len(given.pairs)} files")
    if given.output.suffix != ".safetensors":
        raise UnetError(f"--output must end with .safetensors, got {given.output.name!r}")
    if not given.output.parent.is_dir():
        raise UnetError(f"the folder {given.output.parent} does not exist: make it first")
    model = load_model(given.model)
    pairs, axes = read_pairs(given)
    result = with_bar(fine_tune_steps(model, pairs, axes=axes, settings=settings_from(given)), "Learning")
    print(result.sentence())
    if not result.improved:
        print(f"{given.output} was not written.")
        return 0
    spec = replace(result.model.spec, name=given.output.stem)
    print(f"{replace(result.model, spec=spec).save(given.output).path}")
    return 0


def read_pairs(given: argparse.Namespace) -> tuple[list[tuple[Any, Any]], str]:
    """Return (image, annotation) pairs and the axes that all images share."""
    meaning = dense if given.dense else painted
    pairs, axes = [], ""
    for image_path, annotation_path in zip(given.pairs[::2], given.pairs[1::2], strict=True):
        image = read_image(image_path, axes=given.axes)
        if axes and image.axes != axes:
            raise UnetError(f"{image_path.name} has axes {image.axes}, the images before it {axes}: use --axes")
        axes = image.axes
        try:
            pairs.append((image.array, meaning(read_labels(annotation_path).array)))
        except UnetError as error:
            raise UnetError(f"{annotation_path.name}: {error}") from None
    return pairs, axes


def settings_from(given: argparse.Namespace) -> FineTuningSettings:
    """Return the settings; with --iterations alone time has no limit."""
    defaults = FineTuningSettings()
    seconds = given.seconds if given.seconds is not None or given.iterations is not None else defaults.seconds
    return replace(
        defaults,
        seconds=seconds,
        iterations=given.iterations or defaults.iterations,
        anchor=given.anchor,
        device=given.device,
        seed=given.seed,
    )
