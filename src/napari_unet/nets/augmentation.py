"""Random views of an annotated image: how far they may differ from it, and the warp of image and ids.

Everything is drawn from a NumPy generator that the caller seeds; the warping runs on the device (grid_sample).
Only ids are warped here: ridge and weights are computed from the warped ids afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from napari_unet.arrays.per_axis import relative_spacing
from napari_unet.settings.augmentation import AugmentationSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Warp:
    """Where each pixel of a view comes from: a linear map about a centre plus smooth displacements."""

    centre: NDArray[np.float64]
    matrix: NDArray[np.float64]
    """(d, d): step in the source, in pixels, per step in the view; axes in array order."""
    displacements: NDArray[np.float64]
    """(d, 3, ..., 3) displacements in source pixels on a coarse grid over the view."""


def draw_warp(
    rng: np.random.Generator,
    centre: Sequence[float],
    settings: AugmentationSettings,
    spacing: Sequence[float] = (),
) -> Warp:
    """Draw a warp: rotation in the last two axes, flips, scale, shear, elastic displacements.

    Planes of a volume stay planes: it is displaced within them alone, and shifted by up to half the distance of
    two, for where an object is cut is chance. `spacing` are the pixels' distances per axis; displacements are in
    pixels of the finest axis.
    """
    dims = len(centre)
    steps = np.array(relative_spacing(spacing, dims))
    matrix = np.eye(dims)
    angle = rng.uniform(0, 2 * math.pi) if settings.rotate else 0.0
    plane = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    plane = plane @ (np.eye(2) + rng.uniform(-settings.shear, settings.shear, (2, 2)) * (1 - np.eye(2)))
    matrix[-2:, -2:] = plane
    if settings.flip:
        matrix = matrix @ np.diag(rng.choice([-1.0, 1.0], dims))
    matrix /= math.exp(rng.uniform(*np.log(settings.scale)))  # scale 2: objects twice as large in the view
    displacements = rng.normal(0, 1, (dims, *(3,) * dims)) * settings.elastic
    displacements[:-2] = 0
    shift = np.zeros(dims)
    if settings.elastic and dims > 2:
        shift[:-2] = rng.uniform(-0.5, 0.5, dims - 2)
    return Warp(
        centre=np.asarray(centre, float) + shift,
        matrix=matrix * steps / steps[:, None],
        displacements=displacements / steps.reshape(-1, *(1,) * dims),
    )


def warp_image(image: Tensor, warp: Warp, size: Sequence[int], *, nearest: bool = False) -> Tensor:
    """Return the view of (C, *spatial) that `warp` describes, (C, *size); outside the image it is mirrored."""
    grid = _grid(warp, size, image.shape[1:], image.device)
    return F.grid_sample(
        image[None].float(),
        grid[None],
        mode="nearest" if nearest else "bilinear",
        padding_mode="reflection",
        align_corners=True,
    )[0]


def warp_labels(labels: Tensor, warp: Warp, size: Sequence[int]) -> NDArray[np.int32]:
    """Return the instance ids (*spatial, below 2^24) in the same view, by nearest neighbour."""
    warped = warp_image(labels[None], warp, size, nearest=True)[0]
    return warped.round().to(torch.int32).cpu().numpy()


def _grid(warp: Warp, size: Sequence[int], spatial: Sequence[int], device: torch.device) -> Tensor:
    """Return the sampling grid (*size, d) in grid_sample's coordinates: -1..1, last axis first."""
    dims = len(size)
    axes = [torch.arange(length, device=device, dtype=torch.float32) - length // 2 for length in size]
    view = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    matrix = torch.as_tensor(warp.matrix, dtype=torch.float32, device=device)
    source = torch.einsum("ij,j...->i...", matrix, view)
    coarse = torch.as_tensor(warp.displacements, dtype=torch.float32, device=device)
    mode = {2: "bicubic", 3: "trilinear"}[dims]
    source = source + F.interpolate(coarse[None], size=tuple(size), mode=mode, align_corners=True)[0]
    centre = torch.as_tensor(warp.centre, dtype=torch.float32, device=device)
    source = source + centre.reshape(-1, *(1,) * dims)
    extent = torch.tensor([max(length - 1, 1) for length in spatial], device=device)
    scaled = source / extent.reshape(-1, *(1,) * dims) * 2 - 1
    return scaled.flip(0).movedim(0, -1)


def as_tensor(array: NDArray[Any], device: torch.device) -> Tensor:
    """Return a float32 tensor of a NumPy array on the device."""
    return torch.from_numpy(np.ascontiguousarray(array, np.float32)).to(device)
