"""A network as other programs run it: normalised intensities in, one map out, nothing else to know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_unet.arrays.normalization import Normalization
from napari_unet.arrays.tiling import mirror_indices
from napari_unet.nets.architectures import build_net
from napari_unet.nets.prediction import mean_of_rotations


class ExchangedUNet(nn.Module):
    """One of our networks with what belongs around it: brightness before, softmax and levels after.

    Input (N, C, *spatial) float, the percentile range at 0..1. The steps of the normalisation that are left are
    fitted to each image: where the model measures brightness by the objects or inverts images on a bright
    background, these do not mind its scale. Output (N, 1, *spatial), the foreground map from which instances are
    read; (N, K, *spatial) class probabilities where `levels` is empty. It has the size of the input, whatever that
    is: what unpadded convolutions need around it is mirrored.
    """

    def __init__(
        self,
        architecture: str,
        arguments: Mapping[str, Any],
        normalization: Mapping[str, Any],
        levels: Sequence[float] = (),
        rotations: bool = False,
    ) -> None:
        super().__init__()
        self.net = build_net(architecture, arguments)
        self.normalization = Normalization.from_dict(normalization).after_percentiles()
        self.levels = tuple(levels)
        self.rotations = rotations

    def forward(self, x: Tensor) -> Tensor:
        """Return the map of normalised images."""
        seen = [torch.from_numpy(self._normalized(image.cpu().numpy())) for image in x]
        probabilities = torch.softmax(self._logits(torch.stack(seen).to(x.device)), dim=1)
        if not self.levels:
            return probabilities
        parts = [level * probabilities[:, k : k + 1] for k, level in enumerate(self.levels) if level]
        return torch.stack(parts).sum(0)

    def _logits(self, x: Tensor) -> Tensor:
        """Return the logits (N, K, *spatial) of every pixel of x (N, C, *spatial), those at its edges too."""
        if self.net.padded:
            return self._answer(x)
        crop = [slice(None), slice(None)]
        for axis, (length, geometry) in enumerate(zip(x.shape[2:], self.net.geometry, strict=True), start=2):
            window = geometry.input_range(0, length)
            first, _ = geometry.output_range(*window)
            crop.append(slice(-first, length - first))
            x = x.index_select(axis, torch.from_numpy(mirror_indices(*window, length)).to(x.device))
        return self._answer(x)[tuple(crop)]

    def _answer(self, x: Tensor) -> Tensor:
        """Return what the network says, or the mean over rotations where the model wants it."""
        if self.rotations:
            return mean_of_rotations(self.net, x, quarters=self.net.geometry[-1] == self.net.geometry[-2])
        logits: Tensor = self.net(x)
        return logits

    def _normalized(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (C, *spatial) as the network reads it."""
        return self.normalization.fit([image]).apply(image)
