"""A network of a few hundred weights that stands for `nuclei` where a test is about the window, not skill."""

from dataclasses import replace
from functools import cache

import torch

from napari_unet.arrays.normalization import Normalization, Percentile
from napari_unet.models.library import SHIPPED
from napari_unet.models.model import Model
from napari_unet.models.spec import read_spec
from napari_unet.nets.architectures import build_net
from napari_unet.nets.seeding import seeded

GAIN = 8
"""Logit per brightness: steep enough for discs to be sure of, flat enough to be taught otherwise in seconds."""


@cache
def quick_nuclei(axes="YX"):
    """Return a model of the classes of `nuclei` whose first channel says how bright a pixel is.

    Bright is nucleus; its other channels are random, and learn. It measures no sizes and replays nothing.
    """
    known, dims = read_spec(SHIPPED / "nuclei.safetensors"), len(axes)
    sizes = {"base_channels": 4, "levels": 2, "dims": dims}
    arguments = {"in_channels": 1, "out_channels": len(known.classes), **sizes}
    spec = replace(
        known,
        axes=axes,
        arguments=arguments,
        sizes=None,
        normalization=Normalization(steps=(Percentile(low=0, high=100),)),
        training={"data": "none"},
    )
    with seeded(0):
        net = build_net(spec.architecture, arguments).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.ndim > 1 and parameter.shape[-1] == 3:
                parameter[0] = 0
                parameter[(0, 0, *[1] * dims)] = 1
        net.head.weight.zero_()
        net.head.weight[1, 0] = GAIN
        net.head.bias.copy_(torch.tensor([0, -GAIN / 2, -GAIN]))
    return Model(net=net, spec=spec)
