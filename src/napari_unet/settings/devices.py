"""Where a network may compute, and the random numbers that may be drawn."""

from __future__ import annotations

from typing import Any

from napari_unet.settings.base import Where, option

DEVICES = {
    "Automatic": "auto",
    "CPU": "cpu",
    "CUDA GPU": "cuda",
    "Apple GPU": "mps",
    "Intel GPU": "xpu",
}
MAX_SEED = 2**62
"""Larger seeds, and what is added to them, are beyond PyTorch's numbers."""


def device_option(*offered: Where) -> Any:
    """Declare the device; whether it works here is checked when it is used, for "cuda:1" is one, too."""
    return option(
        "auto",
        "where the network computes: auto (the best), cpu, cuda (NVIDIA, AMD), mps (Apple) or xpu (Intel)",
        choices=DEVICES,
        label="Device",
        offered=offered,
    )


def seed_option(*offered: Where) -> Any:
    """Declare the seed of all random draws."""
    return option(
        0,
        "the same seed draws the same random numbers",
        minimum=0,
        maximum=MAX_SEED,
        label="Seed",
        offered=offered,
    )
