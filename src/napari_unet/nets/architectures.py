"""The networks by the name that model files and the command line call them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from napari_unet.errors import UnetError
from napari_unet.nets.classic import ClassicUNet
from napari_unet.nets.padded import PaddedUNet
from napari_unet.nets.unet import UNet
from napari_unet.nets.vgg16 import Vgg16UNet

ARCHITECTURES: dict[str, type[UNet]] = {"classic": ClassicUNet, "padded": PaddedUNet, "vgg16": Vgg16UNet}


def build_net(architecture: str, arguments: Mapping[str, Any]) -> UNet:
    """Return a freshly initialised network; UnetError names an unknown architecture or argument."""
    try:
        kind = ARCHITECTURES[architecture]
    except (KeyError, TypeError):
        known = ", ".join(ARCHITECTURES)
        raise UnetError(f"there is no architecture {architecture!r}: choose one of {known}") from None
    unknown = set(arguments) - set(inspect.signature(kind).parameters)
    if unknown:
        raise UnetError(f"a {architecture} network has no argument {', '.join(sorted(unknown))}")
    try:
        return kind(**arguments)
    except UnetError:
        raise
    except (TypeError, ValueError) as error:
        raise UnetError(f"a {architecture} network cannot be built from {dict(arguments)} ({error})") from None
