"""Where a network may compute, and the random numbers that may be drawn."""

from __future__ import annotations

from typing import Any

from napari_unet.settings.base import Where, option

DEVICES = {
    "Automatic": "auto",
    "CPU": "cpu",
    "NVIDIA or AMD GPU (cuda)": "cuda",
    "Apple GPU (mps)": "mps",
    "Intel GPU (xpu)": "xpu",
}
MAX_SEED = 2**62
"""Larger seeds, and what is added to them, are beyond PyTorch's numbers."""


def device_option(*offered: Where) -> Any:
    """Declare the device; whether it works here is checked when it is used, for "cuda:1" is one, too."""
    return option(
        "auto",
        "where the network computes: auto (the best there is), cpu, cuda, mps or xpu",
        choices=DEVICES,
        label="Device",
        offered=offered,
    )


def seed_option(*offered: Where) -> Any:
    """Declare the seed of all random draws."""
    return option(0, "the same seed draws the same random numbers", minimum=0, maximum=MAX_SEED, offered=offered)
