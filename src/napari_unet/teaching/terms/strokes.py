"""The term that learns from paint."""

from __future__ import annotations

from torch import Tensor

from napari_unet.nets.loss import weighted_cross_entropy
from napari_unet.teaching.terms.step import Step


class Strokes:
    """sum(w * cross-entropy(p, class)) / sum(w) over painted pixels; w as `models.training_targets` gives it."""

    def loss(self, step: Step) -> Tensor:
        """Return the weighted cross-entropy of painted pixels; held-out strokes have weight 0."""
        return weighted_cross_entropy(step.logits, step.batch.classes, step.batch.weights)
