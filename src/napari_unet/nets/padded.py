"""The padded U-Net: same-size output, batch norm; any input of at least 16 px (for 4 levels)."""

from __future__ import annotations

from typing import Literal

from torch import nn

from napari_unet.errors import UnetError
from napari_unet.nets.geometry import Geometry
from napari_unet.nets.unet import (
    CONVOLUTION,
    UP_CONVOLUTION,
    ConvBlock,
    Skip,
    UNet,
    check_arguments,
    expanding_path,
    he_initialise,
)


class PaddedUNet(UNet):
    """[3x3 convolution with padding 1, batch norm, ReLU] x 2 per level, transposed convolutions.

    The upsampled map is padded to the skip's odd size *before* [skip, upsampled] are concatenated. With
    `head="tanh"` it maps images to images in -1..1. 31,042,369 parameters for 1 in / 1 out.
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
    ) -> None:
        check_arguments(in_channels, out_channels, base_channels, levels)
        if head not in ("logits", "tanh"):
            raise UnetError(f"head must be 'logits' or 'tanh', got {head!r}")
        super().__init__(dims=dims, skip=skip, skip_first=True, padded=True, dropout=dropout)
        self.geometry = Geometry(down=(2,) * (levels + 1), up=(2,) * levels)
        widths = [base_channels * 2**level for level in range(levels + 1)]
        self.down = nn.ModuleList(
            ConvBlock([before, width, width], dims=dims, padding=1, norm=True)
            for before, width in zip([in_channels, *widths], widths, strict=False)
        )
        expanding_path(
            self,
            widths,
            upsample=lambda below, width: (UP_CONVOLUTION[dims](below, width, 2, stride=2), width),
            norm=True,
        )
        classifier = CONVOLUTION[dims](widths[0], out_channels, 1)
        self.head = nn.Sequential(classifier, nn.Tanh()) if head == "tanh" else classifier
        he_initialise(self)
