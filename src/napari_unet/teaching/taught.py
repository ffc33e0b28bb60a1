"""How the network answered the painted pixels of its last steps."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_unet.models.spec import ModelSpec
from napari_unet.teaching.sampling import Batch
from napari_unet.teaching.scores import mean_iou

DECAY = 0.9
"""Share of the counts that each step keeps: they are those of the last ten steps or so."""


class TaughtPixels:
    """A table of classes painted and classes found, of objects and background where a model tells no classes."""

    def __init__(self, spec: ModelSpec) -> None:
        """Begin with nothing answered."""
        self._semantic = spec.is_semantic
        count = len(spec.classes) if spec.is_semantic else 2
        self.table: NDArray[np.float64] = np.zeros((count, count))

    @torch.no_grad()
    def note(self, answers: Tensor, views: Batch) -> None:
        """Remember how the painted pixels of a step were answered, by logits (N, K, *out)."""
        painted = views.weights > 0
        truth, found = views.classes[painted], answers.argmax(1)[painted]
        if not self._semantic:
            truth, found = (truth > 0).long(), (found > 0).long()
        count = len(self.table)
        pairs = torch.bincount(truth * count + found, minlength=count**2)
        self.table = DECAY * self.table + pairs.cpu().numpy().reshape(count, count)

    def score(self) -> float:
        """Return the mean IoU of the classes."""
        return mean_iou(self.table)
