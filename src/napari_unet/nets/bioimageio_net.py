"""A network as other programs run it: intensities in, one map or image out, nothing else to know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from napari_unet.arrays.normalization import FittedNormalization, Normalization
from napari_unet.arrays.tiling import mirror_indices
from napari_unet.errors import UnetError
from napari_unet.nets.architectures import build_net
from napari_unet.nets.padded import CENTRE
from napari_unet.nets.prediction import mean_of_rotations


class ExchangedUNet(nn.Module):
    """One of our networks with what belongs around it: brightness before, softmax and levels after.

    Input (N, C, *spatial) float, the percentile range at 0..1. The steps of the normalisation that are left are
    fitted to each image: where the model measures brightness by the objects or inverts images on a bright
    background, these do not mind its scale.

    Output (N, 1, *spatial), the foreground map from which instances are read; (N, K, *spatial) class probabilities
    where `levels` is empty. A tanh head gives an image (N, K, *spatial) instead: the output as it is, or, with
    `keeps_units`, in the units of the first channel, which then has come with its own intensities. All have the
    size of the input, whatever that is: what unpadded convolutions need around it is mirrored.
    """

    def __init__(
        self,
        architecture: str,
        arguments: Mapping[str, Any],
        normalization: Mapping[str, Any],
        levels: Sequence[float] = (),
        rotations: bool = False,
        *,
        keeps_units: bool = False,
    ) -> None:
        super().__init__()
        self.net = build_net(architecture, arguments)
        wanted = Normalization.from_dict(normalization)
        self.normalization = wanted if keeps_units else wanted.after_percentiles()
        self.levels = tuple(levels)
        self.rotations = rotations
        self.gives_image = arguments.get("head") == "tanh"
        self.keeps_units = keeps_units

    def forward(self, x: Tensor) -> Tensor:
        """Return the map, or the image, of images."""
        images = [image.cpu().numpy() for image in x]
        fitted = [self.normalization.fit([image]) for image in images]
        seen = np.stack([steps.apply(image) for steps, image in zip(fitted, images, strict=True)])
        answer = self._logits(torch.from_numpy(seen).to(x.device))
        if self.gives_image:
            return _in_units(answer, fitted) if self.keeps_units else answer
        return self._map(torch.softmax(answer, dim=1))

    def _map(self, probabilities: Tensor) -> Tensor:
        """Return the foreground map, or the probabilities where classes are the answer."""
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


def _in_units(answer: Tensor, fitted: Sequence[FittedNormalization]) -> Tensor:
    """Return outputs (N, K, *spatial) in the units that the first channel of each image had."""
    if not all(steps.ranges for steps in fitted):
        raise UnetError("the network gives an image in the units of its input, but measures no range of it")
    ranges = [steps.ranges[0] for steps in fitted]
    low = torch.tensor([one.low for one in ranges], dtype=answer.dtype, device=answer.device)
    high = torch.tensor([one.high for one in ranges], dtype=answer.dtype, device=answer.device)
    each = (-1, *(1,) * (answer.ndim - 1))
    return (answer + CENTRE) * (high - low).view(each) + low.view(each)
