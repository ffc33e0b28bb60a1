"""`napari-unet info`: what made this mask or model."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_unet.cli.common import named_path
from napari_unet.cli.output import say, say_lines
from napari_unet.errors import UnetError
from napari_unet.files.images import ImageFile, read_image
from napari_unet.models.library import SUFFIX, entries
from napari_unet.models.model import file_sha256
from napari_unet.models.spec import read_spec

if TYPE_CHECKING:
    from napari_unet.nets.unet import UNet


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "file",
        type=named_path,
        help="a mask (.tif), a model (.safetensors) or the name of one; with --trace classic, padded, vgg16 too",
    )
    parser.add_argument(
        "--trace", type=int, metavar="SIZE", help="print the shapes of an image of SIZE px per axis in the network"
    )
    parser.add_argument("--json", action="store_true", help="print as JSON")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Print the facts that the file carries."""
    known = {entry.name: entry.path for entry in reversed(entries())}
    path = known.get(str(given.file), given.file)
    if given.trace is not None:
        return print_trace(path, given.trace, as_json=given.json)
    facts = _model_facts(path) if path.suffix == SUFFIX else _image_facts(path)
    if given.json:
        say_lines(json.dumps(facts, indent=2))
    else:
        _print_facts(facts, indent=0)
    return 0


def print_trace(path: Path, side: int, *, as_json: bool) -> int:
    """Print the shapes of an image in a network: of a model, or of a kind of network as its paper has it."""
    from napari_unet.nets.trace import trace

    steps = trace(_network(path), side)
    if as_json:
        say_lines(json.dumps([{"layer": s.layer, "channels": s.channels, "sides": s.sides} for s in steps]))
    else:
        for step in steps:
            say(str(step))
    return 0


def _network(path: Path) -> UNet:
    """Return a network without weights that were learnt: that of a model file, or one of a kind, by its name."""
    from napari_unet.nets.architectures import ARCHITECTURES, build_net

    if str(path) in ARCHITECTURES:
        return build_net(str(path), {})
    if path.suffix != SUFFIX:
        kinds = ", ".join(ARCHITECTURES)
        raise UnetError(f"--trace takes a model or one of {kinds}, got {path.name}: give one of these")
    spec = read_spec(path)
    return build_net(spec.architecture, spec.arguments)


def _model_facts(path: Path) -> dict[str, Any]:
    spec = json.loads(read_spec(path).to_json())
    return {"file": path.name, "sha256": file_sha256(path), **spec}


def _image_facts(path: Path) -> dict[str, Any]:
    image = read_image(path)
    return {
        "file": path.name,
        "shape": list(image.array.shape),
        "axes": image.axes,
        "dtype": str(image.array.dtype),
        "pixel_size_um": image.pixel_size,
        **({"frame_interval_s": interval} if (interval := _interval(image)) is not None else {}),
        **({"remarks": list(image.remarks)} if image.remarks else {}),
        "provenance": image.metadata.get("provenance") or "none: this file was not written by napari_unet",
    }


def _interval(image: ImageFile) -> float | None:
    """Return the seconds from frame to frame; None without an axis of time, or where the file does not say."""
    return image.calibration.get("T") if image.calibration is not None and "T" in image.axes else None


def _print_facts(facts: dict[str, Any], indent: int) -> None:
    for name, value in facts.items():
        if isinstance(value, dict):
            say(f"{' ' * indent}{name}:")
            _print_facts(value, indent + 2)
        else:
            say(f"{' ' * indent}{name}: {value}")
