"""The loss: cross-entropy weighted per pixel, and nothing from pixels that nobody annotated."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def weighted_cross_entropy(logits: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Return sum(w * cross-entropy) / sum(w), a scalar; 0 where nothing is annotated.

    Ronneberger et al. 2015, eq. 1, normalised by the sum of weights so that its size does not depend on how
    much was painted. logits (N, K, *spatial), target (N, *spatial) class indices, weights (N, *spatial) >= 0.
    """
    losses = F.cross_entropy(logits.float(), target, reduction="none")
    return (losses * weights).sum() / weights.sum().clamp_min(1e-12)
