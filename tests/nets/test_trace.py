"""The shapes that `info --trace` prints are those of the network, and of the paper's figure."""

import pytest
import torch
from torch import nn

from napari_unet.errors import UnetError
from napari_unet.nets.levels import plan_levels
from napari_unet.nets.trace import smallest_side, trace
from tests.nets.small import small_net

PAPER = [
    572, 570, 568, 284, 282, 280, 140, 138, 136, 68, 66, 64, 32, 30, 28,
    56, 56, 54, 52, 104, 104, 102, 100, 200, 200, 198, 196, 392, 392, 390, 388, 388,
]  # fmt: skip
"""Ronneberger et al. 2015, figure 1: input, each convolution and pooling, and back."""


def test_the_paper_s_figure():
    steps = trace(small_net("classic", base_channels=1), 572)
    assert [step.sides for step in steps] == [(side, side) for side in PAPER]
    assert steps[-1].channels == 2


@pytest.mark.parametrize("kind", ["classic", "padded", "vgg16"])
@pytest.mark.parametrize("skip", ["concat", "add"])
@pytest.mark.parametrize("more", [0, 1, 7])
def test_every_shape_is_that_of_the_network(kind, skip, more):
    net = small_net(kind, levels=2, skip=skip)
    side = smallest_side(net) + more
    shapes = []
    kinds = (nn.Conv2d, nn.MaxPool2d)
    for block in [*net.down, *net.decode, net.head, *net.pools]:
        for layer in [block, *block.modules()]:
            if isinstance(layer, kinds) and not layer._forward_hooks:
                layer.register_forward_hook(lambda _module, _given, out: shapes.append(tuple(out.shape[1:])))
    with torch.no_grad():
        net(torch.zeros(1, 1, side, side))
    run = ("pool", "outp", "conv")
    named = [step for step in trace(net, side) if step.layer[:4] in run or step.layer[-4:] in run]
    assert [(step.channels, *step.sides) for step in named] == shapes


@pytest.mark.parametrize("kind", ["classic", "padded", "vgg16"])
def test_the_smallest_size_gives_an_answer_and_none_below_it(kind):
    net = small_net(kind, levels=3)
    smallest = smallest_side(net)
    assert trace(net, smallest)[-1].sides[0] >= 1
    with pytest.raises(UnetError, match=f"takes {smallest} px per axis at least, got {smallest - 1}:"):
        trace(net, smallest - 1)


def test_planes_far_apart_are_not_pooled_where_the_network_leaves_them():
    planned = plan_levels((4, 1, 1), 2)
    steps = trace(small_net("padded", levels=2, dims=3, **planned), 8)
    assert steps[-1].sides == (8, 8, 8)
    assert (8, 4, 4) in [step.sides for step in steps]


def test_in_three_dimensions():
    assert trace(small_net("padded", levels=1, dims=3), 6)[-1].sides == (6, 6, 6)
