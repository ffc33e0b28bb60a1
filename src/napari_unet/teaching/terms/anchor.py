"""The term that holds unpainted pixels to the model that is taught."""

from __future__ import annotations

from torch import Tensor

from napari_unet.nets.loss import anchor_loss
from napari_unet.nets.unet import UNet
from napari_unet.teaching.terms.step import Step


class StoredAnchor:
    """weight * cross-entropy(p, p_old) over unpainted pixels; p_old of the image, warped like the view."""

    def __init__(self, weight: float) -> None:
        self.weight = weight

    def loss(self, step: Step) -> Tensor:
        """Return the anchor loss towards the stored probabilities."""
        batch = step.batch
        return self.weight * anchor_loss(step.logits, batch.previous, batch.anchored * ~step.replayed)


class AskedAnchor:
    """The same with p_old asked anew of each view: stored probabilities would be stretched and blurred with it."""

    def __init__(self, weight: float, previous: UNet) -> None:
        self.weight = weight
        self.previous = previous

    def loss(self, step: Step) -> Tensor:
        """Return the anchor loss towards what the previous network answers to the views."""
        batch = step.batch
        answers = step.optimization.predict(batch.plain, self.previous)
        return self.weight * anchor_loss(step.logits, answers, batch.anchored * ~step.replayed)
