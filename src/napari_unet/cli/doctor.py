"""`napari-unet doctor`: is everything here, and on which device will it run."""

from __future__ import annotations

import argparse
import platform
from importlib.metadata import PackageNotFoundError, version

from napari_unet.cli.output import say

PACKAGES = ("napari-unet-interactive", "torch", "napari", "numpy", "scikit-image", "tifffile", "imagecodecs")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.set_defaults(run=run)


def run(_given: argparse.Namespace) -> int:
    """Print versions, devices and models; 1 where something is missing."""
    from napari_unet.models.library import entries
    from napari_unet.nets.device import available_devices, choose_device, device_name, free_memory, half_precision

    say(f"Python {platform.python_version()} on {platform.platform()}")
    complete = True
    for package in PACKAGES:
        try:
            say(f"{package} {version(package)}")
        except PackageNotFoundError:
            complete = False
            say(f"{package} is missing: install it with pip")
    say(_triton_line())
    for kind in available_devices():
        device = choose_device(kind)
        fast = "fast mode available" if half_precision(device) else "no fast mode"
        say(f"device {kind}: {device_name(device)}, {free_memory(device) / 2**30:.1f} GiB free, {fast}")
    for entry in entries():
        complete = complete and not entry.fault
        say(f"model {entry.name}: {entry.fault or 'fine'}")
    return 0 if complete else 1


def _triton_line() -> str:
    """Return what there is to know of triton, which comes with PyTorch's CUDA build on Linux."""
    try:
        found = version("triton")
    except PackageNotFoundError:
        return "triton: not installed, not needed"
    return (
        f"triton {found}: kept out of napari's process; together with Mesa's software or AMD driver, which draws "
        "the window, it would end napari (another plugin may still import it)"
    )
