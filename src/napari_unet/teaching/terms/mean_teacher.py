"""The term that spreads what strokes taught to pixels that look alike."""

from __future__ import annotations

from torch import Tensor

from napari_unet.nets.loss import anchor_loss
from napari_unet.teaching.terms.step import Step


class MeanTeacher:
    """weight * cross-entropy(p, p_average) over unpainted pixels (Tarvainen and Valpola, NeurIPS 2017).

    p_average is what the running average of the weights answers to the view before its intensities were changed.
    """

    def __init__(self, weight: float) -> None:
        self.weight = weight

    def loss(self, step: Step) -> Tensor:
        """Return the consistency loss of unpainted pixels."""
        return self.weight * anchor_loss(step.logits, step.teacher, step.batch.blank * ~step.replayed)
