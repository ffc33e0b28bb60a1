"""`napari-unet info`: what made this mask or model."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from napari_unet.cli.common import named_path
from napari_unet.cli.output import say, say_lines
from napari_unet.files.images import ImageFile, read_image
from napari_unet.models.library import SUFFIX, entries
from napari_unet.models.model import file_sha256
from napari_unet.models.spec import read_spec


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command can be told."""
    parser.add_argument("file", type=named_path, help="a mask (.tif), a model (.safetensors) or the name of one")
    parser.add_argument("--json", action="store_true", help="print as JSON")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Print the facts that the file carries."""
    known = {entry.name: entry.path for entry in reversed(entries())}
    path = known.get(str(given.file), given.file)
    facts = _model_facts(path) if path.suffix == SUFFIX else _image_facts(path)
    if given.json:
        say_lines(json.dumps(facts, indent=2))
    else:
        _print_facts(facts, indent=0)
    return 0


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
