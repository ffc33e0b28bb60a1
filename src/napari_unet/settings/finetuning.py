"""How a model learns from strokes."""

from __future__ import annotations

from typing import Any, Self

from napari_unet.settings.augmentation import AugmentationSettings
from napari_unet.settings.base import Settings, option
from napari_unet.settings.channels import ChosenChannels, channels_option
from napari_unet.settings.devices import device_option, seed_option
from napari_unet.settings.optimization import OptimizationSettings
from napari_unet.settings.segmentation import zoom_option
from napari_unet.settings.weights import WeightSettings
from napari_unet.settings.zooms import Zoom

PATCH = 128
"""Usual side of a patch in planes."""


class FineTuningSettings(Settings):
    """Time, patches, and what holds the network to what it knew."""

    seconds: float | None = option(
        30.0,
        "time to learn, from the first step; Stop or Ctrl-C ends it earlier and keeps the best so far",
        above=0,
        unit="s",
        unset="as many iterations as said",
        label="Learn for",
        offered=("fine-tune", "Fine-tune panel"),
    )
    iterations: int = option(10_000, "steps to learn at most", minimum=1, offered=("fine-tune",))
    batch: int = option(4, "patches per step", minimum=1)
    patch: int | tuple[int, ...] | None = option(
        None,
        "side of a patch",
        minimum=1,
        unit="px",
        per_axis=True,
        unset=f"{PATCH}; of volumes a box of twice as many pixels, as long along all axes",
    )
    # near 10 where the model knows the kind of image, near 0 where it does not (`scores.anchor_weight`)
    anchor: float | None = option(
        None,
        "weight of staying as the previous model was on unpainted pixels; 0 switches it off",
        minimum=0,
        unset="from the model's IoU on the strokes",
        offered=("fine-tune",),
    )
    # what the strokes taught spreads to what looks alike (Tarvainen and Valpola, NeurIPS 2017); without it the old
    # skill suffers more: docs/explanation/teaching.md
    consistency: float = option(
        2.0, "weight of the mean-teacher loss on unpainted pixels; 0 switches it off", minimum=0
    )
    unpainted_patch_share: float = option(
        0.33, "share of patches drawn anywhere in the image, for the anchor", minimum=0, below=1
    )
    replay: float = option(
        0.25, "share of patches of the images that the model was first trained on", minimum=0, below=1
    )
    held_out: float = option(0.2, "share of the strokes that is kept to measure the model", minimum=0, below=1)
    channels: ChosenChannels = channels_option("fine-tune")
    zoom: Zoom | None = zoom_option("fine-tune")
    seed: int = seed_option("fine-tune")
    device: str = device_option("fine-tune", "Fine-tune panel")
    score_every: int = option(20, "iterations between two scorings", minimum=1)
    weights: WeightSettings = WeightSettings()
    augmentation: AugmentationSettings = AugmentationSettings(
        scale=(0.6, 1.6), elastic=5, gamma=(0.6, 1.6), contrast=(0.5, 1.5), offset=0.1, noise=0.08, blur=1.2
    )
    optimization: OptimizationSettings = OptimizationSettings(
        learning_rate=1.5e-3, warmup=10, falling=False, frozen_norm=True
    )

    @classmethod
    def from_nothing(cls, **changes: Any) -> Self:
        """Return settings for a fresh network: nothing to hold on to, faster steps, batch norm learns too."""
        recipe: dict[str, Any] = {
            "anchor": 0.0,
            "consistency": 0.0,
            "unpainted_patch_share": 0.0,
            "replay": 0.0,
            "optimization": OptimizationSettings(learning_rate=2e-3, warmup=10, falling=False),
        }
        return cls(**{**recipe, **changes})
