"""The VGG16 U-Net: VGG16 "D" as contracting path, bilinear upsampling; takes ImageNet weights from a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from napari_unet.errors import UnetError, first_line
from napari_unet.files.openable import require_regular_file
from napari_unet.nets.levels import Levels
from napari_unet.nets.tensor_file import read_tensors
from napari_unet.nets.unet import (
    CONVOLUTION,
    Bilinear,
    ConvBlock,
    Skip,
    UNet,
    check_arguments,
    expanding_path,
    he_initialise,
)

CONVOLUTIONS = (2, 2, 3, 3, 3)
MULTIPLES = (1, 2, 4, 8, 8)
PUBLIC_LAYERS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
"""Positions of the 13 convolutions in the public files' `features.N.weight` and `.bias`."""
PUBLIC_LAYERS_NORM = (0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40)
"""The same in the files of the variant with batch norm; its norm layer stands one further on."""


class Vgg16UNet(UNet):
    """VGG16 (Simonyan and Zisserman 2015) cut before each pooling, decoded by bilinear x2 and two convolutions.

    24,892,437 parameters for 3 in / 21 out. Upsampling uses align_corners=False: only that can be tiled.
    """

    def __init__(
        self,
        in_channels: int = 3,
        out_channels: int = 21,
        *,
        base_channels: int = 64,
        levels: int = 4,
        dims: int = 2,
        skip: Skip = "concat",
        dropout: float = 0.0,
        norm: bool = False,
        kernels: Any = None,
        pooling: Any = None,
    ) -> None:
        check_arguments(in_channels, out_channels, base_channels, levels, dims)
        if levels >= len(CONVOLUTIONS):
            raise UnetError(f"VGG16 has at most {len(CONVOLUTIONS) - 1} levels, got {levels}")
        plan = Levels.of(levels, dims, kernels, pooling)
        super().__init__(plan, skip=skip, skip_first=True, padded=True, dropout=dropout)
        counts = CONVOLUTIONS[: levels + 1]
        self.geometry = plan.geometry(counts, (2,) * levels, upsampling_margin=1)
        widths = [base_channels * multiple for multiple in MULTIPLES[: levels + 1]]
        self.down = nn.ModuleList(
            ConvBlock([before, *[width] * count], kernel=kernel, padded=True, norm=norm)
            for before, width, count, kernel in zip(
                [in_channels, *widths], widths, counts, plan.kernels, strict=False
            )
        )
        expanding_path(self, widths, upsample=lambda below, _, factors: (Bilinear(factors), below), norm=False)
        self.head = CONVOLUTION[dims](widths[0], out_channels, 1)
        he_initialise(self)

    def load_public_weights(self, state: Mapping[str, Tensor]) -> None:
        """Take the encoder from a state dict with torchvision's keys; `classifier.*` is ignored.

        The first layer is adapted to the channels of this network: the mean over the colours for one channel,
        the colours in turn (rescaled to keep the activation's size) for more than three.
        """
        positions = PUBLIC_LAYERS_NORM if "features.40.weight" in state else PUBLIC_LAYERS
        convolutions = [layer for layer in self.down.modules() if isinstance(layer, nn.Conv2d)]
        norms = [layer for layer in self.down.modules() if isinstance(layer, nn.BatchNorm2d)]
        if not convolutions:
            raise UnetError("public VGG16 weights are two-dimensional: they cannot start a 3D network")
        if bool(norms) != (positions is PUBLIC_LAYERS_NORM):
            normed = positions is PUBLIC_LAYERS_NORM
            kind, advice = ("with", "give `norm` too") if normed else ("without", "leave `norm` out")
            raise UnetError(f"the weights are of a VGG16 {kind} batch norm: {advice}")
        for norm, position in zip(norms, positions, strict=False):
            _load_norm(norm, state, position + 1)
        for layer, position in zip(convolutions, positions, strict=False):
            weight, bias = _public_layer(state, position)
            if layer is convolutions[0]:
                weight = adapt_channels(weight, layer.in_channels)
            if weight.shape != layer.weight.shape:
                raise UnetError(
                    f"features.{position}.weight has shape {tuple(weight.shape)}, this network needs "
                    f"{tuple(layer.weight.shape)}: use base_channels=64"
                )
            with torch.no_grad():
                layer.weight.copy_(weight)
                assert layer.bias is not None
                layer.bias.copy_(bias)


def _load_norm(norm: nn.BatchNorm2d, state: Mapping[str, Tensor], position: int) -> None:
    """Take scale, shift and statistics of a batch norm."""
    prefix = f"features.{position}."
    part = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    try:
        norm.load_state_dict({"num_batches_tracked": torch.tensor(0), **part})
    except RuntimeError as error:
        raise UnetError(f"the batch norm {prefix}* does not fit: {str(error).splitlines()[-1].strip()}") from None


def read_public_weights(path: Path) -> dict[str, Tensor]:
    """Return the state dict of a local file: .safetensors, or a PyTorch file, of which only tensors are read."""
    require_regular_file(path)
    try:
        return load_file(path) if path.suffix == ".safetensors" else read_tensors(path)
    except (OSError, SafetensorError, MemoryError, UnetError) as error:
        raise UnetError(
            f"{path} holds no weights that can be read safely ({first_line(error)}): "
            "use torchvision's vgg16 weights"
        ) from None


def adapt_channels(weight: Tensor, channels: int) -> Tensor:
    """Return a first layer's weight (out, 3, h, w) for another number of input channels."""
    if channels == weight.shape[1]:
        return weight
    if channels == 1:
        return weight.mean(dim=1, keepdim=True)
    turns = [channel % weight.shape[1] for channel in range(channels)]
    return weight[:, turns] * (weight.shape[1] / channels)


def _public_layer(state: Mapping[str, Tensor], position: int) -> tuple[Tensor, Tensor]:
    try:
        return state[f"features.{position}.weight"], state[f"features.{position}.bias"]
    except KeyError as missing:
        raise UnetError(f"the file is no VGG16: it lacks {missing}; use torchvision's vgg16 weights") from None
