"""Gaussian blur of views, on whatever device they lie."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def gaussian_blur(image: Tensor, sigma: float) -> Tensor:
    """Return (C, *spatial) blurred by a Gaussian of `sigma` pixels, axis by axis, edges replicated."""
    radius = max(1, math.ceil(3 * sigma))
    positions = torch.arange(-radius, radius + 1, device=image.device, dtype=image.dtype)
    kernel = torch.exp(-(positions**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    for axis in range(1, image.ndim):
        lines = image.movedim(axis, -1)
        padded = F.pad(lines.reshape(-1, 1, lines.shape[-1]), (radius, radius), mode="replicate")
        image = F.conv1d(padded, kernel[None, None]).reshape(lines.shape).movedim(-1, axis)
    return image
