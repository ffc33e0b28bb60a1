"""How well a network knows what it sees, from its own batch norms: no label and no other image is needed.

A batch norm keeps the mean and variance that each channel had over the training images. What a new image makes of
the same channel is compared with them; images of another kind set off other features, already in the first layers.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_unet.nets.unet import UNet

NORMS = (nn.BatchNorm2d, nn.BatchNorm3d)
MIN_VARIANCE = 1e-5
"""Added to variances, as batch norm itself does."""


class Familiarity:
    """A network (padded, with batch norms) that answers and says how surprised it is."""

    def __init__(self, net: UNet) -> None:
        self._net = net.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._surprises: list[float] = []
        self._norms = [module for module in net.modules() if isinstance(module, NORMS)]

    @torch.inference_mode()
    def __call__(self, block: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
        """Return the probabilities (K, *spatial) of a block (C, *spatial), and the surprise; see `divergence`.

        The sides of the block must be multiples of the network's stride.
        """
        self._surprises = []
        handles = [norm.register_forward_hook(self._compare) for norm in self._norms]
        try:
            x = torch.from_numpy(block)[None].contiguous(memory_format=torch.channels_last)
            maps: NDArray[np.float32] = torch.softmax(self._net(x), 1)[0].numpy()
        finally:
            for handle in handles:
                handle.remove()
        return maps, float(np.mean(self._surprises))

    def _compare(self, norm: nn.Module, inputs: tuple[Tensor, ...], _output: Tensor) -> None:
        assert isinstance(norm, NORMS)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        variance, mean = torch.var_mean(inputs[0], dim=[0, *range(2, inputs[0].ndim)], correction=0)
        self._surprises.append(float(divergence(mean, variance, norm.running_mean, norm.running_var).mean()))


def divergence(mean: Tensor, variance: Tensor, known_mean: Tensor, known_variance: Tensor) -> Tensor:
    """Return, per channel, the Kullback-Leibler divergence in nats of one Gaussian from a known one; 0: alike."""
    ratio = (variance + MIN_VARIANCE) / (known_variance + MIN_VARIANCE)
    apart = (mean - known_mean) ** 2 / (known_variance + MIN_VARIANCE)
    return (ratio + apart - 1 - ratio.log()) / 2
