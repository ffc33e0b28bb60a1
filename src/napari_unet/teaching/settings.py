"""How to learn from strokes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Self

from napari_unet.arrays.boundary_weights import WeightSettings
from napari_unet.arrays.zoom import check_zoom
from napari_unet.errors import UnetError
from napari_unet.nets.augmentation import AugmentationSettings
from napari_unet.nets.optimization import OptimizationSettings
from napari_unet.nets.seeding import check_seed


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuningSettings:
    """Time, patches, and what holds the network to what it knew."""

    seconds: float | None = 30.0
    """Time to learn, from the first step; None for as many iterations as said."""
    iterations: int = 10_000
    batch: int = 4
    patch: int = 128
    anchor: float | None = None
    """Weight of staying as the previous model was where nobody painted; 0 switches it off.

    None is what the model deserves (`scores.anchor_weight`): far above 1 where it knows the kind of image and was
    right about most of what was painted, near 0 where it does not know it.
    """
    consistency: float = 2.0
    """Weight of answering, where nobody painted, as the averaged weights do of the view in its own light.

    A mean teacher (Tarvainen and Valpola, NeurIPS 2017): what the strokes taught spreads to what looks alike, and
    longer learning does not undo it. 0 switches it off.
    """
    interpolation: float = 0.25
    """Share of the old weights in the new ones, which generalises better than either (Wortsman et al., "Robust
    fine-tuning of zero-shot models", CVPR 2022); scores and previews are of this mixture."""
    unpainted_patch_share: float = 0.33
    """Share of patches drawn anywhere in the image, for the anchor."""
    replay: float = 0.25
    """Share of patches from what the model learnt first, where it brought some along."""
    held_out: float = 0.2
    """Share of the strokes that is kept from training to measure it."""
    channel: int | None = None
    """Which channel shows the objects where images have several and the model takes one, from 0."""
    zoom: float | None = None
    """How large the network sees the images, one of `arrays.zoom.ZOOMS`; None: as objects of the first ask for."""
    seed: int = 0
    device: str = "auto"
    score_every: int = 20
    weights: WeightSettings = field(default_factory=WeightSettings)
    augmentation: AugmentationSettings = field(
        default_factory=lambda: AugmentationSettings(
            scale=(0.6, 1.6), elastic=5, gamma=(0.6, 1.6), contrast=(0.5, 1.5), offset=0.1, noise=0.08, blur=1.2
        )
    )
    optimization: OptimizationSettings = field(
        default_factory=lambda: OptimizationSettings(
            learning_rate=1.5e-3, warmup=10, falling=False, frozen_norm=True
        )
    )

    def __post_init__(self) -> None:
        check_zoom(1.0 if self.zoom is None else self.zoom)
        if self.seconds is not None and not 0 < self.seconds < math.inf:
            raise UnetError(f"the time to learn must be above 0 s and end, got {self.seconds}")
        for name in ("iterations", "batch", "patch", "score_every"):
            if getattr(self, name) < 1:
                raise UnetError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("unpainted_patch_share", "replay", "held_out", "interpolation"):
            if not 0 <= getattr(self, name) < 1:
                raise UnetError(f"{name} must lie in 0..1, got {getattr(self, name)}")
        check_seed(self.seed)
        for name in ("anchor", "consistency"):
            if not 0 <= (getattr(self, name) or 0) < math.inf:
                raise UnetError(f"{name} must be a number from 0, got {getattr(self, name)}")

    @classmethod
    def from_nothing(cls, **changes: Any) -> Self:
        """Return settings for a fresh network: nothing to hold on to, faster steps, batch norm learns too."""
        recipe: dict[str, Any] = {
            "anchor": 0.0,
            "consistency": 0.0,
            "interpolation": 0.0,
            "unpainted_patch_share": 0.0,
            "replay": 0.0,
            "optimization": OptimizationSettings(learning_rate=2e-3, warmup=10, falling=False),
        }
        return cls(**{**recipe, **changes})
