"""Small networks with the traits of trained ones, for the tests of this folder."""

import torch
from torch import nn

from napari_unet.nets.classic import ClassicUNet
from napari_unet.nets.padded import PaddedUNet
from napari_unet.nets.vgg16 import Vgg16UNet

KINDS = {"classic": ClassicUNet, "padded": PaddedUNet, "vgg16": Vgg16UNet}


def small_net(kind, seed=0, **arguments):
    """Return a network of few channels: He-normal weights, batch norm as after some training, evaluation mode."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = KINDS[kind](**{"in_channels": 1, "out_channels": 2, "base_channels": 4, **arguments})
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, std=0.2)
                nn.init.normal_(module.running_mean, std=0.3)
                nn.init.uniform_(module.running_var, 0.5, 2)
    return net.eval()


def noise(*shape, seed=0):
    """Return standard normal noise, the same for the same seed."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
