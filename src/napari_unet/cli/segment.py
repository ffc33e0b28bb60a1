"""`napari-unet segment`: images in, calibrated masks out."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from napari_unet.arrays.channels import single
from napari_unet.arrays.pixel_size import MAX_UM, MIN_UM, PixelSize
from napari_unet.arrays.zoom import zoom_note
from napari_unet.cli.common import (
    input_files,
    named_path,
    temporary_output_folder,
    with_bar,
)
from napari_unet.cli.options import add_settings
from napari_unet.cli.output import complain, say
from napari_unet.errors import UNFORESEEN, UnetError, first_line, printable
from napari_unet.files.atomic import require_writable
from napari_unet.files.images import read_image
from napari_unet.files.same_file import refuse_overwriting
from napari_unet.files.tiff import MASK_SUFFIXES, write_labels
from napari_unet.files.zarr import is_zarr
from napari_unet.memory import is_out_of_memory
from napari_unet.models.library import load_model, model_file
from napari_unet.models.model import Model
from napari_unet.provenance import segmentation_provenance
from napari_unet.segmentation import segment_steps
from napari_unet.settings.base import Where
from napari_unet.settings.offered import chosen
from napari_unet.settings.segmentation import SegmentationSettings

COMMAND: Where = "segment"
SUFFIX = "_labels.tif"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command can be told."""
    parser.add_argument("input", nargs="+", help="image files, folders or patterns")
    parser.add_argument(
        "--model", default="nuclei", help="name of a model or a .safetensors file (default: nuclei)"
    )
    parser.add_argument(
        "--output", required=True, type=named_path, help="a .tif file for one image, else a folder"
    )
    parser.add_argument("--axes", help="axes of the images, for example TCYX, where the file does not say")
    parser.add_argument("--channel", type=int, help="which channel, from 0")
    parser.add_argument("--pixel-size", type=float, help="um per pixel, where the file does not say")
    parser.add_argument(
        "--probabilities", type=named_path, help="also write the foreground probability (x 255) here"
    )
    add_settings(parser, SegmentationSettings, COMMAND)
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Segment every input; one that fails does not stop the others, and a new folder is not left empty."""
    settings = chosen(SegmentationSettings(channels=single(given.channel)), COMMAND, vars(given))
    inputs, left_out = input_files(given.input)
    targets = output_files(inputs, given.output)
    written = [*targets, *([given.probabilities] if given.probabilities else [])]
    require_tiff_names(written)
    refuse_overwriting(
        [(path, "one of the images") for path in inputs] + [(model_file(given.model), "the model")],
        [(path, "--output") for path in targets] + [(given.probabilities, "--probabilities")],
    )
    if given.probabilities is not None and len(inputs) > 1:
        raise UnetError(f"--probabilities takes one image, got {len(inputs)}: run the command for each")
    if given.pixel_size is not None and not MIN_UM <= given.pixel_size <= MAX_UM:
        raise UnetError(f"--pixel-size must be {MIN_UM:g} to {MAX_UM:g} um, got {given.pixel_size:g}")
    model = load_model(given.model)
    if model.spec.is_semantic and given.probabilities is not None:
        raise UnetError(f"{model.spec.name} gives classes, which have no foreground: leave --probabilities out")
    with temporary_output_folder(None if given.output in targets else given.output):
        for target in written:  # refused before work is spent on it
            require_writable(target)
        for sentence in left_out:
            complain(sentence)
        failed = segment_each(inputs, targets, model, settings, given)
    return 1 if failed else 0


def segment_each(
    inputs: list[Path],
    targets: list[Path],
    model: Model,
    settings: SegmentationSettings,
    given: argparse.Namespace,
) -> int:
    """Segment every input and return how many failed; each is said in a sentence."""
    failed = 0
    for path, target in zip(inputs, targets, strict=True):
        try:
            segment_file(path, target, model, settings, given)
        except UNFORESEEN as error:  # a UnetError is a ValueError
            failed += 1
            complain(f"napari-unet: {_fault(path, error)}")
    return failed


def _fault(path: Path, error: Exception) -> str:
    """Return the sentence on what went wrong with an image, foreseen or not."""
    if is_out_of_memory(error):
        return f"{path.name}: {first_line(error)}: give a smaller --tile, or free memory"
    if isinstance(error, UnetError):
        return str(error) if printable(path.name) in str(error) else f"{path.name}: {error}"
    return f"{path.name}: {type(error).__name__}: {first_line(error)}"


def output_files(inputs: list[Path], output: Path) -> list[Path]:
    """Return where the mask of each input goes."""
    if output.suffix.lower() in MASK_SUFFIXES and not output.is_dir():
        if len(inputs) > 1:
            raise UnetError(f"{len(inputs)} images cannot go into the one file {output}: give a folder")
        return [output]
    if output.suffix and not output.is_dir():
        raise UnetError(f"masks are written as TIFF: {output.name!r} must end in .tif, or be a folder")
    targets = [output / (name_of(path) + SUFFIX) for path in inputs]
    names = Counter(target.name.casefold() for target in targets)  # some systems do not tell A.tif from a.tif
    repeated = {target.name for target in targets if names[target.name.casefold()] > 1}
    if repeated:
        raise UnetError(f"several images would be written to {min(repeated)}: segment them one by one")
    return targets


def name_of(path: Path) -> str:
    """Return what to call the mask of an image: of one within a Zarr folder, its way there, "plate_A_1_0"."""
    whole = path.resolve() if is_zarr(path) else path
    outer = next((place for place in (whole, *whole.parents) if place.suffix == ".zarr"), whole)
    return "_".join([outer.stem.removesuffix(".ome"), *whole.relative_to(outer).parts])


def require_tiff_names(targets: list[Path]) -> None:
    """Refuse a name that is no TIFF's."""
    for target in targets:
        if target.suffix.lower() not in MASK_SUFFIXES:
            raise UnetError(f"{target.name!r} must end in .tif")


def segment_file(
    path: Path, target: Path, model: Model, settings: SegmentationSettings, given: argparse.Namespace
) -> None:
    """Segment one file and write its mask, then say what was found."""
    image = read_image(path, axes=given.axes)
    steps = segment_steps(
        image.array,
        model,
        axes=image.axes,
        settings=settings,
        keep_probabilities=given.probabilities is not None,
    )
    result = with_bar(steps, path.name)
    pixel_size = image.calibration
    if image.pixel_size is None and given.pixel_size is not None:
        pixel_size = PixelSize.known(
            {**(pixel_size.by_axis if pixel_size else {}), **dict.fromkeys("ZYX", given.pixel_size)}
        )
    command = shlex.join(["napari-unet", *sys.argv[1:]])
    provenance = segmentation_provenance(result.plan, source=path.name, command=command)
    place: dict[str, Any] = {"pixel_size": pixel_size, "position": image.metadata.get("position")}
    write_labels(target, result.labels, axes=result.axes, provenance=provenance, **place)
    if result.probabilities is not None:
        write_labels(
            given.probabilities,
            result.probabilities,
            axes=result.axes,
            **place,
            provenance={**provenance, "values": "foreground probability x 255"},
        )
    for remark in (*image.remarks, *result.remarks):
        complain(f"{path.name}: {remark}")
    say(f"{target}: {result.found}{zoom_note(result.zoom)}")
