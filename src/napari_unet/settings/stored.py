"""Settings out of the provenance of a mask, which holds those of all groups side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from napari_unet.errors import UnetError
from napari_unet.settings.base import Settings, options
from napari_unet.settings.offered import is_group
from napari_unet.settings.segmentation import SegmentationSettings

Group = TypeVar("Group", bound=Settings)


def settings_in(provenance: Mapping[str, Any]) -> SegmentationSettings:
    """Return the settings that made a mask; UnetError where its provenance says none that can be."""
    found = provenance.get("settings")
    if not isinstance(found, Mapping):
        raise UnetError("the mask does not say by which settings it was made: segment the image again")
    said = {**found, "channels": found.get("channels") or None}
    if provenance.get("file_channel") is not None:  # the image was one channel of its file
        said["channels"] = [provenance["file_channel"]]
    if provenance.get("file_channels") is not None:  # it was several, each a layer of its own
        said["channels"] = provenance["file_channels"]
    return _group(SegmentationSettings, said)


def _group(settings: type[Group], said: Mapping[str, Any]) -> Group:
    values: dict[str, Any] = {}
    for name, option in options(settings).items():
        if is_group(option):
            values[name] = _group(option.kind, said)
        elif said.get(name) is not None:
            values[name] = said[name]
    return settings(**values)
