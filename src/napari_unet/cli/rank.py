"""`napari-unet rank`: which images a model is likely to segment worst."""

from __future__ import annotations

import argparse
import json

from napari_unet.cli.common import with_bar
from napari_unet.cli.options import add_settings
from napari_unet.cli.output import complain, say, say_lines
from napari_unet.files.image_list import input_files
from napari_unet.models.library import load_model
from napari_unet.quality import rank_steps
from napari_unet.settings.offered import chosen
from napari_unet.settings.segmentation import SegmentationSettings


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("input", nargs="+", help="image files, folders or patterns")
    parser.add_argument(
        "--model", default="nuclei", help="name of a model or a .safetensors file (default: nuclei)"
    )
    parser.add_argument("--axes", help="axes of the images, for example TCYX, where the file does not say")
    parser.add_argument("--json", action="store_true", help="print as JSON")
    add_settings(parser, SegmentationSettings, "segment")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Print quality and name of each image, worst first."""
    images, left_out = input_files(given.input)
    settings = chosen(SegmentationSettings(), "segment", vars(given))
    steps = rank_steps(images, load_model(given.model), axes=given.axes, settings=settings)
    ranked = with_bar(steps, "Ranking")
    for sentence in left_out:
        complain(sentence)
    known = [one for one in ranked if one.quality is not None]
    if given.json:
        say_lines(json.dumps([{"file": one.name, "quality": one.quality} for one in known], indent=2))
    else:
        for one in known:
            say(f"{one.quality:.2f}  {one.name}")
    failed = [one for one in ranked if one.quality is None]
    for one in failed:
        complain(f"napari-unet: {one.fault}")
    return int(bool(failed))
