"""`napari-unet train`: a folder of densely labelled images gives a model file."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from napari_unet.arrays.channels import COLOURS
from napari_unet.arrays.contingency import contingency
from napari_unet.arrays.membranes import thinned
from napari_unet.arrays.normalization import Compress, Normalization
from napari_unet.cli.common import (
    StoppedBetweenSteps,
    named_path,
    require_model_place,
    stop_between_steps,
    with_bar,
)
from napari_unet.cli.network import named_inputs, network_settings
from napari_unet.cli.options import add_settings
from napari_unet.cli.output import complain, say
from napari_unet.cli.training_folder import folder_images, load_folder, read_truths, spacing_of, split
from napari_unet.cli.training_pairs import image_spec, load_pairs, psnr_before
from napari_unet.errors import UnetError
from napari_unet.files.atomic import require_writable, temporary_output_folder
from napari_unet.files.same_file import refuse_overwriting
from napari_unet.files.training_plots import write_curve, write_montage
from napari_unet.image_training import ImageTraining
from napari_unet.models.class_marks import class_names, marks_of
from napari_unet.models.fresh import facts_of, plan_arguments
from napari_unet.models.library import load_model, model_file
from napari_unet.models.model import Model
from napari_unet.models.spec import ModelSpec
from napari_unet.models.threshold_search import with_thresholds
from napari_unet.models.training_image import TrainingImage
from napari_unet.models.validation import segment_labelled
from napari_unet.nets.architectures import build_net
from napari_unet.nets.unet import UNet
from napari_unet.nets.vgg16 import Vgg16UNet, read_public_weights
from napari_unet.progress import finish
from napari_unet.settings.base import Where, options
from napari_unet.settings.channels import parse_channels
from napari_unet.settings.network import NetworkSettings
from napari_unet.settings.offered import changes
from napari_unet.settings.training import TrainingSettings
from napari_unet.training import BEST, Training

COMMAND: Where = "train"
MONTAGE_ROWS = 3
CURVE, MONTAGE = "loss_curve.png", "montage.png"
OF_TRUTH: dict[str, Callable[[int, tuple[str, ...]], dict[str, Any]]] = {
    "objects": lambda _count, _marks: {},
    "membranes": lambda _count, _marks: {"classes": ("membrane", "object")},
    "classes": lambda count, marks: {
        "classes": class_names(count, marks),
        "class_marks": marks_of(count, marks),
        "levels": (),
    },
}

GO_ON = "The same command goes on."
STOPPED = 130
"""Exit code of what was stopped before there was anything to keep."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = (
        "FOLDER holds images/ and labels/ with the same names. The training can be stopped with "
        "Ctrl-C, which keeps the best weights, and goes on when the same command is given again."
    )
    parser.add_argument("folder", type=named_path)
    parser.add_argument("--output", required=True, type=named_path, help="the .safetensors file to write")
    parser.add_argument(
        "--preset",
        choices=("modern", "paper", "em"),
        default="modern",
        help="recipe (default: modern); em: few sections, 40 epochs, batch 1",
    )
    parser.add_argument("--labels", default="labels", help="the folder with the labels (default: labels)")
    parser.add_argument(
        "--truth",
        choices=("objects", "membranes", "classes", "images"),
        default="objects",
        help="what labels are: an id an object; membranes that part objects (not 0); a value or colour a class; "
        "images to be made of the images",
    )
    parser.add_argument("--maps-to", help="what the images show that are learnt, kept in the model: denoised, say")
    parser.add_argument(
        "--validate", nargs="+", metavar="NAME", help="names of the images to hold out, instead of a share"
    )
    parser.add_argument(
        "--report", type=named_path, help="folder for the loss curve and pictures of held-out images"
    )
    parser.add_argument(
        "--channel",
        type=parse_channels,
        help="which channels to learn, by number from 0 or by name, where images have others too: 1 or DAPI,actin",
    )
    parser.add_argument(
        "--inputs",
        help="what the channels show, a name each: 'cells, nuclei (optional)'; the optional may be left out later",
    )
    parser.add_argument("--start", help="start from this model instead of from nothing")
    parser.add_argument(
        "--encoder", type=named_path, help="file with public VGG16 weights, for --architecture vgg16"
    )
    parser.add_argument("--validation", type=float, default=0.15, help="share of images held out (default: 0.15)")
    add_settings(parser, NetworkSettings, COMMAND)
    add_settings(parser, TrainingSettings, COMMAND)
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Train and write the best model; Ctrl-C keeps it too."""
    require_model_place(given.output)
    checkpoint = checkpoint_file(given.output)
    models = [(model_file(given.start) if given.start else None, "the model to start from")]
    written = (given.output, checkpoint, checkpoint.with_name(checkpoint.stem + BEST))
    refuse_overwriting(
        [*models, (given.encoder, "the file of --encoder")], [(path, "--output") for path in written]
    )
    with temporary_output_folder(given.report):
        if given.report is not None:
            images = folder_images(given)
            for name in (CURVE, MONTAGE):
                refuse_overwriting(images, [(given.report / name, "--report")])
                require_writable(given.report / name)
        return train(given)


def train(given: argparse.Namespace) -> int:
    """Read, train, write; return the exit code."""
    start = load_model(given.start) if given.start else None
    known = start.spec.class_marks if start else ()
    if given.truth == "images":
        spec, loaded = load_pairs(given, start_spec(given, start, 1))
    else:
        truths, marks = read_truths(given, start.spec.axes if start else network_settings(given).axes, known)
        classes = 1 + max(int(labels.max()) for labels in truths.values()) if given.truth == "classes" else 2
        wanted = start_spec(given, start, classes, marks, list(truths))
        spec, loaded = load_folder(truths, wanted, given.channel)
    training_images, validation_images = split(loaded, given)
    settings = training_settings(given, training_images)
    net = starting_net(given, start, spec, settings.seed)
    checkpoint = checkpoint_file(given.output)
    training = (ImageTraining if spec.gives_image else Training)(
        spec, training_images, validation_images, settings, net=net, checkpoint=checkpoint
    )
    saved = learnt(training, validation_images, given.output)
    if saved is None:
        return STOPPED
    score = saved.spec.training.get("validation_score")
    name = "PSNR in dB" if spec.gives_image else "mean IoU" if spec.is_semantic else "mean AP"
    before = psnr_before(validation_images) if spec.gives_image and not spec.output_range else None
    beside = f", of the images as they are {before:.2f}" if before is not None else ""
    say(f"{given.output}: validation {name} {score}{beside}" if score is not None else f"{given.output}")
    if given.report is not None:
        report(given.report, training, validation_images, saved, name)
    return 0


def checkpoint_file(output: Path) -> Path:
    """Return where a training that is interrupted is kept until it goes on."""
    return output.with_name(f".{output.stem}-checkpoint.safetensors")


def learnt(training: Training, validation: list[TrainingImage], output: Path) -> Model | None:
    """Train, choose thresholds, write the model; None where Ctrl-C came before anything was validated."""
    try:
        model = with_bar(stop_between_steps(training.steps()), "Training")
    except KeyboardInterrupt as stopped:
        if isinstance(stopped, StoppedBetweenSteps):  # else a step is half done, and the last checkpoint is not
            training.save_checkpoint()
        if not training.best.weights:
            complain(f"Stopped before the first validation: {output.name} was not written. {GO_ON}")
            return None
        complain(f"Stopped: keeping the best weights so far. {GO_ON}")
        return training.model().save(output)
    saved = with_bar(with_thresholds(model, validation, training.settings.device), "Thresholds").save(output)
    training.forget_checkpoint()
    return saved


def starting_net(given: argparse.Namespace, start: Model | None, spec: ModelSpec, seed: int) -> UNet:
    """Return the network that training starts from, with a public encoder where one is given."""
    torch.manual_seed(seed)
    net = start.net if start else build_net(spec.architecture, spec.arguments)
    if given.encoder is not None:
        if not isinstance(net, Vgg16UNet):
            raise UnetError(f"--encoder takes VGG16 weights: use --architecture vgg16, not {spec.architecture}")
        net.load_public_weights(read_public_weights(given.encoder))
    return net


def report(folder: Path, training: Training, images: list[TrainingImage], model: Model, score: str) -> None:
    """Write the loss curve and a montage of held-out images, and print how well the objects are parted."""
    if training.history:
        write_curve(folder / CURVE, training.history, f"validation {score}")
    rows, figures = [], []
    for image in [] if model.spec.gives_image else images[:MONTAGE_ROWS]:
        labels = finish(segment_labelled(image, model))
        rows.append((image.name, image.image[0], image.labels, labels))
        figures.append(contingency(thinned(labels, dims=labels.ndim), image.labels).v_rand())
    if rows:
        write_montage(folder / MONTAGE, rows)
        if not model.spec.is_semantic:
            say(f"V_Rand of {len(rows)} held-out images, borders thinned: {sum(figures) / len(figures):.4f}")
    say(f"Pictures are in {folder}")


def refuse_other_networks(given: argparse.Namespace, start: Model, classes: int) -> None:
    """Refuse a model to start from that tells something else than the labels do, or is asked to be another."""
    for name, option in options(NetworkSettings).items():
        if getattr(given, name) is not None:
            raise UnetError(
                f"{option.argument} is for a new network, but --start gives one: leave one of them out"
            )
    if start.spec.gives_image != (given.truth == "images"):
        what = "images: give --truth images" if start.spec.gives_image else "labels: leave --truth images out"
        raise UnetError(f"{start.spec.name} gives {what}, or leave --start out")
    if start.spec.is_semantic != (given.truth == "classes"):
        what = "classes: give --truth classes" if start.spec.is_semantic else "objects: give --truth objects"
        raise UnetError(f"{start.spec.name} tells {what}, or leave --start out")
    if start.spec.is_semantic and classes > len(start.spec.classes):
        raise UnetError(
            f"the labels hold {classes} classes and {start.spec.name} knows {len(start.spec.classes)}: "
            "leave --start out"
        )


def training_settings(given: argparse.Namespace, images: list[TrainingImage]) -> TrainingSettings:
    """Return the preset with what was given on the command line in its place."""
    given_values = changes(TrainingSettings(), COMMAND, vars(given))
    if "epochs" in given_values and "iterations" in given_values:
        raise UnetError("--epochs and --iterations both say how long to train: leave one of them out")
    if given.preset == "paper":
        return TrainingSettings.paper(**given_values)
    if given.preset == "em":
        area = sum(image.labels.size for image in images) // max(1, len(images))
        return TrainingSettings.em(len(images), area=area, **given_values)
    return TrainingSettings(**given_values)


def start_spec(
    given: argparse.Namespace,
    start: Model | None,
    classes: int,
    marks: tuple[str, ...] = (),
    images: Sequence[Path] = (),
) -> ModelSpec:
    """Return what the new model will be; a model to start from must be one for this truth."""
    if start is not None:
        refuse_other_networks(given, start, classes)
        return replace(
            start.spec,
            name=given.output.stem,
            parent=start.sha256,
            training={"data": given.folder.name},
            zoom=1.0,  # it learns the images as they are
            sizes=None,
        )
    network, paper, inputs = network_settings(given), given.preset == "paper", named_inputs(given)
    if given.in_channels is None and (count := len(inputs) or len(given.channel or ())):
        network = network.replace(in_channels=count)
    if given.truth == "images":
        return image_spec(given, network, inputs)
    axes, spacing = network.axes, network.spacing or spacing_of(images, network.axes)
    return ModelSpec(
        name=given.output.stem,
        architecture=network.architecture,
        arguments={
            **network.arguments(),
            **plan_arguments(axes, spacing, levels=network.levels),
            "out_channels": classes,
        },
        **facts_of(axes, spacing),
        **OF_TRUTH[given.truth](classes, marks),
        inputs=inputs,
        normalization=_normalization(network.in_channels, given.preset, named=bool(inputs)),
        rotations=paper,
        training={"data": given.folder.name, "preset": given.preset},
    )


def _normalization(channels: int, preset: str | None, *, named: bool) -> Normalization:
    """Return percentiles and a logarithm, which membranes in electron microscopy do not need.

    One channel and three without names, which may be the colours of a picture, are fitted as one; other channels
    each by itself.
    """
    usual = Normalization(joint=channels in (1, COLOURS) and not named)
    return usual.without(Compress) if preset == "em" else usual
