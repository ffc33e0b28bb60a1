"""The skeleton that all U-Nets here share: down, up, skips, head; and their copy for exact tiling."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Literal, Self, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from napari_unet.arrays.per_axis import in_words
from napari_unet.errors import UnetError
from napari_unet.nets.geometry import Geometries
from napari_unet.nets.levels import Levels

Skip = Literal["concat", "add"]

CONVOLUTION: dict[int, Any] = {2: nn.Conv2d, 3: nn.Conv3d}
UP_CONVOLUTION: dict[int, Any] = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
BATCH_NORM: dict[int, Any] = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
POOL: dict[int, Any] = {2: nn.MaxPool2d, 3: nn.MaxPool3d}

MAX_LEVELS = 8
"""Deeper networks would see more than any image holds, and their weights fill any memory."""


class ConvBlock(nn.Sequential):
    """A row of [convolution, batch norm if wanted, ReLU]; `kernel` is its width per axis, 3 or 1.

    Padded convolutions keep the size, others shrink it by 2 px along each axis in which they are 3 wide.
    """

    def __init__(self, channels: Sequence[int], *, kernel: tuple[int, ...], padded: bool, norm: bool) -> None:
        layers: list[nn.Module] = []
        dims = len(kernel)
        padding = tuple(width // 2 if padded else 0 for width in kernel)
        for before, after in pairwise(channels):
            layers.append(CONVOLUTION[dims](before, after, kernel, padding=padding))
            if norm:
                layers.append(BATCH_NORM[dims](after))
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers)


class Bilinear(nn.Module):
    """Bilinear (trilinear) upsampling with align_corners=False, which commutes with shifts and so can be tiled."""

    def __init__(self, factors: tuple[int, ...]) -> None:
        super().__init__()
        self.mode = {2: "bilinear", 3: "trilinear"}[len(factors)]
        self.factors = factors
        self.margin = 0
        """Pixels to cut per side of doubled axes: 1 in the unpadded copy, where the outermost lack a neighbour."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x at so many times its size, less the margin."""
        scale = [float(factor) for factor in self.factors]
        larger = F.interpolate(x, scale_factor=scale, mode=self.mode, align_corners=False)
        for axis, factor in enumerate(self.factors, start=2):
            if self.margin and factor > 1:
                larger = larger.narrow(axis, self.margin, larger.shape[axis] - 2 * self.margin)
        return larger


