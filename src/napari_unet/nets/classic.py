"""The classic U-Net: unpadded convolutions, cropped skips, transposed convolutions."""

from __future__ import annotations

from typing import Any

from torch import nn

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


class ClassicUNet(UNet):
    """The network of Ronneberger, Fischer and Brox 2015 (arXiv 1505.04597): 572 px in, 388 px out.

    `base_channels` double at each of `levels` poolings; 31,031,810 parameters for 3 in / 2 out. The upsampled
    map comes first in the concatenation; `skip="add"` sums instead (Long et al. 2015). `kernels` and `pooling` are
    those of `Levels.of`.
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
        kernels: Any = None,
        pooling: Any = None,
    ) -> None:
        check_arguments(in_channels, out_channels, base_channels, levels, dims)
        plan = Levels.of(levels, dims, kernels, pooling)
        super().__init__(plan, skip=skip, skip_first=False, padded=False, dropout=dropout)
        self.geometry = plan.geometry((2,) * (levels + 1), (2,) * levels)
        widths = [base_channels * 2**level for level in range(levels + 1)]
        self.down = nn.ModuleList(
            ConvBlock([before, width, width], kernel=kernel, padded=False, norm=False)
            for before, width, kernel in zip([in_channels, *widths], widths, plan.kernels, strict=False)
        )
        expanding_path(self, widths, upsample=transposed, norm=False)
        self.head = CONVOLUTION[dims](widths[0], out_channels, 1)
        he_initialise(self)
