"""`napari-unet reproduce`: a mask made again from what it says of itself; identical or not."""

from __future__ import annotations

import argparse

from napari_unet.cli.common import named_path, with_bar
from napari_unet.cli.output import complain, say
from napari_unet.errors import UnetError
from napari_unet.files.images import read_image, read_labels
from napari_unet.reproduction import model_of, reproduce_steps


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = "Exit code 0: identical, or different in objects alone that were edited by hand; 1: not."
    parser.add_argument("mask", type=named_path, help="a mask of napari-unet (.tif or OME-Zarr)")
    parser.add_argument("--image", required=True, type=named_path, help="the image that was segmented")
    parser.add_argument("--axes", help="axes of the image, for example TCYX, where the file does not say")
    parser.add_argument("--model", help="the model that made the mask, where it is not in the library")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Segment again, compare, and say what is different."""
    mask = read_labels(given.mask)
    known = mask.metadata.get("provenance")
    if not known:
        raise UnetError(
            f"{given.mask.name} does not say what made it: only masks of napari-unet can be reproduced"
        )
    image = read_image(given.image, axes=given.axes)
    done = with_bar(reproduce_steps(mask, image, model_of(known, given.model)), given.image.name)
    for remark in done.remarks:
        complain(remark)
    say(f"{given.mask.name}: {done.sentence()}")
    return 0 if done.is_explained else 1
