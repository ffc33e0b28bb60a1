"""`napari-unet measure`: a mask in, a table of its objects out."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_unet.arrays.object_figures import PROPERTIES
from napari_unet.arrays.pixel_size import LENGTHS, MAX_UM, MIN_UM, PixelSize
from napari_unet.cli.common import named_path, with_bar
from napari_unet.cli.output import complain, say, say_lines
from napari_unet.errors import UnetError
from napari_unet.files.atomic import require_writable
from napari_unet.files.image_file import ImageFile
from napari_unet.files.images import read_image, read_labels
from napari_unet.files.same_file import refuse_overwriting
from napari_unet.files.table import json_beside, require_table_name, write_table_steps
from napari_unet.measurement import Images, ObjectTable, measure_steps

FIGURES = tuple(name for name in PROPERTIES if name not in ("centroid", "bbox"))
"""What has a mean worth printing: places have none."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("mask", type=named_path, help="a label file: each number is an object, 0 is background")
    parser.add_argument("image", nargs="*", type=named_path, help="images of the same size, for intensities")
    parser.add_argument(
        "--output", required=True, type=named_path, help="a .csv file; a .json beside it says units"
    )
    parser.add_argument("--axes", help="axes of the mask, for example TYX, where the file does not say")
    parser.add_argument("--image-axes", help="axes of the images, for example TCYX, where the file does not say")
    parser.add_argument(
        "--pixel-size",
        type=_sizes,
        help="um per pixel, or z,y,x as 2,0.5,0.5; without it what the mask says, else the image",
    )
    parser.add_argument("--regions", type=named_path, help="a label file of regions; says in which an object lies")
    parser.add_argument(
        "--properties", help=f"which ones, separated by commas (default: all of {', '.join(PROPERTIES)})"
    )
    through = parser.add_mutually_exclusive_group()
    through.add_argument("--volumes", action="store_const", const=True, help="objects go on through Z")
    through.add_argument(
        "--planes",
        dest="volumes",
        action="store_const",
        const=False,
        help="every plane by itself (default: looks)",
    )
    parser.add_argument("--json", action="store_true", help="print count and means as JSON")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Measure the mask, write the table and say how many objects it has."""
    require_table_name(given.output)
    written = [given.output, json_beside(given.output)]
    read = [(given.mask, "the mask"), (given.regions, "the regions")]
    refuse_overwriting(
        [*read, *((path, "an image") for path in given.image)], [(path, "--output") for path in written]
    )
    for path in written:
        require_writable(path)
    mask = read_labels(given.mask, given.axes)
    images = {path: read_image(path, given.image_axes) for path in given.image}
    steps = measure_steps(
        mask.array,
        _images(images, mask),
        axes=mask.axes,
        pixel_size=_pixel_size(given.pixel_size, [mask, *images.values()]),
        regions=None if given.regions is None else read_labels(given.regions).array,
        volumes=given.volumes,
        properties=given.properties.split(",") if given.properties else None,
    )
    table = with_bar(steps, given.mask.name)
    facts = table.facts(
        labels={"file": given.mask.name, "provenance": mask.metadata.get("provenance")},
        images=[path.name for path in images],
        command=shlex.join(["napari-unet", *sys.argv[1:]]),
    )
    with_bar(write_table_steps(given.output, table.columns, facts), given.output.name)
    for remark in mask.remarks:
        complain(f"{given.mask.name}: {remark}")
    _tell(table, given)
    return 0


def _images(images: dict[Path, ImageFile], mask: ImageFile) -> Images | None:
    """Return what is measured over the mask: one image by no name, several by their files'."""
    names = [path.stem for path in images]
    if len(set(names)) < len(names):
        raise UnetError(f"several images are called {max(names, key=names.count)}: give them different names")
    for path, image in images.items():
        if image.source.label_axes != mask.axes:
            raise UnetError(
                f"{path.name} has the axes {image.axes}, the mask {mask.axes}: "
                "name them with --axes or --image-axes"
            )
    return {path.stem: image.source for path, image in images.items()} or None


def _pixel_size(given: Sequence[float] | None, files: Sequence[ImageFile]) -> PixelSize | None:
    """Return what was given, else what the first of the files says that says anything."""
    if given is not None:
        return PixelSize.known(dict(zip(LENGTHS[-len(given) :], given, strict=True)))
    return next((file.calibration for file in files if file.pixel_size), None)


def _sizes(text: str) -> tuple[float, ...]:
    """Return one number for all axes, or one for each of (z,) y, x."""
    try:
        sizes = tuple(map(float, text.split(",")))
    except ValueError:
        sizes = ()
    if len(sizes) not in (1, 2, 3) or not all(MIN_UM <= size <= MAX_UM for size in sizes):
        raise argparse.ArgumentTypeError(f"{text!r} is no size as 0.5, or 2,0.5,0.5 for z,y,x")
    return sizes * 3 if len(sizes) == 1 else sizes


def _tell(table: ObjectTable, given: argparse.Namespace) -> None:
    """Say what was measured."""
    if not given.json:
        say(f"{given.output}: {len(table)} objects")
        return
    means = {name: _mean(column) for name, column in table.columns.items() if name.partition("-")[0] in FIGURES}
    say_lines(
        json.dumps({"output": str(given.output), "objects": len(table), "mean": means, "units": table.units})
    )


def _mean(column: Any) -> float | None:
    known = column[np.isfinite(column)]
    return float(known.mean()) if len(known) else None
