"""Models as BioImage.IO packages: written so that `bioimageio test` passes, read back to identical masks.

The package holds weights as a PyTorch state dict and the name of our network class; no code travels. What a
package cannot say (thresholds, lineage) stands in its `config` under our name, and is read back from there. Needs
the extra `bioimageio`.
"""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_unet._version import __version__
from napari_unet.errors import UnetError, first_line
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

MODULE, CLASS = ExchangedUNet.__module__, ExchangedUNet.__name__
SIDES = {2: 256, 3: 1}
"""Least side of the test image by its dimensions; networks need more. Planes are as large as all viewers show at
once."""
EPSILON = 1e-6
"""What BioImage.IO's percentile scaling adds to the range."""
MAX_NUMBER_BYTES, MAX_FRAME_BYTES = 8, 2**24
"""Bytes of the widest number, and what a file of PyTorch needs beside its numbers at most."""
MAX_NAME_LENGTH = 128
"""Letters that the name of a package has at most; other than ASCII ones are not allowed."""


def export_bioimageio(model: Model, path: str | Path, *, image: NDArray[Any] | None = None) -> Path:
    """Write a model as a BioImage.IO package (.zip), whole or not at all, and return its path.

    `image` (C, *spatial) is what the package is tested with; left out, a crop of what the model was trained on, or
    noise. Raises UnetError where the extra `bioimageio` is not installed.
    """
    save_package, spec5 = _spec_library()
    target = Path(path)
    if target.suffix != ".zip":
        raise UnetError(f"a package must end with .zip, got {target.name!r}")
    if model.spec.gives_image:
        raise UnetError(f"only models of objects and classes can be exported, {model.spec.name} gives images")
    with atomic_path(target) as temporary, temporary_folder(target) as folder:
        net = ExchangedUNet(**_arguments(model.spec))
        net.net.load_state_dict(model.net.state_dict())
        net.eval()
        try:
            sides = [max(SIDES[net.net.dims], side) for side in _smallest(net)]
            description = _describe(model.spec, net, folder, _test_image(model, image, sides), spec5)
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


def _arguments(spec: ModelSpec) -> dict[str, Any]:
    """Return what an ExchangedUNet is made from, as JSON can hold it."""
    return {
        "architecture": spec.architecture,
        "arguments": json.loads(json.dumps(dict(spec.arguments))),
        "normalization": spec.normalization.to_dict(),
        "levels": list(spec.levels),
        "rotations": spec.rotations,
    }


