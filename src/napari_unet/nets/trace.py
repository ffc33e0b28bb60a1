"""The shapes of an image on its way through a network, layer by layer, as figure 1 of the U-Net paper shows.

They are computed from the layers' kernels and paddings; nothing is run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from torch import nn

from napari_unet.errors import UnetError
from napari_unet.nets.unet import UNet

Sides = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """What comes out of one layer."""

    layer: str
    channels: int
    sides: Sides

    def __str__(self) -> str:
        return f"{self.layer:18} {self.channels:5} x {' x '.join(map(str, self.sides))}"


def trace(net: UNet, side: int) -> list[Step]:
    """Return the shapes of an image of `side` pixels per axis in a network, from the input to the output.

    Raises
    ------
    UnetError
        If the image is so small that nothing is left of it.
    """
    smallest = smallest_side(net)
    if side < smallest:
        raise UnetError(f"this network takes {smallest} px per axis at least, got {side}: give a larger size")
    return list(_steps(net, (side,) * net.dims))


def smallest_side(net: UNet) -> int:
    """Return the side in pixels of the smallest image, equally long along all axes, from which an answer comes."""
    geometry = net.geometry
    return max(geometry.stride if net.padded else geometry.valid_input_size((1,) * net.dims))


def _steps(net: UNet, sides: Sides) -> Iterator[Step]:
    first = next(layer for layer in net.down[0].modules() if isinstance(layer, nn.Conv2d | nn.Conv3d))
    yield Step("input", first.in_channels, sides)
    skips: list[tuple[int, Sides]] = []
    channels = first.in_channels
    for level, block in enumerate(net.down):
        if level:
            sides = tuple(n // factor for n, factor in zip(sides, net.levels.pooling[level - 1], strict=True))
            yield Step(f"pooling {level}", channels, sides)
        for step in _convolved(block, f"level {level}", sides):
            yield step
            channels, sides = step.channels, step.sides
        skips.append((channels, sides))
    skips.pop()
    for number, (up, decode) in enumerate(zip(net.up, net.decode, strict=True)):
        level = len(net.up) - 1 - number
        width, skipped = skips.pop()
        wider = tuple(n * factor for n, factor in zip(sides, net.levels.pooling[level], strict=True))
        channels, sides = _up(up, channels), _joined(net, wider, skipped)
        yield Step(f"up to level {level}", channels, sides)
        yield Step(f"skip ({net.skip})", width if net.skip == "add" else width + channels, sides)
        for step in _convolved(decode, f"level {level}", sides):
            yield step
            channels, sides = step.channels, step.sides
    yield from (Step("output", step.channels, step.sides) for step in _convolved(net.head, "", sides))


def _joined(net: UNet, doubled: Sides, skipped: Sides) -> Sides:
    """Return the size at which a map and its skip join: of an odd skip in a padded network the skip's."""
    return skipped if net.padded else doubled


def _convolved(block: nn.Module, name: str, sides: Sides) -> Iterator[Step]:
    """Yield what comes out of each convolution of a block."""
    for layer in block.modules():
        if isinstance(layer, nn.Conv2d | nn.Conv3d):
            padding = cast("tuple[int, ...]", layer.padding)
            sides = tuple(
                length + 2 * pad - (kernel - 1)
                for length, pad, kernel in zip(sides, padding, layer.kernel_size, strict=True)
            )
            yield Step(f"{name} conv".strip(), layer.out_channels, sides)


def _up(up: nn.Module, channels: int) -> int:
    """Return how many channels come out of upsampling."""
    kinds = (nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Conv2d, nn.Conv3d)
    layers = [layer for layer in up.modules() if isinstance(layer, kinds)]
    return layers[-1].out_channels if layers else channels
