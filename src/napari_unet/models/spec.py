"""The specification of a model: everything that segmenting needs beside the weights, as JSON."""

from __future__ import annotations

import dataclasses
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from napari_unet.arrays.channels import COLOURS, Input, unnamed
from napari_unet.arrays.normalization import Normalization
from napari_unet.arrays.per_axis import per_axis, relative_spacing
from napari_unet.arrays.zoom import check_sizes, check_zoom
from napari_unet.errors import UnetError, first_line
from napari_unet.files.json_text import parse_json
from napari_unet.files.openable import is_file
from napari_unet.files.package import INDICES
from napari_unet.models.class_marks import check_marks
from napari_unet.settings.former_names import with_present_names
from napari_unet.settings.instances import InstanceSettings
from napari_unet.settings.zooms import Zoom, short_zoom, stored_zoom

FORMAT = 2
"""2: the normalisation is a list of steps; 1 is read, too."""
LATER = ("inputs", "maps_to", "output_range", "spacing")
"""Fields that earlier versions do not know: left out where they say nothing."""
HEADER = "napari_unet"
"""Key of the description in a model file's header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """The fixed side of a model: network, input, classes, normalisation, thresholds, and where it comes from."""

    name: str
    architecture: str
    arguments: Mapping[str, Any]
    """Arguments of the network's constructor."""
    axes: str = "YX"
    inputs: tuple[Input, ...] = ()
    """What the channels that the network reads show, and which of them may be left out; empty where nothing is
    known of them, as of the colours of a picture."""
    classes: tuple[str, ...] = ("background", "foreground")
    class_marks: tuple[str, ...] = ()
    """The colour (#rrggbb) or grey value of each class in the label images that it was learnt from; empty where
    these held class indices or objects."""
    levels: tuple[float, ...] = (0.0, 1.0)
    """How much each class counts towards the foreground map from which instances are read: 0 background, 1 inside,
    and 0.5 the border of an instance, where the network learnt one. Empty where classes are the answer."""
    maps_to: str = ""
    """What the image shows that the network gives, "denoised" say; of networks with a tanh head alone."""
    output_range: tuple[float, float] | None = None
    """The intensities of that image at outputs of -0.5 and 0.5; None: those that the input's range has as 0 and 1,
    for an image in the units of the input."""
    pixel_size: tuple[float, ...] | None = None
    """um per axis that the model was trained at; None where training mixed magnifications."""
    spacing: tuple[float, ...] = ()
    """How far apart neighbouring pixels are along each axis, in pixels of the finest; empty: as far along all."""
    sizes: tuple[float, float] | None = None
    """Typical diameters of objects, in pixels that the network sees (those of the finest axis, where they differ),
    between which the model is at its best. Where an image's objects are larger or smaller, it is zoomed to bring
    them there; None: the zoom stays as it is."""
    zoom: Zoom = 1.0
    """How many pixels the network sees per pixel of an image, where `sizes` does not say otherwise: one number for
    all axes, or one for each."""
    normalization: Normalization = field(default_factory=Normalization)
    instances: InstanceSettings = field(default_factory=InstanceSettings)
    rotations: bool = False
    """Whether predictions are averaged over rotations and flips, as the U-Net paper does."""
    description: str = ""
    licence: str = "BSD-3-Clause"
    training: Mapping[str, Any] = field(default_factory=dict)
    """Data, iterations, loss, held-out score."""
    parent: str | None = None
    """sha256 of the model file from which training started."""
    version: str = ""
    """Version of this package that wrote the file."""

    def __post_init__(self) -> None:
        self._check_classes()
        self._check_network()
        check_zoom(self.zoom, len(self.axes))
        object.__setattr__(self, "zoom", short_zoom(self.zoom))  # as former versions read it
        relative_spacing(self.spacing, len(self.axes))
        self._check_image()
        if self.sizes is not None:
            check_sizes(self.sizes, self.is_semantic)
        if self.pixel_size is not None and not all(0 < size < math.inf for size in self.pixel_size):
            raise UnetError(f"pixel sizes must be above 0 um and finite, got {self.pixel_size}")
        if not isinstance(self.training, Mapping):
            raise UnetError(f"facts about the training must be named, got {self.training!r}")

    def _check_classes(self) -> None:
        """Refuse classes and levels that say different things."""
        if len(self.classes) < (1 if self.gives_image else 2):
            raise UnetError(f"a model needs at least two classes, got {self.classes}")
        if not all(isinstance(name, str) for name in self.classes):
            raise UnetError(f"classes must have names, got {self.classes}")
        check_marks(self.class_marks, len(self.classes))
        if self.levels and len(self.levels) not in (2, 3):
            raise UnetError(f"instances are read from two or three classes, got levels {self.levels}")
        if not all(isinstance(level, int | float) and 0 <= level <= 1 for level in self.levels):
            raise UnetError(f"levels must be numbers from 0 to 1, got {self.levels}")

    def _check_network(self) -> None:
        """Refuse a network that cannot give these classes or work on these axes."""
        if not isinstance(self.arguments, Mapping):
            raise UnetError(f"a model's arguments must be named, got {self.arguments!r}")
        if self.axes not in ("YX", "ZYX"):
            raise UnetError(f"the axes of a model must be YX or ZYX, got {self.axes!r}")
        dims = self.arguments.get("dims", 2)
        if len(self.axes) != dims:
            raise UnetError(f"a network of {dims} dimensions cannot have axes {self.axes}")
        for name in ("in_channels", "out_channels"):
            if not isinstance(self.arguments.get(name, 1), int):
                raise UnetError(f"{name} must be a whole number, got {self.arguments[name]!r}")
        self._check_inputs()

    def _check_inputs(self) -> None:
        """Refuse names that are not those of the network's inputs, or nothing but optional ones."""
        if not self.inputs:
            return
        named = ", ".join(map(str, self.inputs))
        if len(self.inputs) != self.in_channels:
            raise UnetError(f"a network that reads {self.in_channels} channels cannot have the inputs {named}")
        if not all(
            isinstance(one.name, str) and one.name and isinstance(one.optional, bool) for one in self.inputs
        ):
            raise UnetError("every input of a network needs a name, and may be optional, true or false")
        if len({one.name.casefold() for one in self.inputs}) < len(self.inputs):
            raise UnetError(f"inputs must have different names, got {named}")
        if all(one.optional for one in self.inputs):
            raise UnetError(f"one input at least must not be optional, got {named}")
        if self.normalization.joint and any(one.optional for one in self.inputs):
            raise UnetError(f"an input can be optional where each is normalised by itself, got {named}")

    def _check_image(self) -> None:
        """Refuse what only networks that give images have, and ranges that none can have."""
        if (self.maps_to or self.output_range) and not self.gives_image:
            raise UnetError(f"only a network with a tanh head maps to {self.maps_to or 'an image'}: give it one")
        if not isinstance(self.maps_to, str):
            raise UnetError(f"what an image shows is a text, got {self.maps_to!r}")
        if self.output_range is not None:
            low, high = self.output_range
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                raise UnetError(f"an output range must be two rising numbers, got {self.output_range}")

    def checked(self) -> ModelSpec:
        """Validate what a file states and return self; UnetError where classes have no outputs, or no levels."""
        outputs = self.arguments.get("out_channels", len(self.classes))
        if outputs != len(self.classes):
            raise UnetError(f"a network with {outputs} outputs cannot tell {len(self.classes)} classes apart")
        if self.levels and len(self.levels) != len(self.classes) and not self.gives_image:
            raise UnetError(f"each of the classes {self.classes} needs a level, got {self.levels}")
        return self

    @property
    def in_channels(self) -> int:
        """Return how many channels an image must have."""
        return int(self.arguments.get("in_channels", 1))

    @property
    def steps(self) -> tuple[float, ...]:
        """Return how far apart neighbouring pixels are along each axis, in pixels of the finest."""
        return relative_spacing(self.spacing, len(self.axes))

    @property
    def zooms(self) -> tuple[float, ...]:
        """Return the zoom along each axis."""
        return per_axis(self.zoom, len(self.axes), "zoom")

    @property
    def reads(self) -> tuple[Input, ...]:
        """Return the inputs of the network, without names where none are known."""
        return self.inputs or unnamed(self.in_channels)

    @property
    def reads_colours(self) -> bool:
        """Whether the inputs are, or may be, the red, green and blue of a picture."""
        return self.in_channels == COLOURS and not self.inputs

    @property
    def is_semantic(self) -> bool:
        """Whether the answer is a class per pixel instead of instances."""
        return not self.levels and not self.gives_image

    @property
    def gives_image(self) -> bool:
        """Whether the answer is an image: its values are no probabilities, whatever the classes are called."""
        return isinstance(self.arguments, Mapping) and self.arguments.get("head") == "tanh"

    @property
    def has_border(self) -> bool:
        """Whether the third class is the border of instances."""
        return len(self.levels) == 3 and not self.gives_image

    def to_json(self) -> str:
        """Return the spec as JSON text."""
        parts = {"instances": self.instances.model_dump(), "normalization": self.normalization.to_dict()}
        values = {"format": FORMAT, **dataclasses.asdict(self), **parts}
        kept = {name: value for name, value in values.items() if value or name not in LATER}
        return json.dumps(kept, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ModelSpec:
        """Return the spec that `to_json` wrote; UnetError where the text is not one."""
        try:
            values = parse_json(text)
            _require_known_format(values.pop("format"))
            values["normalization"] = Normalization.from_dict(values["normalization"])
            values["instances"] = InstanceSettings(**with_present_names(values["instances"]))
            values["classes"] = tuple(values["classes"])
            values["inputs"] = tuple(Input(**one) for one in values.get("inputs", ()))
            values["class_marks"] = tuple(values.get("class_marks", ()))
            values["levels"] = tuple(values.get("levels", (0.0, 1.0)))
            values["arguments"] = _as_tuples(values["arguments"])
            values["zoom"] = stored_zoom(values.get("zoom", 1.0))
            for pair in ("pixel_size", "sizes", "spacing", "output_range"):
                if values.get(pair) is not None:
                    values[pair] = tuple(values[pair])
            return cls(**values).checked()
        except UnetError:
            raise
        except RecursionError:
            raise UnetError("the model's description is nested too deeply: export it again") from None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UnetError(f"the model's description cannot be understood ({error}): export it again") from None


def _as_tuples(value: Any) -> Any:
    """Return JSON values with tuples for lists, as they were before they were written."""
    if isinstance(value, Mapping):
        return {name: _as_tuples(one) for name, one in value.items()}
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value


def _require_known_format(version: int) -> None:
    """Refuse a description that a newer version of this package wrote."""
    if version > FORMAT:
        raise UnetError("the model was written by a newer version: update napari-unet-interactive")


def _is_package(path: Path) -> bool:
    """Whether a file is a ZIP archive with a description as BioImage.IO has it."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(INDICES) for name in archive.namelist())
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return False


def read_spec(path: Path) -> ModelSpec:
    """Return the description in a model file, without its weights and without PyTorch."""
    if not is_file(path):
        raise UnetError(f"there is no model file {path}: check the name")
    try:
        with safe_open(path, framework="numpy") as file:
            header = (file.metadata() or {}).get(HEADER)
    except (SafetensorError, OSError) as error:
        if _is_package(path):
            raise UnetError(f"{path.name} is a BioImage.IO package: read it with napari-unet import") from None
        why = first_line(error)
        raise UnetError(f"{path.name} is not a model file or is damaged ({why}): copy it again") from None
    if header is None:
        raise UnetError(
            f"{path.name} holds weights but was not written by napari_unet: it lacks their description"
        )
    try:
        return ModelSpec.from_json(header)
    except UnetError as error:
        raise UnetError(f"{path.name}: {error}") from None