def _test_image(model: Model, image: NDArray[Any] | None, sides: Sequence[int]) -> NDArray[np.float32]:
    """Return (1, C, *sides) for the package's own test."""
    if image is None:
        known = replay_of(model.spec)
        noise = np.random.default_rng(0).random((model.spec.in_channels, *sides))
        image = known.images[0] if known else noise
    repeats = [1, *(-(-side // length) for side, length in zip(sides, image.shape[1:], strict=True))]
    part = (slice(None), *(slice(side) for side in sides))
    return np.tile(image, repeats)[part][None].astype(np.float32)


def _describe(spec: ModelSpec, net: ExchangedUNet, folder: Path, image: NDArray[np.float32], spec5: Any) -> Any:
    """Return the description of a package whose files lie in `folder`."""
    together = None if spec.normalization.joint else (0, 2, 3)  # as BioImage.IO's scaling does it, see `_input`
    low, high = np.percentile(image, spec.normalization.percentiles, axis=together, keepdims=True)
    with torch.inference_mode():
        answer = net(torch.from_numpy((image - low) / (high - low + EPSILON)).float()).numpy()
    np.save(folder / "test_input.npy", image)
    np.save(folder / "test_output.npy", answer)
    weights = io.BytesIO()
    torch.save(net.state_dict(), weights)
    (folder / "weights.pt").write_bytes(weights.getvalue())  # PyTorch's own writer tells of no full disk
    (folder / "README.md").write_text(
        f"# {spec.name}\n\n{spec.description}{_wanted_size(spec)}\n\nTrained on: {spec.training}\n",
        encoding="utf-8",
    )
    return spec5.ModelDescr(
        name=re.sub(r"[^\w+\- ()]", "_", f"{spec.name} U-Net", flags=re.ASCII)[:MAX_NAME_LENGTH],
        description=spec.description or "A U-Net for microscopy images.",
        authors=[spec5.Author(name="The napari-unet-interactive developers")],
        cite=[
            spec5.CiteEntry(text="Ronneberger et al., MICCAI 2015", doi=spec5.Doi("10.1007/978-3-319-24574-4_28"))
        ],
        license=spec.licence,
        documentation=spec5.FileDescr(source=folder / "README.md"),
        tags=["unet", "napari", "segmentation", f"{len(spec.axes)}d"],
        version=__version__,
        inputs=[_input(spec, net, folder, spec5)],
        outputs=[_output(spec, net, folder, spec5)],
        weights=spec5.WeightsDescr(
            pytorch_state_dict=spec5.PytorchStateDictWeightsDescr(
                source=folder / "weights.pt",
                pytorch_version=spec5.Version(torch.__version__.split("+")[0]),
                architecture=spec5.ArchitectureFromLibraryDescr(
                    callable=CLASS, import_from=MODULE, kwargs=_arguments(spec)
                ),
            )
        ),
        config={"napari_unet": {HEADER: replace(spec, version=__version__).to_json()}},
    )


def _wanted_size(spec: ModelSpec) -> str:
    """Return what other programs must do with images first, for they do not know our zoom."""
    if spec.sizes is not None:
        smallest, largest = spec.sizes
        return f" Scale images so that typical objects are {smallest:g} to {largest:g} px wide."
    if isinstance(spec.zoom, tuple):
        return f" Scale images by {', '.join(f'{one:g}' for one in spec.zoom)} along {', '.join(spec.axes)} first."
    return "" if spec.zoom == 1 else f" Scale images by {spec.zoom:g} first."


def _input(spec: ModelSpec, net: ExchangedUNet, folder: Path, spec5: Any) -> Any:
    low, high = spec.normalization.percentiles
    scaling = spec5.ScaleRangeDescr(
        kwargs=spec5.ScaleRangeKwargs(
            axes=("channel", *spec.axes.lower()) if spec.normalization.joint else tuple(spec.axes.lower()),
            min_percentile=low,
            max_percentile=high,
            eps=EPSILON,
        )
    )
    sizes = [
        spec5.ParameterizedSize(min=smallest, step=step)
        for smallest, step in zip(_smallest(net), net.net.geometry.stride, strict=True)
    ]
    space = zip(spec.axes.lower(), sizes, strict=True)
    return spec5.InputTensorDescr(
        id="raw",
        description=f"The image: {', '.join(map(str, spec.inputs))}." if spec.inputs else "The image.",
        axes=[
            spec5.BatchAxis(),
            spec5.ChannelAxis(channel_names=_identifiers(spec)),
            *(spec5.SpaceInputAxis(id=axis, size=size) for axis, size in space),
        ],
        test_tensor=spec5.FileDescr(source=folder / "test_input.npy"),
        data=spec5.IntervalOrRatioDataDescr(type="float32"),
        preprocessing=[spec5.EnsureDtypeDescr(kwargs=spec5.EnsureDtypeKwargs(dtype="float32")), scaling],
    )


def _identifiers(spec: ModelSpec) -> list[str]:
    """Return what the standard may call the channels: letters, digits and _, each another one."""
    named = [re.sub(r"\W", "_", one.name, flags=re.ASCII).lower() for one in spec.inputs]
    if len(set(named)) < spec.in_channels or not all(name.isidentifier() for name in named):
        return [f"channel{number}" for number in range(spec.in_channels)]
    return named


def _output(spec: ModelSpec, net: ExchangedUNet, folder: Path, spec5: Any) -> Any:
    names = ["foreground"] if spec.levels else [name.replace(" ", "_") for name in spec.classes]
    sides = [
        spec5.SpaceOutputAxisWithHalo(id=axis, size=spec5.SizeReference(tensor_id="raw", axis_id=axis), halo=halo)
        for axis, halo in zip(spec.axes.lower(), _halo(net), strict=True)
    ]
    return spec5.OutputTensorDescr(
        id="probability",
        description="Foreground map from which instances are read." if spec.levels else "Class probabilities.",
        axes=[spec5.BatchAxis(), spec5.ChannelAxis(channel_names=names), *sides],
        test_tensor=spec5.FileDescr(source=folder / "test_output.npy"),
    )


def _halo(net: ExchangedUNet) -> list[int]:
    """Return the halo per axis as a multiple of the stride, above 0, so that tiles stay on the pooling grid."""
    walks = net.net.geometry
    return [walk.stride * max(1, -(-walk.halo // walk.stride)) for walk in walks]


def _smallest(net: ExchangedUNet) -> list[int]:
    """Return the sides of the smallest image or tile: something must remain of it without its halo."""
    return [2 * halo + step for halo, step in zip(_halo(net), net.net.geometry.stride, strict=True)]


def _spec_library() -> tuple[Any, Any]:
    try:
        from bioimageio.spec import save_bioimageio_package
        from bioimageio.spec.model import v0_5
    except ImportError:
        raise UnetError(
            "writing BioImage.IO packages needs more: pip install 'napari-unet-interactive[bioimageio]'"
        ) from None
    return save_bioimageio_package, v0_5
