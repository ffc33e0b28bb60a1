"""Central crops of tensors, and how large a view must be so that the patch in it is weighed rightly."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from napari_unet.arrays.per_axis import Sides, even_sides, in_words, per_axis, relative_spacing
from napari_unet.errors import UnetError
from napari_unet.nets.unet import UNet


def centre_crop(x: Tensor, sides: Sequence[int]) -> Tensor:
    """Return the central `sides` pixels of the last axes."""
    for axis, side in enumerate(sides, start=-len(sides)):
        x = x.narrow(axis, (x.shape[axis] - side) // 2, side)
    return x


def patch_sides(net: UNet, patch: int | Sequence[int] | None, usual: int, spacing: Sequence[float]) -> Sides:
    """Return the sides of a patch; where none is chosen, those of a box that is `even_sides(usual, spacing)`."""
    if patch is not None:
        return per_axis(patch, net.dims, "patch")
    sides = even_sides(usual, relative_spacing(spacing, net.dims))
    return tuple(step * max(1, round(side / step)) for side, step in zip(sides, net.geometry.stride, strict=True))


def view_sizes(
    net: UNet, patch: Sequence[int], sigma: float, spacing: Sequence[float] = ()
) -> tuple[Sides, Sides, Sides]:
    """Return the sides of (view, network input, output) for patches of at least `patch` pixels.

    The view reaches three sigma beyond the output: instances just outside still press on the border inside.
    """
    inside = outside = tuple(patch)
    if not net.padded:
        inside, outside = net.geometry.valid_input_size(patch), net.geometry.valid_output_size(patch)
    margins = [2 * round(3 * sigma / step) for step in relative_spacing(spacing, net.dims)]
    view = tuple(max(a, b + margin) for a, b, margin in zip(inside, outside, margins, strict=True))
    return view, inside, outside


def require_teachable(net: UNet, batch: int, sides: Sequence[int], *, normed: bool = True) -> None:
    """Refuse views of so few pixels per side that none, or in all of a batch just one, reach the deepest level.

    Batch norm that learns measures how values of a batch spread, and one value does not.
    """
    stride = net.geometry.stride
    if net.padded and any(side < step for side, step in zip(sides, stride, strict=True)):
        raise UnetError(
            f"patch must be at least {in_words(stride)} px for {net.geometry.levels} levels, got {in_words(sides)}"
        )
    normed = normed and any(isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d) for module in net.modules())
    deepest = math.prod(side // step for side, step in zip(sides, stride, strict=True))
    if normed and batch * deepest < 2:
        raise UnetError(
            f"a single patch of {in_words(sides)} px leaves one pixel after {net.geometry.levels} levels, too few "
            f"for batch norm: choose batch 2, or a patch of {in_words([2 * step for step in stride])} px"
        )
