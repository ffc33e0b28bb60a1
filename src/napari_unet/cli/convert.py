"""`napari-unet convert`: labels from one format into another, and corrected outlines back into labels."""

from __future__ import annotations

import argparse

from napari_unet.cli.common import named_path
from napari_unet.cli.output import complain, say
from napari_unet.conversion import convert_file
from napari_unet.files.same_file import refuse_overwriting
from napari_unet.words import counted


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = (
        "Outlines run along the edges of pixels, so that they come back as the same pixels. Objects that were "
        "corrected in ImageJ or QuPath become a label image again: napari-unet convert cells.zip --like IMAGE "
        "--output mask.tif"
    )
    parser.add_argument(
        "mask",
        type=named_path,
        help="a label image, or outlines: ImageJ ROIs (.zip), GeoJSON of QuPath (.geojson), COCO (.json)",
    )
    parser.add_argument(
        "--output",
        required=True,
        type=named_path,
        help="ends in .tif, .ome.tif, .zip (ImageJ ROIs), .geojson (QuPath), .json (COCO), .zarr (OME-Zarr) or "
        ".png (outlines over the image)",
    )
    parser.add_argument(
        "--like", type=named_path, metavar="IMAGE", help="the image: gives size and calibration of outlines"
    )
    parser.add_argument("--axes", help="axes of the label image, for example TYX, where the file does not say")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Convert, and say how many objects were written."""
    refuse_overwriting([(given.mask, "the mask"), (given.like, "the image")], [(given.output, "--output")])
    done = convert_file(given.mask, given.output, like=given.like, axes=given.axes)
    for remark in done.remarks:
        complain(f"{given.mask.name}: {remark}")
    say(f"{done.path}: {counted(done.count, 'label')}")
    return 0
