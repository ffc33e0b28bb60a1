"""`napari-unet fine-tune`: painted images and a model give a better model."""

from __future__ import annotations

import argparse
import signal
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.annotations import Annotation, dense, dense_classes, painted, painted_classes
from napari_unet.arrays.binary_masks import refuse_masks
from napari_unet.arrays.channels import Input
from napari_unet.arrays.membranes import move_spatial_last
from napari_unet.arrays.source import Source
from napari_unet.cli.common import named_path, require_model_place, with_bar
from napari_unet.cli.options import add_settings
from napari_unet.cli.output import complain, say
from napari_unet.errors import UnetError
from napari_unet.files.class_images import read_class_images
from napari_unet.files.image_file import ImageFile
from napari_unet.files.images import read_image, read_labels
from napari_unet.files.label_formats import has_outlines, read_outlined_labels
from napari_unet.files.same_file import refuse_overwriting
from napari_unet.finetuning import fine_tune_steps
from napari_unet.folder_training.folder import spacing_of
from napari_unet.models.class_marks import class_names, marks_of
from napari_unet.models.fresh import fresh_model
from napari_unet.models.library import load_model, model_file
from napari_unet.models.model import Model
from napari_unet.models.selection import agreed_channels
from napari_unet.settings.base import Where
from napari_unet.settings.finetuning import FineTuningSettings
from napari_unet.settings.network import NetworkSettings
from napari_unet.settings.offered import chosen
from napari_unet.teaching.learning import TrainingMonitor

