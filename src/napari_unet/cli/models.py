"""`napari-unet models`: which models there are."""

from __future__ import annotations

import argparse
import json

from napari_unet.cli.output import say, say_lines
from napari_unet.models.library import entries, own_folder


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print as JSON")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Print the shipped models and the user's own."""
    found = entries()
    if given.json:
        rows = [
            {
                "name": entry.name,
                "path": str(entry.path),
                "shipped": entry.shipped,
                "description": entry.spec.description if entry.spec else None,
                "fault": entry.fault or None,
            }
            for entry in found
        ]
        say_lines(json.dumps(rows, indent=2))
        return 0
    for entry in found:
        say(f"{entry.name:20} {'shipped' if entry.shipped else 'own':8} {entry.fault or _describe(entry.spec)}")
    say(f"Your own models go into {own_folder()}")
    return 0


def _describe(spec: object) -> str:
    return str(getattr(spec, "description", ""))
