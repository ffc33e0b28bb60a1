"""`napari-unet demo`: segment the bundled sample, write mask and picture, and show it where there is a display."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from napari_unet.cli.common import named_path, with_bar
from napari_unet.cli.output import complain, say
from napari_unet.files.atomic import temporary_output_folder
from napari_unet.files.images import read_image
from napari_unet.files.overlay import write_overlay
from napari_unet.files.same_file import refuse_overwriting
from napari_unet.files.tiff import write_labels
from napari_unet.models.library import load_model
from napari_unet.provenance import segmentation_provenance
from napari_unet.samples import SAMPLES
from napari_unet.segmentation import segment_steps


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--output", type=named_path, default=Path("demo-output"), help="folder (default: demo-output)"
    )
    parser.add_argument("--headless", action="store_true", help="do not open napari")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Segment, write, show."""
    sample = SAMPLES[0]
    image = read_image(sample.path)
    model = load_model("nuclei")
    mask, picture = given.output / "u2os_nuclei_labels.tif", given.output / "u2os_nuclei_overlay.png"
    refuse_overwriting([(sample.path, "the sample")], [(mask, "--output"), (picture, "--output")])
    result = with_bar(segment_steps(image.array, model, axes=image.axes), sample.title)
    provenance = segmentation_provenance(result.plan, source=sample.path.name, command="napari-unet demo")
    with temporary_output_folder(given.output):
        write_labels(mask, result.labels, axes=result.axes, pixel_size=image.calibration, provenance=provenance)
        write_overlay(picture, image.array, result.labels)
    say(f"{result.count} nuclei in {sample.title}")
    say(f"mask:    {mask.resolve()}")
    say(f"picture: {picture.resolve()}")
    if not given.headless and has_display():
        show(sample.path, mask)
    return 0


def show(image: Path, mask: Path) -> None:
    """Open napari in a process of its own: a screen that does not work ends that one, not this."""
    ended = subprocess.run(
        [sys.executable, "-m", "napari_unet.widgets.window", image, mask],
        check=False,
        stderr=subprocess.PIPE,
        text=True,
    )
    if ended.returncode:
        reason = (ended.stderr.strip().splitlines() or ["no reason given"])[-1]
        complain(f"napari could not be opened ({reason}); the files above are complete.")


def has_display() -> bool:
    """Whether a window can be opened here."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
