"""A model: network, spec and the file that holds both (.safetensors: weights and a JSON header, no code)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from napari_unet._version import __version__
from napari_unet.errors import UnetError, first_line
from napari_unet.files.atomic import atomic_path
from napari_unet.models.spec import HEADER, ModelSpec, read_spec
from napari_unet.nets.architectures import build_net
from napari_unet.nets.unet import UNet

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A network and all that is needed to use it; `sha256` identifies the file it came from."""

    net: UNet = field(repr=False)
    spec: ModelSpec
    path: Path | None = None
    sha256: str = ""

    def save(self, path: str | Path, *, replacing: bool = True) -> Model:
        """Write the model to one .safetensors file, whole or not at all, and return it with path and sha256.

        Without `replacing`, UnetError where there is a file of this name.

        Weights are stored in 16-bit floating point and were rounded so when validated: a file of half the size,
        the same predictions after loading.
        """
        target = Path(path)
        if target.suffix != ".safetensors":
            raise UnetError(f"a model file must end with .safetensors, got {target.name!r}")
        spec = replace(self.spec, version=__version__).checked()
        with atomic_path(target, replacing=replacing) as temporary:
            weights = stored_weights(self.net)
            require_finite(weights)
            # safetensors' own save_file makes files that only their owner can read
            temporary.write_bytes(save(weights, metadata={HEADER: spec.to_json()}))
            written = _loaded(temporary)  # what cannot be read replaces nothing
        return replace(written, path=target)


def identity_of(model: Model) -> str:
    """Return what tells a model from others: the sha256 of its file, or of its weights where it has none."""
    return model.sha256 or hashlib.sha256(save(stored_weights(model.net))).hexdigest()


def stored_weights(net: UNet) -> dict[str, Tensor]:
    """Return the weights as a model file holds them: counters dropped, as float16, but for statistics beyond it.

    Batch norm of deep layers may see variances above 65504; a weight as large is of a training that went wrong.
    """
    statistics = {name for name, _ in net.named_buffers()}
    stored = {}
    for name, value in net.state_dict().items():
        if value.is_floating_point():
            whole = value.detach().cpu()
            half = whole.to(torch.float16)
            fits = name not in statistics or half.isfinite().all()
            stored[name] = (half if fits else whole).contiguous()
    return stored


def restore_weights(net: UNet, weights: dict[str, Tensor]) -> None:
    """Fill a network with stored weights; UnetError names the first that does not fit."""
    _require_fit(weight_shapes(net.state_dict()), weight_shapes(weights))
    net.load_state_dict({name: value.float() for name, value in weights.items()}, strict=False)


def require_network(spec: ModelSpec, weights: Shapes) -> None:
    """Refuse weights that are not of the network described, before memory is taken for it.

    A description of a few bytes may else ask for more than a computer has.
    """
    shapes = described_shapes(spec)
    _require_fit(shapes, weights)
    outputs = [shape[0] for name, shape in shapes.items() if name.startswith("head")][-1]
    if outputs != len(spec.classes):
        raise UnetError(f"the network gives {outputs} outputs, its description names {len(spec.classes)} classes")


def described_shapes(spec: ModelSpec) -> Shapes:
    """Return the shapes of the weights of the network that a description asks for; no memory is taken for them."""
    try:
        with torch.device("meta"):
            outline = build_net(spec.architecture, spec.arguments)
    except RuntimeError as error:  # sizes that no number holds
        raise UnetError(f"the network described cannot be built ({first_line(error)})") from None
    return weight_shapes(outline.state_dict())


def require_finite(weights: Mapping[str, Tensor]) -> None:
    """Refuse weights with which nothing can be computed, as a training that went wrong leaves them."""
    for name, value in weights.items():
        # as the network takes them: what other types hold may be too large for it
        if value.is_floating_point() and not torch.isfinite(value.float()).all():
            raise UnetError(f"weight {name} is not finite (NaN or infinite): train anew, or take another model")
        if name.endswith("running_var") and (value.float() < 0).any():  # its root is taken
            raise UnetError(f"weight {name} is a variance and below 0: train anew, or take another model")


def weight_shapes(state: Mapping[str, Tensor]) -> Shapes:
    """Return the shapes of weights by their names, without counters."""
    return {name: tuple(value.shape) for name, value in state.items() if value.is_floating_point()}


def _require_fit(wanted: Shapes, found: Shapes) -> None:
    if wanted.keys() != found.keys():
        odd = min(wanted.keys() ^ found.keys())
        raise UnetError(
            f"the weights are not of the network that the file describes: {odd} is missing or too many"
        )
    for name, shape in wanted.items():
        if shape != found[name]:
            raise UnetError(f"weight {name} has shape {found[name]}, the network needs {shape}")


def load_model_file(path: Path) -> Model:
    """Read a model; UnetError in one sentence where the file is missing, damaged or something else."""
    try:
        return _loaded(path)
    except MemoryError:
        raise UnetError(f"{path.name} does not fit into memory: close other programs") from None


def _loaded(path: Path) -> Model:
    spec = read_spec(path)
    try:
        with safe_open(path, framework="pt") as file:
            names = file.keys()
            require_network(spec, {name: tuple(file.get_slice(name).get_shape()) for name in names})
            weights = {name: file.get_tensor(name) for name in names}
        require_finite(weights)
    except (SafetensorError, OSError) as error:
        why = first_line(error)
        raise UnetError(f"{path.name} is not a model file or is damaged ({why}): copy it again") from None
    except UnetError as error:
        raise UnetError(f"{path.name}: {error}") from None
    net = build_net(spec.architecture, spec.arguments)
    restore_weights(net, weights)
    return Model(net=net.eval(), spec=spec, path=path, sha256=file_sha256(path))


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
