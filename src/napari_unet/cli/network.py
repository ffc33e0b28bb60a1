"""The network that the options of `train` describe: its settings, and what its inputs show."""

from __future__ import annotations

import argparse

from napari_unet.arrays.channels import Input
from napari_unet.settings.network import NetworkSettings
from napari_unet.settings.offered import chosen


def network_settings(given: argparse.Namespace) -> NetworkSettings:
    """Return the network of the preset with what was given on the command line in its place."""
    usual = NetworkSettings.paper() if given.preset == "paper" else NetworkSettings()
    return chosen(usual, "train", vars(given))


def named_inputs(given: argparse.Namespace) -> tuple[Input, ...]:
    """Return the inputs that --inputs names, or the channels chosen by name; none where nothing names them."""
    if given.inputs:
        return tuple(Input.parse(name) for name in given.inputs.split(","))
    chosen_channels = given.channel or ()
    named = len(chosen_channels) > 1 and all(isinstance(name, str) for name in chosen_channels)
    return tuple(Input(name) for name in chosen_channels) if named else ()
