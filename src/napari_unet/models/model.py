"""A model: network, spec and the file that holds both (.safetensors: weights and a JSON header, no code)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

import napari_unet
from napari_unet.errors import UnetError
from napari_unet.files.atomic import atomic_path
from napari_unet.models.spec import HEADER, ModelSpec, read_spec
from napari_unet.nets.architectures import build_net
from napari_unet.nets.unet import UNet


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A network and all that is needed to use it; `sha256` identifies the file it came from."""

    net: UNet = field(repr=False)
    spec: ModelSpec
    path: Path | None = None
    sha256: str = ""

    def save(self, path: str | Path) -> Model:
        """Write the model to one .safetensors file, whole or not at all, and return it with path and sha256.

        Weights are stored in 16-bit floating point and were rounded so when validated: a file of half the size,
        the same predictions after loading.
        """
        target = Path(path)
        if target.suffix != ".safetensors":
            raise UnetError(f"a model file must end with .safetensors, got {target.name!r}")
        spec = replace(self.spec, version=napari_unet.__version__)
        with atomic_path(target) as temporary:
            # safetensors' own save_file makes files that only their owner can read
            temporary.write_bytes(save(stored_weights(self.net), metadata={HEADER: spec.to_json()}))
        return load_model_file(target)


def stored_weights(net: UNet) -> dict[str, Tensor]:
    """Return the weights as a model file holds them: float16, counters dropped."""
    return {
        name: value.detach().cpu().to(torch.float16).contiguous()
        for name, value in net.state_dict().items()
        if value.is_floating_point()
    }


def restore_weights(net: UNet, weights: dict[str, Tensor]) -> None:
    """Fill a network with stored weights; UnetError names the first that does not fit."""
    wanted = {name: value for name, value in net.state_dict().items() if value.is_floating_point()}
    if wanted.keys() != weights.keys():
        odd = min(wanted.keys() ^ weights.keys())
        raise UnetError(
            f"the weights are not of the network that the file describes: {odd} is missing or too many"
        )
    for name, value in wanted.items():
        if value.shape != weights[name].shape:
            raise UnetError(
                f"weight {name} has shape {tuple(weights[name].shape)}, the network needs {tuple(value.shape)}"
            )
    net.load_state_dict({name: value.float() for name, value in weights.items()}, strict=False)


def load_model_file(path: Path) -> Model:
    """Read a model; UnetError in one sentence where the file is missing, damaged or something else."""
    spec = read_spec(path)
    try:
        with safe_open(path, framework="pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as error:
        raise UnetError(f"{path.name} is not a model file or is damaged ({error}): copy it again") from None
    net = build_net(spec.architecture, spec.arguments)
    restore_weights(net, weights)
    return Model(net=net.eval(), spec=spec, path=path, sha256=file_sha256(path))


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