COMMAND: Where = "fine-tune"
NEW = "new"
MEANINGS = {
    (False, False): painted,
    (False, True): dense,
    (True, False): painted_classes,
    (True, True): dense_classes,
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = (
        "ANNOTATION is a label image: 0 not annotated, 1 background, 2 and up one object each; or outlines of "
        "objects: ImageJ ROIs (.zip) or GeoJSON, with --dense where all else is background. "
        "About a fifth of the strokes is held out to measure what was gained."
    )
    parser.add_argument("pairs", nargs="+", metavar="IMAGE ANNOTATION", type=named_path)
    parser.add_argument(
        "--model", default="nuclei", help="where to start (default: nuclei); new: a network that knows nothing"
    )
    parser.add_argument("--output", required=True, type=named_path, help="the .safetensors file to write")
    parser.add_argument("--axes", help="axes of the images, for example TCYX, where the files do not say")
    parser.add_argument("--dense", action="store_true", help="annotations are full truth: 0 is background")
    parser.add_argument(
        "--classes",
        action="store_true",
        help="annotations are classes, not objects: 0 not annotated, 1 background, 2 up the others; or colours",
    )
    parser.add_argument(
        "--scheduler", help="learn on a worker: local:1 for another process, or the address of a dask scheduler"
    )
    add_settings(parser, NetworkSettings, COMMAND)
    add_settings(parser, FineTuningSettings, COMMAND)
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Learn, say what was gained, and write the model if it became better."""
    if len(given.pairs) % 2:
        raise UnetError(f"images and annotations come in pairs, got {len(given.pairs)} files")
    require_model_place(given.output)
    read = [(path, "one of the images or annotations") for path in given.pairs]
    start = None if given.model == NEW else model_file(given.model)
    refuse_overwriting([*read, (start, "the model to start from")], [(given.output, "--output")])
    settings = settings_from(given)
    pairs, axes, marks = read_pairs(given)
    model = starting_model(given, pairs, axes, settings, marks)
    settings = settings.replace(channels=agreed_channels(settings.channels, [image for image, _ in pairs]))
    with Stop() as stop:
        steps = fine_tune_steps(
            model, pairs, axes=axes, settings=settings, monitor=stop, scheduler=given.scheduler
        )
        result = with_bar(steps, "Learning")
    say(result.sentence())
    if details := result.details():
        say(details)
    if not result.improved:
        say(f"{given.output} was not written.")
        return 0
    spec = replace(result.model.spec, name=given.output.stem)
    say(f"{replace(result.model, spec=spec).save(given.output).path}")
    return 0


class Stop(TrainingMonitor):
    """Within it the first Ctrl-C ends the learning with the best so far; a second one ends the command."""

    def __init__(self) -> None:
        self._asked = False
        self._usual: Any = None

    def stopped(self) -> bool:
        """Whether Ctrl-C was pressed."""
        return self._asked

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # others get no signals
            self._usual = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        if self._usual is not None:
            signal.signal(signal.SIGINT, self._usual)

    def _ask(self, *_: object) -> None:
        self._asked = True
        signal.signal(signal.SIGINT, self._usual)
        complain("Stopping with the best so far; Ctrl-C again leaves at once.")


def starting_model(
    given: argparse.Namespace,
    pairs: list[tuple[Source, Annotation]],
    axes: str,
    settings: FineTuningSettings,
    marks: tuple[str, ...] = (),
) -> Model:
    """Return the model to start from; a new one has the channels and classes that its lessons need."""
    network = chosen(NetworkSettings(), COMMAND, vars(given))
    if given.model != NEW:
        if (given.dims, given.spacing) != (None, None):
            raise UnetError(f"--dims and --spacing are for --model {NEW}: leave them out, or take a new network")
        model = load_model(given.model)
        if model.spec.is_semantic != given.classes:
            what = (
                "classes: give --classes" if model.spec.is_semantic else "objects: leave --classes, or --model new"
            )
            raise UnetError(f"{model.spec.name} tells {what}")
        return model
    in_colour = axes.endswith("S") and settings.channels is None
    channels = int(pairs[0][0].array.shape[-1]) if in_colour else 1
    spacing = network.spacing or spacing_of(given.pairs[::2], network.axes, complain)
    new = partial(
        fresh_model,
        in_channels=min(channels, 3),
        inputs=new_inputs(settings, pairs),
        axes=network.axes,
        spacing=spacing,
        seed=settings.seed,
    )
    if not given.classes:
        return new()
    count = 1 + max(int(annotation.labels.max()) for _, annotation in pairs)
    return new(classes=class_names(count, marks), class_marks=marks_of(count, marks))


def new_inputs(settings: FineTuningSettings, pairs: list[tuple[Source, Annotation]]) -> tuple[Input, ...]:
    """Return the inputs of a new network that sees several channels, by their names in the first image."""
    chosen = settings.channels or ()
    names = pairs[0][0].channel_names
    if len(chosen) < 2:
        return ()
    called = [one if isinstance(one, str) else f"channel {one}" for one in chosen]
    known = [
        names[one] if isinstance(one, int) and one < len(names) else called[n] for n, one in enumerate(chosen)
    ]
    return tuple(Input(name) for name in known)


def read_pairs(given: argparse.Namespace) -> tuple[list[tuple[Source, Annotation]], str, tuple[str, ...]]:
    """Return (image, annotation) pairs, the axes that all images share, and the marks of their classes."""
    pairs, axes = [], ""
    marks: tuple[str, ...] = ()
    paths = given.pairs[1::2]
    if given.classes:
        known = load_model(given.model).spec.class_marks if given.model != NEW else ()
        read = read_class_images(paths, strokes=not given.dense, marks=known)
        layers, marks = read.indices, read.marks
    else:
        layers = read_objects(paths, given.pairs[::2], dense=given.dense)
    for image_path, path, layer in zip(given.pairs[::2], paths, layers, strict=True):
        image = read_image(image_path, axes=given.axes)
        if axes and image.axes != axes:
            raise UnetError(f"{image_path.name} has axes {image.axes}, the images before it {axes}: use --axes")
        axes = image.axes
        try:
            pairs.append((image.source, MEANINGS[given.classes, given.dense](layer)))
        except UnetError as error:
            raise UnetError(f"{path.name}: {error}") from None
    return pairs, axes, marks


def read_objects(paths: list[Path], images: list[Path], *, dense: bool) -> list[NDArray[Any]]:
    """Return the labels of files; dense ones must not be masks, whose objects would be learnt as one.

    Ids of outlines, all of which are objects, go on from 2 where 1 means background.
    """
    files = [_objects_in(path, image, dense) for path, image in zip(paths, images, strict=True)]
    if dense:
        named = zip((path.name for path in paths), files, strict=True)
        refuse_masks(((name, move_spatial_last(file.array, file.axes)) for name, file in named), "give --classes")
    return [file.array for file in files]


def _objects_in(path: Path, image: Path, dense: bool) -> ImageFile:
    if not has_outlines(path):
        return read_labels(path)
    file = read_outlined_labels(path, read_image(image))
    return file if dense else replace(file, array=np.where(file.array > 0, file.array + 1, 0))


def settings_from(given: argparse.Namespace) -> FineTuningSettings:
    """Return the settings; with --iterations alone time has no limit."""
    base = FineTuningSettings.from_nothing() if given.model == NEW else FineTuningSettings()
    if given.iterations is not None:
        base = base.replace(seconds=None)
    return chosen(base, COMMAND, vars(given))
