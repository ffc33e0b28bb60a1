"""`napari-unet export`: a model as a BioImage.IO package."""

from __future__ import annotations

import argparse

from napari_unet.cli.common import named_path
from napari_unet.cli.output import say
from napari_unet.exchange import export_bioimageio
from napari_unet.files.same_file import refuse_overwriting
from napari_unet.models.library import load_model, model_file


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("model", help="name of a model, or a .safetensors file")
    parser.add_argument("--output", required=True, type=named_path, help="the .zip file to write")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Write the package."""
    refuse_overwriting([(model_file(given.model), "the model")], [(given.output, "--output")])
    say(export_bioimageio(load_model(given.model), given.output))
    return 0
