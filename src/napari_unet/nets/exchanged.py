"""A network as other programs run it: normalised intensities in, one map out, nothing else to know."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from napari_unet.arrays.normalization import typical_brightness
from napari_unet.nets.architectures import build_net


class ExchangedUNet(nn.Module):
    """One of our networks with what belongs around it: brightness before, softmax and levels after.

    Input (N, C, *spatial) float, the percentile range at 0..1; each image is scaled by its own typical brightness
    where the model wants that (`foreground`, see Normalization), then compressed. Output (N, 1, *spatial), the
    foreground map from which instances are read; (N, K, *spatial) class probabilities where `levels` is empty.
    """

    def __init__(
        self,
        architecture: str,
        arguments: Mapping[str, Any],
        compression: float = 0.0,
        levels: Sequence[float] = (),
        foreground: bool = False,
    ) -> None:
        super().__init__()
        self.net = build_net(architecture, arguments)
        self.compression = compression
        self.levels = tuple(levels)
        self.foreground = foreground

    def forward(self, x: Tensor) -> Tensor:
        """Return the map of normalised images."""
        x = x.clamp_min(0)
        if self.foreground:
            typical = [2 * typical_brightness(image.double().cpu().numpy()) for image in x]
            x = x / torch.tensor(typical, dtype=x.dtype, device=x.device).reshape(-1, *(1,) * (x.ndim - 1))
        if self.compression:
            x = torch.log1p(x * self.compression) / math.log1p(self.compression)
        probabilities = torch.softmax(self.net(x), dim=1)
        if not self.levels:
            return probabilities
        parts = [level * probabilities[:, k : k + 1] for k, level in enumerate(self.levels) if level]
        return torch.stack(parts).sum(0)
