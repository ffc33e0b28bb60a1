"""What a loss term sees of one step of learning."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from torch import Tensor

from napari_unet.nets.optimization import Optimization
from napari_unet.teaching.sampling import Batch


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """The batch of a step and what the network answers to it."""

    batch: Batch
    logits: Tensor
    """(N, K, *out) of the network that is trained."""
    optimization: Optimization

    @cached_property
    def teacher(self) -> Tensor:
        """Probabilities (N, K, *out) of the averaged weights on the views in their original intensities."""
        return self.optimization.predict(self.batch.plain)

    @cached_property
    def replayed(self) -> Tensor:
        """Whether a view comes from the replay set, (N, 1, ...) so that it multiplies pixel weights (N, *out)."""
        return self.batch.replayed.reshape(-1, *(1,) * (self.batch.weights.ndim - 1))


class Term(Protocol):
    """One summand of the loss."""

    def loss(self, step: Step) -> Tensor:
        """Return this term's share of the loss, a scalar with gradient."""
        ...
