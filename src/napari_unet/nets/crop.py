"""Central crops of tensors, and how large a view must be so that the patch in it is weighed rightly."""

from __future__ import annotations

from torch import Tensor

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
