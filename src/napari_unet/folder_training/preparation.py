"""From a folder to a training that is ready to begin: what the network will be, its images, how it is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from napari_unet.arrays.channels import COLOURS
from napari_unet.arrays.normalization import Compress, Normalization
from napari_unet.errors import UnetError
from napari_unet.folder_training.folder import load_folder, read_truths, spacing_of, split
from napari_unet.folder_training.pairs import image_spec, load_pairs
from napari_unet.folder_training.request import TrainingRequest
from napari_unet.image_training import ImageTraining
from napari_unet.models.class_marks import class_names, marks_of
from napari_unet.models.fresh import facts_of, plan_arguments
from napari_unet.models.library import load_model
from napari_unet.models.model import Model
from napari_unet.models.spec import ModelSpec
from napari_unet.models.training_image import TrainingImage
from napari_unet.nets.architectures import build_net
from napari_unet.nets.unet import UNet
from napari_unet.nets.vgg16 import Vgg16UNet, read_public_weights
from napari_unet.progress import Steps
from napari_unet.settings.base import options
from napari_unet.settings.network import NetworkSettings
from napari_unet.settings.training import TrainingSettings
from napari_unet.training import Training

OF_TRUTH: dict[str, Callable[[int, tuple[str, ...]], dict[str, Any]]] = {
    "objects": lambda _count, _marks: {},
    "membranes": lambda _count, _marks: {"classes": ("membrane", "object")},
    "classes": lambda count, marks: {
        "classes": class_names(count, marks),
        "class_marks": marks_of(count, marks),
        "levels": (),
    },
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedTraining:
    """A training that is ready to begin, or to go on."""

    training: Training
    validation: list[TrainingImage]
    """The images that are held out."""


def prepare_steps(request: TrainingRequest) -> Steps[PreparedTraining]:
    """Read a folder and return the training on it, one yield a file.

    Raises
    ------
    UnetError
        If folder, labels, options and the model to start from do not fit together.
    """
    start = load_model(request.how.start) if request.how.start else None
    known = start.spec.class_marks if start else ()
    if request.how.truth == "images":
        spec, loaded = yield from load_pairs(request, start_spec(request, start, 1))
    else:
        axes = start.spec.axes if start else request.network_settings.axes
        truths, marks = yield from read_truths(request, axes, known)
        classes = 1 + max(int(labels.max()) for labels in truths.values()) if request.how.truth == "classes" else 2
        wanted = start_spec(request, start, classes, marks, list(truths))
        spec, loaded = yield from load_folder(request, truths, wanted)
    training_images, validation_images = split(loaded, request)
    settings = training_settings(request, training_images)
    net = starting_net(request, start, spec, settings.seed)
    training = (ImageTraining if spec.gives_image else Training)(
        spec, training_images, validation_images, settings, net=net, checkpoint=request.checkpoint
    )
    return PreparedTraining(training=training, validation=validation_images)


def starting_net(request: TrainingRequest, start: Model | None, spec: ModelSpec, seed: int) -> UNet:
    """Return the network that training starts from, with a public encoder where one is given."""
    torch.manual_seed(seed)
    net = start.net if start else build_net(spec.architecture, spec.arguments)
    if request.how.encoder is not None:
        if not isinstance(net, Vgg16UNet):
            raise UnetError(f"`encoder` takes VGG16 weights: use `architecture` vgg16, not {spec.architecture}")
        net.load_public_weights(read_public_weights(Path(request.how.encoder)))
    return net


def refuse_other_networks(request: TrainingRequest, start: Model, classes: int) -> None:
    """Refuse a model to start from that tells something else than the labels do, or is asked to be another."""
    for name in options(NetworkSettings):
        if name in request.network:
            raise UnetError(f"`{name}` is for a new network, but `start` gives one: leave one of them out")
    if start.spec.gives_image != (request.how.truth == "images"):
        what = "images: give `truth` images" if start.spec.gives_image else "labels: leave `truth` images out"
        raise UnetError(f"{start.spec.name} gives {what}, or leave `start` out")
    if start.spec.is_semantic != (request.how.truth == "classes"):
        what = "classes: give `truth` classes" if start.spec.is_semantic else "objects: give `truth` objects"
        raise UnetError(f"{start.spec.name} tells {what}, or leave `start` out")
    if start.spec.is_semantic and classes > len(start.spec.classes):
        raise UnetError(
            f"the labels hold {classes} classes and {start.spec.name} knows {len(start.spec.classes)}: "
            "leave `start` out"
        )


def training_settings(request: TrainingRequest, images: list[TrainingImage]) -> TrainingSettings:
    """Return the settings of the recipe with what was chosen in its place."""
    chosen = dict(request.training)
    if "epochs" in chosen and "iterations" in chosen:
        raise UnetError("`epochs` and `iterations` both say how long to train: leave one of them out")
    if request.how.preset == "paper":
        return TrainingSettings.paper(**chosen)
    if request.how.preset == "em":
        area = sum(image.labels.size for image in images) // max(1, len(images))
        return TrainingSettings.em(len(images), area=area, **chosen)
    return TrainingSettings(**chosen)


def start_spec(
    request: TrainingRequest,
    start: Model | None,
    classes: int,
    marks: tuple[str, ...] = (),
    images: Sequence[Path] = (),
) -> ModelSpec:
    """Return what the new model will be; a model to start from must be one for this truth."""
    if start is not None:
        refuse_other_networks(request, start, classes)
        return replace(
            start.spec,
            name=request.output.stem,
            parent=start.sha256,
            training={"data": request.folder.name},
            zoom=1.0,  # it learns the images as they are
            sizes=None,
        )
    network, paper, inputs = request.network_settings, request.how.preset == "paper", request.named_inputs
    if "in_channels" not in request.network and (count := len(inputs) or len(request.how.channel or ())):
        network = network.replace(in_channels=count)
    if request.how.truth == "images":
        return image_spec(request, network)
    axes, spacing = network.axes, network.spacing or spacing_of(images, network.axes, request.remark)
    return ModelSpec(
        name=request.output.stem,
        architecture=network.architecture,
        arguments={
            **network.arguments(),
            **plan_arguments(axes, spacing, levels=network.levels),
            "out_channels": classes,
        },
        **facts_of(axes, spacing),
        **OF_TRUTH[request.how.truth](classes, marks),
        inputs=inputs,
        normalization=_normalization(network.in_channels, request.how.preset, named=bool(inputs)),
        rotations=paper,
        training={"data": request.folder.name, "preset": request.how.preset},
    )


def _normalization(channels: int, preset: str | None, *, named: bool) -> Normalization:
    """Return percentiles and a logarithm, which membranes in electron microscopy do not need.

    One channel and three without names, which may be the colours of a picture, are fitted as one; other channels
    each by itself.
    """
    usual = Normalization(joint=channels in (1, COLOURS) and not named)
    return usual.without(Compress) if preset == "em" else usual
