"""The term that keeps what the model learnt first."""

from __future__ import annotations

from torch import Tensor

from napari_unet.nets.loss import anchor_loss
from napari_unet.teaching.terms.step import Step

REPLAY_WEIGHT = 2.0
"""Relative to the strokes' weight of 1."""


class Replay:
    """2 * cross-entropy(p, p_first) over views of the replay set; p_first of the model that learnt these images.

    Learning without forgetting (Li and Hoiem, ECCV 2016), with images of the old task.
    """

    def loss(self, step: Step) -> Tensor:
        """Return the anchor loss of the replayed views; 0 for a batch without one."""
        batch = step.batch
        return REPLAY_WEIGHT * anchor_loss(step.logits, batch.previous, batch.blank * step.replayed)