class UNet(nn.Module):
    """Contracting path, expanding path, skips between them (Ronneberger et al. 2015, fig. 1).

    Subclasses fill `down`, `up`, `decode` and `head` and say their `geometry`. Input (N, C, *spatial) float;
    output (N, K, *spatial) logits, smaller by the geometry's margins where convolutions are unpadded.
    """

    down: nn.ModuleList
    up: nn.ModuleList
    decode: nn.ModuleList
    head: nn.Module
    geometry: Geometries

    def __init__(self, levels: Levels, *, skip: Skip, skip_first: bool, padded: bool, dropout: float) -> None:
        super().__init__()
        if skip not in ("concat", "add"):
            raise UnetError(f"skip must be 'concat' or 'add', got {skip!r}")
        if not 0 <= dropout < 1:
            raise UnetError(f"dropout must lie in 0..1, got {dropout}")
        self.dims = len(levels.kernels[0])
        self.levels = levels
        self.skip = skip
        self.skip_first = skip_first
        self.padded = padded
        self.pools = nn.ModuleList(POOL[self.dims](factors) for factors in levels.pooling)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of x."""
        if self.padded and any(side < step for side, step in zip(x.shape[2:], self.geometry.stride, strict=True)):
            raise UnetError(
                f"the image must be at least {in_words(self.geometry.stride)} px wide for this network, "
                f"got {tuple(x.shape[2:])}: enlarge it"
            )
        skips = []
        for block, pool in zip(self.down[:-1], self.pools, strict=True):
            x = block(x)
            skips.append(x)
            x = pool(x)
        x = self.dropout(self.down[-1](x))
        for up, decode in zip(self.up, self.decode, strict=True):
            x = decode(self._join(skips.pop(), up(x)))
        logits: Tensor = self.head(x)
        return logits

    def unpadded(self) -> Self:
        """Return a copy for exact tiling: same weights, no padding, batch norm folded, evaluation mode.

        Where the window of a tile holds enough context, its output equals that of the padded network in the
        interior of the image; nothing in it can see a border.
        """
        valid = copy.deepcopy(self).eval()
        valid.padded = False
        for module in valid.modules():
            if isinstance(module, nn.Conv2d | nn.Conv3d) and max(module.kernel_size) > 1:
                module.padding = (0,) * self.dims
            elif isinstance(module, Bilinear):
                module.margin = 1
            elif isinstance(module, ConvBlock):
                fold_batch_norm(module)
        return valid

    def _join(self, skip: Tensor, x: Tensor) -> Tensor:
        skip, x = match_sizes(skip, x)
        if self.skip == "add":
            return skip + x
        return torch.cat([skip, x] if self.skip_first else [x, skip], dim=1)


def match_sizes(skip: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the skip centre-cropped to x, or x padded by the row that an odd skip has more."""
    spare = [before - after for before, after in zip(skip.shape[2:], x.shape[2:], strict=True)]
    if not any(spare):
        return skip, x
    if max(spare) <= 1:
        return skip, F.pad(x, [side for more in reversed(spare) for side in (0, more)])
    for axis, (more, size) in enumerate(zip(spare, x.shape[2:], strict=True), start=2):
        skip = skip.narrow(axis, more // 2, size)
    return skip, x


def he_initialise(net: nn.Module) -> None:
    """Draw weights with standard deviation sqrt(2 / incoming connections), biases 0 (He et al. 2015).

    An outline on PyTorch's meta device, which has shapes but no values, is left as it is: drawing there would
    import `torch._dynamo` and with it triton (see `optimizers`).
    """
    if any(value.is_meta for value in net.parameters()):
        return
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d):
            incoming = module.in_channels
            if isinstance(module, nn.Conv2d | nn.Conv3d):
                incoming *= math.prod(module.kernel_size)
            nn.init.normal_(module.weight, std=math.sqrt(2 / incoming))
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def expanding_path(
    net: UNet,
    widths: Sequence[int],
    *,
    upsample: Callable[[int, int, tuple[int, ...]], tuple[nn.Module, int]],
    norm: bool,
) -> None:
    """Fill `net.up` and `net.decode` for `widths` per level, full resolution first, the bottom last.

    `upsample(from, to, factors)` returns the upsampling module and the channels that it gives.
    """
    ups, decodes = [], []
    below = widths[-1]
    for level in reversed(range(len(widths) - 1)):
        width = widths[level]
        up, channels = upsample(below, width, net.levels.pooling[level])
        if net.skip == "add" and channels != width:
            up, channels = nn.Sequential(up, CONVOLUTION[net.dims](channels, width, 1)), width
        joined = width if net.skip == "add" else width + channels
        ups.append(up)
        kernel = net.levels.kernels[level]
        decodes.append(ConvBlock([joined, width, width], kernel=kernel, padded=net.padded, norm=norm))
        below = width
    net.up, net.decode = nn.ModuleList(ups), nn.ModuleList(decodes)


def transposed(below: int, width: int, factors: tuple[int, ...]) -> tuple[nn.Module, int]:
    """Return the transposed convolution that undoes a pooling, and the channels that it gives."""
    return UP_CONVOLUTION[len(factors)](below, width, factors, stride=factors), width


def check_arguments(in_channels: int, out_channels: int, base_channels: int, levels: int, dims: int) -> None:
    """Refuse sizes of a network that cannot be."""
    if dims not in CONVOLUTION:
        raise UnetError(f"a network works in 2 or 3 dimensions, got {dims}")
    for name, value in {
        "in_channels": in_channels,
        "out_channels": out_channels,
        "base_channels": base_channels,
        "levels": levels,
    }.items():
        if value < 1:
            raise UnetError(f"{name} must be at least 1, got {value}")
    if levels > MAX_LEVELS:
        raise UnetError(f"levels must be at most {MAX_LEVELS}, got {levels}: each halves the resolution")


def fold_batch_norm(block: ConvBlock) -> None:
    """Put the batch norm of every convolution of the block into its weights, in place."""
    layers: list[nn.Module] = []
    for layer in block:
        if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm3d):
            layers[-1] = fuse_conv_bn_eval(cast("nn.Conv2d", layers[-1]), layer)
        else:
            layers.append(layer)
    for name in list(block._modules):
        del block._modules[name]
    for position, layer in enumerate(layers):
        block.add_module(str(position), layer)
