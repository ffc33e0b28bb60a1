"""A network as other programs run it: normalised intensities in, one map out, nothing else to know."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from napari_unet.nets.architectures import build_net


class ExchangedUNet(nn.Module):
    """One of our networks with what belongs around it: logarithmic compression before, softmax and levels after.

    Input (N, C, *spatial) float, the percentile range at 0..1. Output (N, 1, *spatial), the foreground map from
    which instances are read; (N, K, *spatial) class probabilities where `levels` is empty.
    """

    def __init__(
        self,
        architecture: str,
        arguments: Mapping[str, Any],
        compression: float = 0.0,
        levels: Sequence[float] = (),
    ) -> None:
        super().__init__()
        self.net = build_net(architecture, arguments)
        self.compression = compression
        self.levels = tuple(levels)

    def forward(self, x: Tensor) -> Tensor:
        """Return the map of normalised images."""
        x = x.clamp_min(0)
        if self.compression:
            x = torch.log1p(x * self.compression) / math.log1p(self.compression)
        probabilities = torch.softmax(self.net(x), dim=1)
        if not self.levels:
            return probabilities
        parts = [level * probabilities[:, k : k + 1] for k, level in enumerate(self.levels) if level]
        return torch.stack(parts).sum(0)
