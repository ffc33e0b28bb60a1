"""Gaussian blur of views, on whatever device they lie."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from napari_unet.arrays.per_axis import relative_spacing


def gaussian_blur(image: Tensor, sigma: float, spacing: Sequence[float] = ()) -> Tensor:
    """Return (C, *spatial) blurred by a Gaussian of `sigma` pixels, axis by axis, edges replicated.

    Where the pixels' distances differ from axis to axis (`spacing`), sigma is in pixels of the finest one.
    """
    steps = relative_spacing(spacing, image.ndim - 1)
    for axis, step in enumerate(steps, start=1):
        radius = max(1, math.ceil(3 * sigma / step))
        positions = torch.arange(-radius, radius + 1, device=image.device, dtype=image.dtype)
        kernel = torch.exp(-(positions**2) / (2 * (sigma / step) ** 2))
        kernel = kernel / kernel.sum()
        lines = image.movedim(axis, -1)
        padded = F.pad(lines.reshape(-1, 1, lines.shape[-1]), (radius, radius), mode="replicate")
        image = F.conv1d(padded, kernel[None, None]).reshape(lines.shape).movedim(-1, axis)
    return image
