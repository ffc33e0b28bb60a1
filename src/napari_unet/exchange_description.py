"""What a BioImage.IO package says of a model: its tensors, their scaling, how they are tested, where weights are.

All inputs of a model are channels of one tensor, which is what programs can read. One that may be left out is 0
everywhere then: scaled by itself, it reaches the network as no input at all does.

Intensities are scaled by the standard's own steps, which any program can do, but for one case: an image in the
units of its input needs the range of that after the network, too, which no step of the standard can take there.
Such a network measures its input itself.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_unet._version import __version__
from napari_unet.models.spec import HEADER, ModelSpec
from napari_unet.nets.bioimageio_net import ExchangedUNet
from napari_unet.nets.padded import CENTRE

MODULE, CLASS = ExchangedUNet.__module__, ExchangedUNet.__name__
UNET_DOI = "10.1007/978-3-319-24574-4_28"
EPSILON = 1e-6
"""What BioImage.IO's percentile scaling adds to the range."""
MAX_NAME_LENGTH = 128
"""Letters that the name of a package has at most; other than ASCII ones are not allowed."""
RAW, MAP, IMAGE = "raw", "probability", "image"
"""Names of the tensors: the input, and the two kinds of output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A model on its way into a package whose files lie in `folder`."""

    spec: ModelSpec
    net: ExchangedUNet
    """In evaluation mode."""
    folder: Path
    spec5: Any
    """The module `bioimageio.spec.model.v0_5`."""

    def describe(self, image: NDArray[np.float32]) -> Any:
        """Write the files, tested with an image (1, C, *spatial), and return the description of the package."""
        self._write_test(image)
        self._write_weights()
        (self.folder / "README.md").write_text(_readme(self.spec), encoding="utf-8")
        spec, spec5 = self.spec, self.spec5
        paper = spec5.CiteEntry(text="Ronneberger et al., MICCAI 2015", doi=spec5.Doi(UNET_DOI))
        task = "image-to-image" if spec.gives_image else "segmentation"
        return spec5.ModelDescr(
            name=re.sub(r"[^\w+\- ()]", "_", f"{spec.name} U-Net", flags=re.ASCII)[:MAX_NAME_LENGTH],
            description=spec.description or "A U-Net for microscopy images.",
            authors=[spec5.Author(name="The napari-unet-interactive developers")],
            cite=[paper],
            license=spec.licence,
            documentation=self._file("README.md"),
            tags=["unet", "napari", task, f"{len(spec.axes)}d"],
            version=__version__,
            inputs=[self._input()],
            outputs=[self._output()],
            weights=spec5.WeightsDescr(pytorch_state_dict=self._weights()),
            config={"napari_unet": {HEADER: replace(spec, version=__version__).to_json()}},
        )

    def _write_test(self, image: NDArray[np.float32]) -> None:
        """Write what the package is tested with, and what comes out."""
        with torch.inference_mode():
            answer = self.net(torch.from_numpy(_scaled(image, self.spec))).numpy()
        gain, offset = _linear(self.spec)
        np.save(self.folder / "test_input.npy", image)
        np.save(self.folder / "test_output.npy", gain * answer + offset)

    def _write_weights(self) -> None:
        weights = io.BytesIO()
        torch.save(self.net.state_dict(), weights)
        (self.folder / "weights.pt").write_bytes(weights.getvalue())  # PyTorch's own writer tells of no full disk

    def _file(self, name: str) -> Any:
        return self.spec5.FileDescr(source=self.folder / name)

    def _weights(self) -> Any:
        return self.spec5.PytorchStateDictWeightsDescr(
            source=self.folder / "weights.pt",
            pytorch_version=self.spec5.Version(torch.__version__.split("+")[0]),
            architecture=self.spec5.ArchitectureFromLibraryDescr(
                callable=CLASS, import_from=MODULE, kwargs=network_arguments(self.spec)
            ),
        )

    def _input(self) -> Any:
        spec, spec5 = self.spec, self.spec5
        steps = zip(spec.axes.lower(), smallest_sides(self.net), self.net.net.geometry.stride, strict=True)
        sides = [
            spec5.SpaceInputAxis(id=axis, size=spec5.ParameterizedSize(min=smallest, step=step))
            for axis, smallest, step in steps
        ]
        return spec5.InputTensorDescr(
            id=RAW,
            description=_read(spec),
            axes=[spec5.BatchAxis(), spec5.ChannelAxis(channel_names=_identifiers(spec)), *sides],
            test_tensor=self._file("test_input.npy"),
            data=spec5.IntervalOrRatioDataDescr(type="float32"),
            preprocessing=self._preprocessing(),
        )

    def _preprocessing(self) -> list[Any]:
        spec5, normalization = self.spec5, self.spec.normalization
        steps = [spec5.EnsureDtypeDescr(kwargs=spec5.EnsureDtypeKwargs(dtype="float32"))]
        if keeps_units(self.spec):
            return steps
        low, high = normalization.percentiles
        axes = ("channel", *self.spec.axes.lower()) if normalization.joint else tuple(self.spec.axes.lower())
        scaling = spec5.ScaleRangeKwargs(axes=axes, min_percentile=low, max_percentile=high, eps=EPSILON)
        return [*steps, spec5.ScaleRangeDescr(kwargs=scaling)]

    def _output(self) -> Any:
        spec5, axes = self.spec5, self.spec.axes.lower()
        sizes = [spec5.SizeReference(tensor_id=RAW, axis_id=axis) for axis in axes]
        sides = [
            spec5.SpaceOutputAxisWithHalo(id=axis, size=size, halo=halo)
            for axis, size, halo in zip(axes, sizes, _halo(self.net), strict=True)
        ]
        return spec5.OutputTensorDescr(
            id=IMAGE if self.spec.gives_image else MAP,
            description=_shown(self.spec),
            axes=[spec5.BatchAxis(), spec5.ChannelAxis(channel_names=_output_names(self.spec)), *sides],
            test_tensor=self._file("test_output.npy"),
            data=spec5.IntervalOrRatioDataDescr(type="float32"),
            postprocessing=self._postprocessing(),
        )

    def _postprocessing(self) -> list[Any]:
        """Return the scaling from the network's output to intensities, where the standard can do it."""
        gain, offset = _linear(self.spec)
        if (gain, offset) == (1, 0):
            return []
        return [self.spec5.ScaleLinearDescr(kwargs=self.spec5.ScaleLinearKwargs(gain=gain, offset=offset))]


