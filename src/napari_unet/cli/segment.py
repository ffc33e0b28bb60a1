"""`napari-unet segment`: images in, calibrated masks out."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path

from napari_unet.batch import BatchRequest, batch_steps
from napari_unet.batch_table import write_batch_table_steps
from napari_unet.cli.common import named_path, with_bar
from napari_unet.cli.options import add_settings
from napari_unet.cli.output import complain, say, say_lines
from napari_unet.errors import UnetError
from napari_unet.files.atomic import require_writable
from napari_unet.files.batch_row import FAILED, KEPT, BatchRow
from napari_unet.files.image_list import ZARR, input_files
from napari_unet.files.same_file import refuse_overwriting
from napari_unet.files.table import json_beside, require_table_name
from napari_unet.models.library import load_model
from napari_unet.progress import Progress, map_progress
from napari_unet.settings.base import Where
from napari_unet.settings.offered import chosen
from napari_unet.settings.segmentation import SegmentationSettings

COMMAND: Where = "segment"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("input", nargs="+", help="image files, folders or patterns")
    parser.add_argument(
        "--model", default="nuclei", help="name of a model or a .safetensors file (default: nuclei)"
    )
    parser.add_argument(
        "--output",
        required=True,
        type=named_path,
        help="for one image a .tif file, or a .zarr folder, which takes labels of any size; else a folder",
    )
    parser.add_argument(
        "--scheduler",
        help="compute in other processes: local:N for N of this computer, or the address of a dask scheduler, "
        "tcp://HOST:PORT, whose workers see the same disks",
    )
    parser.add_argument("--axes", help="axes of the images, for example TCYX, where the file does not say")
    parser.add_argument("--pixel-size", type=float, help="um per pixel, where the file does not say")
    parser.add_argument(
        "--probabilities", type=named_path, help="also write the foreground probability (x 255) here"
    )
    parser.add_argument(
        "--json", action="store_true", help="print count, mean area and predicted quality of each image as JSON"
    )
    parser.add_argument(
        "--table", type=named_path, help="also measure the objects of all images into this .csv, a row each"
    )
    add_settings(parser, SegmentationSettings, COMMAND)
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Segment every input; one that fails does not stop the others, and a new folder is not left empty."""
    inputs, left_out = input_files(given.input)
    request = BatchRequest(
        images=inputs,
        output=given.output,
        settings=chosen(SegmentationSettings(), COMMAND, vars(given)),
        axes=given.axes,
        pixel_size=given.pixel_size,
        probabilities=given.probabilities,
        command=shlex.join(["napari-unet", *sys.argv[1:]]),
        scheduler=given.scheduler,
    )
    if given.table is not None:
        require_table(given.table, inputs, given.output)
    steps = batch_steps(request, load_model(given.model))

    def told(step: Progress) -> Progress:
        while left_out:  # now that nothing is refused
            complain(left_out.pop(0))
        tell(step.preview, as_json=given.json)
        return step

    rows = with_bar(map_progress(steps, told), f"{len(inputs)} images" if len(inputs) > 1 else inputs[0].name)
    if given.table is not None:
        for fault in with_bar(write_batch_table_steps(rows, given.table), given.table.name):
            complain(f"napari-unet: {fault}")
    if given.json:
        say_lines(json.dumps([row.as_dict() for row in rows], indent=2))
    return int(any(row.state == FAILED for row in rows))


def require_table(path: Path, inputs: list[Path], output: Path) -> None:
    """Refuse a table that has no table's name, would replace an image, or cannot be written."""
    if output.suffix == ZARR:
        raise UnetError(
            "--table goes with TIFF masks: measure the .zarr folder afterwards, with napari-unet measure"
        )
    require_table_name(path)
    written = (path, json_beside(path))
    refuse_overwriting([(image, "one of the images") for image in inputs], [(file, "--table") for file in written])
    for file in written:
        require_writable(file)


def tell(news: object, *, as_json: bool) -> None:
    """Say what became of an image, once it is known, and where a scheduler shows its work."""
    if isinstance(news, str):
        complain(news)
    elif isinstance(news, BatchRow):
        tell_row(news, as_json=as_json)


def tell_row(row: BatchRow, *, as_json: bool) -> None:
    """Say what became of an image."""
    for remark in row.remarks:
        complain(f"{row.image.name}: {remark}")
    if row.state == FAILED:
        complain(f"napari-unet: {row.text}")
    elif not as_json:
        before = ", segmented before by the same model and settings" if row.state == KEPT else ""
        say(f"{row.mask}: {row.text}{before}")
