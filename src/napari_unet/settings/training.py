"""How a network is trained on densely labelled images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, Self

from napari_unet.settings.augmentation import AugmentationSettings
from napari_unet.settings.base import Settings, Where, option
from napari_unet.settings.devices import device_option, seed_option
from napari_unet.settings.optimization import OptimizationSettings
from napari_unet.settings.weights import WeightSettings

SHOWN: tuple[Where, ...] = ("train", "Train panel")
PATCH = 256
"""Usual side of a patch in planes."""


class TrainingSettings(Settings):
    """How to train; the defaults are the "modern" preset."""

    iterations: int = option(4000, "optimiser steps", minimum=1, label="Iterations", offered=SHOWN)
    epochs: int | None = option(
        None,
        "how often as many pixels as the images have are seen, instead of iterations",
        minimum=1,
        unset="by iterations; 40 with the preset em",
        label="Epochs",
        offered=SHOWN,
    )
    batch: int = option(4, "patches per step", minimum=1, label="Batch", offered=SHOWN)
    # unpadded networks read the context around it
    patch: int | tuple[int, ...] | None = option(
        None,
        "side of the patch that is compared with the truth",
        minimum=1,
        unit="px",
        per_axis=True,
        unset=f"{PATCH}; of volumes a box of twice as many pixels, as long along all axes",
        label="Patch",
        offered=SHOWN,
    )
    seed: int = seed_option(*SHOWN)
    device: str = device_option(*SHOWN)
    weights: WeightSettings = option(
        WeightSettings(),
        "weights of the pixels in the loss: those of the U-Net paper, of Falk et al. 2019, or all the same",
        choices={"paper": WeightSettings.paper(), "falk": WeightSettings.falk(), "none": WeightSettings.none()},
        label="Weights",
        offered=SHOWN,
    )
    loss: Literal["l1", "l2"] = option(
        "l1",
        "mean absolute or squared difference, for images as truth; l2 gives more PSNR, l1 sharper edges",
        label="Loss",
        offered=SHOWN,
    )
    augmentation: AugmentationSettings = AugmentationSettings()
    optimization: OptimizationSettings = OptimizationSettings()
    validate_every: int = option(500, "iterations between two validations", minimum=1)
    validation_images: int = option(24, "validation images, evenly picked, at each validation", minimum=1)

    def resolved(self, pixels: int, patch: Sequence[int]) -> Self:
        """Return the settings with iterations instead of epochs, for so many pixels of all images."""
        if self.epochs is None:
            return self
        iterations = round(self.epochs * pixels / (self.batch * math.prod(patch)))
        return self.replace(iterations=max(1, iterations), epochs=None)

    @classmethod
    def em(cls, images: int, *, epochs: int = 40, area: int = 512**2, **changes: Any) -> Self:
        """Return the recipe for a few EM sections: batch 1, 40 epochs over all patches of 512 px.

        `images` is how many training images there are and `area` their size in pixels. The classic experiment on
        30 sections of 512 px (Ronneberger et al. 2015, ISBI 2012 data) so takes 1200 iterations.
        """
        recipe: dict[str, Any] = {
            "batch": 1,
            "patch": 512,
            "iterations": epochs * images * max(1, round(area / 512**2)),
            "augmentation": AugmentationSettings(
                scale=(0.8, 1.25), elastic=10, contrast=(0.6, 1.4), offset=0.15, noise=0.06
            ),
        }
        recipe |= changes
        return cls(**{"validate_every": max(1, recipe["iterations"] // 20), **recipe})

    @classmethod
    def paper(cls, **changes: Any) -> Self:
        """Return the recipe of Ronneberger et al. 2015: SGD, momentum 0.99, batch 1, large tiles."""
        recipe: dict[str, Any] = {
            "batch": 1,
            "patch": 388,
            "augmentation": AugmentationSettings(scale=(1, 1), shear=0, elastic=10),
            "optimization": OptimizationSettings(
                optimizer="sgd", learning_rate=1e-3, weight_decay=0, falling=False, average=False
            ),
        }
        return cls(**{**recipe, **changes})