def network_arguments(spec: ModelSpec) -> dict[str, Any]:
    """Return what an ExchangedUNet is made from, as JSON can hold it."""
    arguments = {
        "architecture": spec.architecture,
        "arguments": json.loads(json.dumps(dict(spec.arguments))),
        "normalization": spec.normalization.to_dict(),
        "levels": list(spec.levels),
        "rotations": spec.rotations,
    }
    return {**arguments, "keeps_units": True} if keeps_units(spec) else arguments


def keeps_units(spec: ModelSpec) -> bool:
    """Whether the network measures its input itself, for an image in the units of it."""
    return spec.gives_image and spec.output_range is None


def smallest_sides(net: ExchangedUNet) -> list[int]:
    """Return the sides of the smallest image or tile: something must remain of it without its halo."""
    return [2 * halo + step for halo, step in zip(_halo(net), net.net.geometry.stride, strict=True)]


def _scaled(image: NDArray[np.float32], spec: ModelSpec) -> NDArray[np.float32]:
    """Return an image as the network gets it, scaled as the package's preprocessing says."""
    if keeps_units(spec):
        return image
    together = None if spec.normalization.joint else (0, *range(2, image.ndim))
    low, high = np.percentile(image, spec.normalization.percentiles, axis=together, keepdims=True)
    scaled: NDArray[np.float32] = ((image - low) / (high - low + EPSILON)).astype(np.float32)
    return scaled


def _linear(spec: ModelSpec) -> tuple[float, float]:
    """Return gain and offset from the network's output to what the package gives."""
    if spec.output_range is None:
        return 1.0, 0.0
    low, high = spec.output_range
    return high - low, low + CENTRE * (high - low)


def _readme(spec: ModelSpec) -> str:
    """Return what a person must know who runs the package in another program."""
    said = spec.description + _left_out(spec)
    if keeps_units(spec):
        said += (
            " It measures the intensities of what it is given, and returns an image in their units: give it whole "
            "images, because tiles would be measured one by one."
        )
    return f"# {spec.name}\n\n{said}{_wanted_size(spec)}\n\nTrained on: {spec.training}\n"


def _read(spec: ModelSpec) -> str:
    """Return what the input is, in words."""
    named = f": {', '.join(map(str, spec.inputs))}" if spec.inputs else ""
    return f"The image{named}.{_left_out(spec)}"


def _left_out(spec: ModelSpec) -> str:
    """Return how an input is left out."""
    optional = [one.name for one in spec.inputs if one.optional]
    return f" Where there is no image of {' or '.join(optional)}, give 0 everywhere." if optional else ""


def _wanted_size(spec: ModelSpec) -> str:
    """Return what other programs must do with images first, for they do not know our zoom."""
    if spec.sizes is not None:
        smallest, largest = spec.sizes
        return f" Scale images so that typical objects are {smallest:g} to {largest:g} px wide."
    if isinstance(spec.zoom, tuple):
        return f" Scale images by {', '.join(f'{one:g}' for one in spec.zoom)} along {', '.join(spec.axes)} first."
    return "" if spec.zoom == 1 else f" Scale images by {spec.zoom:g} first."


def _identifiers(spec: ModelSpec) -> list[str]:
    """Return what the standard may call the channels: letters, digits and _, each another one."""
    named = [re.sub(r"\W", "_", one.name, flags=re.ASCII).lower() for one in spec.inputs]
    if len(set(named)) < spec.in_channels or not all(name.isidentifier() for name in named):
        return [f"channel{number}" for number in range(spec.in_channels)]
    return named


def _shown(spec: ModelSpec) -> str:
    """Return what the output is, in words."""
    if not spec.gives_image:
        return "Foreground map from which instances are read." if spec.levels else "Class probabilities."
    units = "the input" if keeps_units(spec) else "the images that it learnt from"
    return f"The image{spec.maps_to and f', {spec.maps_to}'}, in the units of {units}."


def _output_names(spec: ModelSpec) -> list[str]:
    if spec.levels and not spec.gives_image:
        return ["foreground"]
    return [name.replace(" ", "_") for name in spec.classes]


def _halo(net: ExchangedUNet) -> list[int]:
    """Return the halo per axis as a multiple of the stride, above 0, so that tiles stay on the pooling grid."""
    walks = net.net.geometry
    return [walk.stride * max(1, -(-walk.halo // walk.stride)) for walk in walks]
