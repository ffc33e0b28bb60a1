"""Central crops of tensors, and how large a view must be so that the patch in it is weighed rightly."""

from __future__ import annotations

from torch import Tensor, nn

from napari_unet.errors import UnetError
from napari_unet.nets.unet import UNet


def centre_crop(x: Tensor, side: int, dims: int) -> Tensor:
    """Return the central `side` pixels of the last `dims` axes."""
    for axis in range(-dims, 0):
        x = x.narrow(axis, (x.shape[axis] - side) // 2, side)
    return x


def view_sizes(net: UNet, patch: int, sigma: float) -> tuple[int, int, int]:
    """Return the sides of (view, network input, output) for patches of at least `patch` pixels.

    The view reaches three sigma beyond the output: instances just outside still press on the border inside.
    """
    if net.padded:
        inside = outside = patch
    else:
        inside, outside = net.geometry.valid_input_size(patch), net.geometry.valid_output_size(patch)
    return max(inside, outside + 2 * round(3 * sigma)), inside, outside


def require_teachable(net: UNet, batch: int, side: int, *, normed: bool = True) -> None:
    """Refuse views of so few pixels per side that none, or in all of a batch just one, reach the deepest level.

    Batch norm that learns measures how values of a batch spread, and one value does not.
    """
    stride = net.geometry.stride
    if net.padded and side < stride:
        raise UnetError(f"patch must be at least {stride} px for {net.geometry.levels} levels, got {side}")
    normed = normed and any(isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d) for module in net.modules())
    if normed and batch * (side // stride) ** net.dims < 2:
        raise UnetError(
            f"a single patch of {side} px leaves one pixel after {net.geometry.levels} levels, too few for batch "
            f"norm: choose batch 2, or a patch of {2 * stride} px"
        )
