"""`napari-unet export` and `import`: models as BioImage.IO packages."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from napari_unet.cli.common import Subparsers
from napari_unet.errors import UnetError
from napari_unet.exchange import export_bioimageio, import_bioimageio
from napari_unet.models.library import load_model


def add(commands: Subparsers[argparse.ArgumentParser]) -> None:
    """Add both commands."""
    parser = commands.add_parser("export", help="write a model as a BioImage.IO package")
    parser.add_argument("model", help="name of a model, or a .safetensors file")
    parser.add_argument("--output", required=True, type=Path, help="the .zip file to write")
    parser.set_defaults(run=run_export)
    parser = commands.add_parser("import", help="read a model that was exported as BioImage.IO package")
    parser.add_argument("package", type=Path, help="a .zip file")
    parser.add_argument("--output", required=True, type=Path, help="the .safetensors file to write")
    parser.set_defaults(run=run_import)


def run_export(given: argparse.Namespace) -> int:
    """Write the package."""
    print(export_bioimageio(load_model(given.model), given.output))
    return 0


def run_import(given: argparse.Namespace) -> int:
    """Write the model."""
    if given.output.suffix != ".safetensors":
        raise UnetError(f"--output must end with .safetensors, got {given.output.name!r}")
    model = import_bioimageio(given.package)
    print(replace(model, spec=replace(model.spec, name=given.output.stem)).save(given.output).path)
    return 0
