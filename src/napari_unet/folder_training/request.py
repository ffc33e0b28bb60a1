"""What is asked of a training on a folder: the folder, the model to write, and every option that was chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_unet.arrays.channels import Input
from napari_unet.files.checkpoint_names import checkpoint_of
from napari_unet.settings.folder_training import FolderSettings
from napari_unet.settings.network import NetworkSettings


def _nothing(_remark: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRequest:
    """A training on a folder; settings of network and optimiser that are not named are those of the recipe."""

    folder: Path
    """Holds images/ and the folder of labels, with the same names."""
    output: Path
    """The .safetensors file to write."""
    how: FolderSettings = field(default_factory=FolderSettings)
    network: Mapping[str, Any] = field(default_factory=dict)
    """What was chosen of `NetworkSettings`."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """What was chosen of `TrainingSettings`."""
    validate: tuple[str, ...] = ()
    """Names of the images to hold out, instead of a share."""
    remark: Callable[[str], None] = field(default=_nothing, compare=False)
    """Called with each assumption, a sentence; as in errors, settings stand there as `with_names` reads them."""

    @property
    def checkpoint(self) -> Path:
        """Return where a training that is interrupted is kept until it goes on."""
        return checkpoint_of(self.output)

    @property
    def network_settings(self) -> NetworkSettings:
        """Return the network of the recipe with what was chosen in its place."""
        usual = NetworkSettings.paper() if self.how.preset == "paper" else NetworkSettings()
        return usual.replace(**self.network)

    @property
    def named_inputs(self) -> tuple[Input, ...]:
        """Return the inputs that are named, or the channels chosen by name; none where nothing names them."""
        if self.how.inputs:
            return tuple(Input.parse(name) for name in self.how.inputs.split(","))
        chosen = self.how.channel or ()
        named = len(chosen) > 1 and all(isinstance(name, str) for name in chosen)
        return tuple(Input(str(name)) for name in chosen) if named else ()
