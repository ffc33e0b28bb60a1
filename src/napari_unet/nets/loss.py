"""The loss: cross-entropy weighted per pixel, and nothing from pixels without annotation."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def regression_loss(output: Tensor, target: Tensor, *, squared: bool) -> Tensor:
    """Return the mean absolute (L1) or squared (L2) difference of images, a scalar."""
    return (F.mse_loss if squared else F.l1_loss)(output.float(), target)


def weighted_cross_entropy(logits: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Return sum(w * cross-entropy) / sum(w), a scalar; 0 where nothing is annotated.

    Ronneberger et al. 2015, eq. 1, normalised by the sum of weights so that its size does not depend on how
    much was painted. logits (N, K, *spatial), target (N, *spatial) class indices, weights (N, *spatial) >= 0.
    The index K means "an object, whichever of its classes": a scribble that does not say where the border is.
    """
    log_probability = F.log_softmax(logits.float(), dim=1)
    an_object = torch.logsumexp(log_probability[:, 1:], dim=1, keepdim=True)
    losses = F.nll_loss(torch.cat([log_probability, an_object], dim=1), target, reduction="none")
    return (losses * weights).sum() / weights.sum().clamp_min(1e-12)


def anchor_loss(logits: Tensor, previous: Tensor, weights: Tensor) -> Tensor:
    """Return the cross-entropy of the predictions towards the previous model's probabilities, a scalar.

    Corrections lie only where a model is wrong; this term keeps the former answers everywhere else. logits and
    previous are (N, K, *spatial), weights (N, *spatial) >= 0; 0 where all weights are 0.
    """
    losses = -(previous * F.log_softmax(logits.float(), dim=1)).sum(dim=1)
    return (losses * weights).sum() / weights.sum().clamp_min(1e-12)
