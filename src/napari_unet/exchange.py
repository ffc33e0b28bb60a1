"""Models as BioImage.IO packages: written so that `bioimageio test` passes, read back to identical masks.

The package holds weights as a PyTorch state dict and the name of our network class; no code travels. What a
package cannot say (thresholds, lineage) stands in its `config` under our name, and is read back from there. Needs
the extra `bioimageio`.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from napari_unet.errors import UnetError, first_line
from napari_unet.exchange_description import CLASS, Package, network_arguments, smallest_sides
from napari_unet.files.atomic import atomic_path, temporary_folder
from napari_unet.files.package import (
    inner,
    opened_package,
    quoted,
    read_description,
    read_member,
    require_plain_weights,
)
from napari_unet.models.library import replay_of
from napari_unet.models.model import Model, described_shapes, require_finite, require_network, weight_shapes
from napari_unet.models.spec import HEADER, ModelSpec
from napari_unet.nets.architectures import build_net
from napari_unet.nets.bioimageio_net import ExchangedUNet
from napari_unet.nets.tensor_file import read_tensors
from napari_unet.nets.unet import UNet

SIDES = {2: 256, 3: 1}
"""Least side of the test image by its dimensions; networks need more. Planes are as large as all viewers show at
once."""
MAX_NUMBER_BYTES, MAX_FRAME_BYTES = 8, 2**24
"""Bytes of the widest number, and what a file of PyTorch needs beside its numbers at most."""


def export_bioimageio(model: Model, path: str | Path, *, image: NDArray[Any] | None = None) -> Path:
    """Write a model as a BioImage.IO package (.zip), whole or not at all, and return its path.

    `image` (C, *spatial) is what the package is tested with; left out, a crop of what the model was trained on, or
    noise. Raises UnetError where the extra `bioimageio` is not installed.
    """
    save_package, spec5 = _spec_library()
    target = Path(path)
    if target.suffix != ".zip":
        raise UnetError(f"a package must end with .zip, got {target.name!r}")
    with atomic_path(target) as temporary, temporary_folder(target) as folder:
        net = ExchangedUNet(**network_arguments(model.spec))
        net.net.load_state_dict(model.net.state_dict())
        net.eval()
        try:
            sides = [max(SIDES[net.net.dims], side) for side in smallest_sides(net)]
            package = Package(spec=model.spec, net=net, folder=folder, spec5=spec5)
            description = package.describe(_test_image(model, image, sides))
        except UnetError:
            raise
        except ValueError as error:  # what the standard does not know, a licence say
            raise UnetError(f"{model.spec.name} cannot be described as BioImage.IO wants ({error})") from error
        save_package(description, output_path=temporary)
    return target


def import_bioimageio(path: str | Path) -> Model:
    """Return the model in a BioImage.IO package that holds the state dict of one of our networks.

    Reads the description and plain tensors; nothing of the package is executed, and nothing is unpacked that is
    larger than the network described. UnetError in a sentence where the file is no package, or its network is none
    of ours.
    """
    source = Path(path)
    with opened_package(source) as package:
        description = read_description(package)
        weights = inner(description, "weights", "pytorch_state_dict")
        if not isinstance(weights, dict):
            raise ValueError("it holds no PyTorch weights")  # noqa: TRY004 - foreign data
        spec = _our_spec(description, weights, source.name)
        stored = inner(weights, "source")
        name = inner(stored, "source") or stored
        if not isinstance(name, str):
            raise ValueError("it does not say where its weights are")  # noqa: TRY004 - foreign data
        limit = _largest(spec)
        data = read_member(package, name, limit)
        require_plain_weights(data, limit)
    try:
        state = {name.removeprefix("net."): value for name, value in read_tensors(io.BytesIO(data)).items()}
        return Model(net=_net_of(spec, state), spec=spec)
    except UnetError as error:
        raise UnetError(f"the weights in {source.name} do not fit its description ({error})") from None


def _largest(spec: ModelSpec) -> int:
    """Return how many bytes a file with the weights of the network described has at most."""
    numbers = sum(math.prod(shape) for shape in described_shapes(spec).values())
    return MAX_NUMBER_BYTES * numbers + MAX_FRAME_BYTES


def _net_of(spec: ModelSpec, state: dict[str, Tensor]) -> UNet:
    """Return the network described with its weights; UnetError where they are of another one."""
    require_network(spec, weight_shapes(state))
    require_finite(state)
    net = build_net(spec.architecture, spec.arguments)
    try:
        net.load_state_dict(state)
    except RuntimeError as error:
        raise UnetError(quoted(first_line(error))) from None
    return net.eval()


def _our_spec(description: dict[str, Any], weights: dict[str, Any], name: str) -> ModelSpec:
    """Return the description of our network; UnetError where the package holds another."""
    architecture = inner(weights, "architecture")
    callee = inner(architecture, "callable") or architecture
    ours = inner(description, "config", "napari_unet", HEADER)
    if callee != CLASS or ours is None:
        raise UnetError(
            f"{name} holds a network of another program ({quoted(callee)}): only packages with a U-Net of "
            "napari-unet-interactive can be read"
        )
    return ModelSpec.from_json(ours)


def _test_image(model: Model, image: NDArray[Any] | None, sides: Sequence[int]) -> NDArray[np.float32]:
    """Return (1, C, *sides) for the package's own test."""
    if image is None:
        known = replay_of(model.spec)
        noise = np.random.default_rng(0).random((model.spec.in_channels, *sides))
        image = known.images[0] if known else noise
    repeats = [1, *(-(-side // length) for side, length in zip(sides, image.shape[1:], strict=True))]
    part = (slice(None), *(slice(side) for side in sides))
    return np.tile(image, repeats)[part][None].astype(np.float32)


def _spec_library() -> tuple[Any, Any]:
    try:
        from bioimageio.spec import save_bioimageio_package
        from bioimageio.spec.model import v0_5
    except ImportError:
        raise UnetError(
            "writing BioImage.IO packages needs more: pip install 'napari-unet-interactive[bioimageio]'"
        ) from None
    return save_bioimageio_package, v0_5
