"""`napari-unet train`: a folder of densely labelled images gives a model file."""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_unet.arrays.contingency import contingency
from napari_unet.arrays.membranes import thinned
from napari_unet.cli.common import (
    StoppedBetweenSteps,
    named_path,
    require_model_place,
    stop_between_steps,
    with_bar,
)
from napari_unet.cli.options import add_settings
from napari_unet.cli.output import complain, say
from napari_unet.files.atomic import require_writable, temporary_output_folder
from napari_unet.files.checkpoint_names import best_of
from napari_unet.files.same_file import refuse_overwriting
from napari_unet.files.training_plots import write_curve, write_montage
from napari_unet.folder_training.folder import folder_images
from napari_unet.folder_training.learning import TrainingResult, checkpointed_steps, finish_steps, score_name
from napari_unet.folder_training.preparation import PreparedTraining, prepare_steps
from napari_unet.folder_training.request import TrainingRequest
from napari_unet.models.library import model_file
from napari_unet.models.model import Model
from napari_unet.models.validation import segment_labelled
from napari_unet.progress import finish
from napari_unet.settings.base import Where
from napari_unet.settings.folder_training import FolderSettings
from napari_unet.settings.network import NetworkSettings
from napari_unet.settings.offered import changes, chosen
from napari_unet.settings.training import TrainingSettings

COMMAND: Where = "train"
MONTAGE_ROWS = 3
CURVE, MONTAGE = "loss_curve.png", "montage.png"
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
        "--validate", nargs="+", metavar="NAME", help="names of the images to hold out, instead of a share"
    )
    parser.add_argument(
        "--report", type=named_path, help="folder for the loss curve and pictures of held-out images"
    )
    for group in (FolderSettings, NetworkSettings, TrainingSettings):
        add_settings(parser, group, COMMAND)
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Train and write the best model; Ctrl-C keeps it too."""
    require_model_place(given.output)
    request = TrainingRequest(
        folder=given.folder,
        output=given.output,
        how=chosen(FolderSettings(), COMMAND, vars(given)),
        network=changes(NetworkSettings(), COMMAND, vars(given)),
        training=changes(TrainingSettings(), COMMAND, vars(given)),
        validate=tuple(given.validate or ()),
        remark=complain,
    )
    _refuse_overwriting(request)
    with temporary_output_folder(given.report):
        if given.report is not None:
            images = folder_images(request)
            for name in (CURVE, MONTAGE):
                refuse_overwriting(images, [(given.report / name, "--report")])
                require_writable(given.report / name)
        return train(request, given.report)


def train(request: TrainingRequest, pictures: Path | None) -> int:
    """Read, train, write; return the exit code."""
    prepared = finish(prepare_steps(request))
    result = learnt(prepared, request)
    if result.model is None:
        return STOPPED
    told = result.sentence()
    say(f"{request.output}: {told}" if told else f"{request.output}")
    if pictures is not None:
        report(pictures, prepared, result.model)
    return 0


def learnt(prepared: PreparedTraining, request: TrainingRequest) -> TrainingResult:
    """Train, choose thresholds, write the model; none where Ctrl-C came before anything was validated."""
    training, held_out = prepared.training, len(prepared.validation)
    try:
        model = with_bar(stop_between_steps(checkpointed_steps(training)), "Training")
    except KeyboardInterrupt as stopped:
        if isinstance(stopped, StoppedBetweenSteps):  # else a step is half done, and the last checkpoint is not
            training.save_checkpoint()
        if not training.best.weights:
            complain(f"Stopped before the first validation: {request.output.name} was not written. {GO_ON}")
            return TrainingResult(model=None, held_out=held_out, is_finished=False)
        complain(f"Stopped: keeping the best weights so far. {GO_ON}")
        return TrainingResult(model=training.model().save(request.output), held_out=held_out, is_finished=False)
    return with_bar(finish_steps(prepared, model, request), "Thresholds")


def report(folder: Path, prepared: PreparedTraining, model: Model) -> None:
    """Write the loss curve and a montage of held-out images, and print how well the objects are parted."""
    if prepared.training.history:
        write_curve(folder / CURVE, prepared.training.history, f"validation {score_name(model.spec)}")
    rows, figures = [], []
    for image in [] if model.spec.gives_image else prepared.validation[:MONTAGE_ROWS]:
        labels = finish(segment_labelled(image, model))
        rows.append((image.name, image.image[0], image.labels, labels))
        figures.append(contingency(thinned(labels, dims=labels.ndim), image.labels).v_rand())
    if rows:
        write_montage(folder / MONTAGE, rows)
        if not model.spec.is_semantic:
            say(f"V_Rand of {len(rows)} held-out images, borders thinned: {sum(figures) / len(figures):.4f}")
    say(f"Pictures are in {folder}")


def _refuse_overwriting(request: TrainingRequest) -> None:
    """Refuse a model in the place of what it is learnt from."""
    how, checkpoint = request.how, request.checkpoint
    start = (model_file(how.start) if how.start else None, "the model to start from")
    encoder = (Path(how.encoder) if how.encoder else None, "the file of --encoder")
    written = (request.output, checkpoint, best_of(checkpoint))
    refuse_overwriting([start, encoder], [(path, "--output") for path in written])
