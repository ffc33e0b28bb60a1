"""The term that holds unpainted pixels to the model that is taught."""

from __future__ import annotations

from torch import Tensor

from napari_unet.nets.loss import anchor_loss
from napari_unet.teaching.terms.step import Step


class Anchor:
    """weight * cross-entropy(p, p_old) over unpainted pixels; p_old of the image, warped like the view."""

    def __init__(self, weight: float) -> None:
        self.weight = weight

    def loss(self, step: Step) -> Tensor:
        """Return the anchor loss towards the stored probabilities."""
        batch = step.batch
        return self.weight * anchor_loss(step.logits, batch.previous, batch.blank * ~step.replayed)
