"""How the weights of a network are changed."""

from __future__ import annotations

from typing import Literal

from napari_unet.settings.base import Settings, option


class OptimizationSettings(Settings):
    """How weights are changed: AdamW with a falling rate ("modern") or SGD with momentum 0.99 (the paper)."""

    optimizer: Literal["adamw", "sgd"] = option("adamw", "how a step is made of the gradients")
    learning_rate: float = option(2e-3, "size of a step", above=0)
    momentum: float = option(0.99, "share of the former step that goes on, for SGD")
    weight_decay: float = option(1e-4, "how much the weights shrink per step and learning rate")
    warmup: int = option(100, "iterations over which the rate rises from 0")
    falling: bool = option(True, "whether the rate falls to 0 along half a cosine, or stays")
    average: bool = option(True, "whether the running average of the weights is the result")
    frozen_norm: bool = option(False, "whether batch norm keeps the statistics of the data first trained on")
    half: bool = option(True, "whether to compute in 16 bit where the device is good at it")
