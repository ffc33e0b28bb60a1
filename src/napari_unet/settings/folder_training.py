"""How a folder of images and labels is learnt: what both mean, what is held out, where the network starts."""

from __future__ import annotations

from typing import Literal

from napari_unet.settings.base import Settings, Where, option
from napari_unet.settings.channels import ChosenChannels

SHOWN: tuple[Where, ...] = ("train", "Train panel")


class FolderSettings(Settings):
    """What is not of the network nor of the optimiser."""

    truth: Literal["objects", "membranes", "classes", "images"] = option(
        "objects",
        "what labels are: an id an object; membranes that part objects (not 0); a value or colour a class; images "
        "to be made of the images",
        label="Labels are",
        offered=SHOWN,
    )
    preset: Literal["modern", "paper", "em"] = option(
        "modern", "recipe; em: few sections, 40 epochs, batch 1", label="Recipe", offered=SHOWN
    )
    validation: float = option(
        0.15, "share of images held out", minimum=0, below=1, step=0.05, label="Held out", offered=SHOWN
    )
    labels: str = option("labels", "the folder with the labels", label="Folder of labels", offered=SHOWN)
    maps_to: str | None = option(
        None,
        "what the images show that are learnt, kept in the model: denoised, say",
        unset="as in the folder of labels",
        label="Maps to",
        offered=SHOWN,
    )
    channel: ChosenChannels = option(
        None,
        "which channels to learn, by number from 0 or by name, where images have others too: 1 or DAPI,actin",
        must_be="whole numbers from 0, or names, one for each input",
        unset="all",
        label="Channel",
        offered=SHOWN,
    )
    inputs: str | None = option(
        None,
        "what the channels show, a name each: 'cells, nuclei (optional)'; the optional may be left out later",
        unset="without names",
        label="Inputs",
        offered=SHOWN,
    )
    start: str | None = option(
        None, "start from this model instead of from nothing", label="Start from", offered=("train",)
    )
    encoder: str | None = option(
        None,
        "file with public VGG16 weights, for the network vgg16",
        label="VGG16 weights",
        offered=SHOWN,
    )
