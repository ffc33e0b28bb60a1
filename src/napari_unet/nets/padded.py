"""The padded U-Net: same-size output, batch norm; any input of at least 16 px (for 4 levels)."""

from __future__ import annotations

from typing import Any, Literal

from torch import nn

from napari_unet.errors import UnetError
from napari_unet.nets.levels import Levels
from napari_unet.nets.unet import (
    CONVOLUTION,
    ConvBlock,
    Skip,
    UNet,
    check_arguments,
    expanding_path,
    he_initialise,
    transposed,
)

CENTRE = 0.5
"""What an output of 0 means between 0 and 1, where the head is tanh: outputs so reach from -0.5 to 1.5."""


class PaddedUNet(UNet):
    """[3x3 convolution with padding 1, batch norm, ReLU] x 2 per level, transposed convolutions.

    The upsampled map is padded to the skip's odd size *before* [skip, upsampled] are concatenated. With
    `head="tanh"` it maps images to images in -1..1. 31,042,369 parameters for 1 in / 1 out. `kernels` and
    `pooling` are those of `Levels.of`.
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 2,
        *,
        base_channels: int = 64,
        levels: int = 4,
        dims: int = 2,
        skip: Skip = "concat",
        dropout: float = 0.0,
        head: Literal["logits", "tanh"] = "logits",
        kernels: Any = None,
        pooling: Any = None,
    ) -> None:
        check_arguments(in_channels, out_channels, base_channels, levels, dims)
        if head not in ("logits", "tanh"):
            raise UnetError(f"head must be 'logits' or 'tanh', got {head!r}")
        plan = Levels.of(levels, dims, kernels, pooling)
        super().__init__(plan, skip=skip, skip_first=True, padded=True, dropout=dropout)
        self.geometry = plan.geometry((2,) * (levels + 1), (2,) * levels)
        widths = [base_channels * 2**level for level in range(levels + 1)]
        self.down = nn.ModuleList(
            ConvBlock([before, width, width], kernel=kernel, padded=True, norm=True)
            for before, width, kernel in zip([in_channels, *widths], widths, plan.kernels, strict=False)
        )
        expanding_path(self, widths, upsample=transposed, norm=True)
        classifier = CONVOLUTION[dims](widths[0], out_channels, 1)
        self.head = nn.Sequential(classifier, nn.Tanh()) if head == "tanh" else classifier
        he_initialise(self)
