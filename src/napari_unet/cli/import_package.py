"""`napari-unet import`: a model from a BioImage.IO package."""

from __future__ import annotations

import argparse
from dataclasses import replace

from napari_unet.cli.common import named_path, require_model_place
from napari_unet.cli.output import say
from napari_unet.exchange import import_bioimageio
from napari_unet.files.same_file import refuse_overwriting


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("package", type=named_path, help="a .zip file")
    parser.add_argument("--output", required=True, type=named_path, help="the .safetensors file to write")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Write the model."""
    require_model_place(given.output)
    refuse_overwriting([(given.package, "the package")], [(given.output, "--output")])
    model = import_bioimageio(given.package)
    say(replace(model, spec=replace(model.spec, name=given.output.stem)).save(given.output).path)
    return 0
