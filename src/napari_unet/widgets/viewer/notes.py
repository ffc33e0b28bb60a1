"""LayerNotes: what we know of a layer beyond what napari keeps, read and written here alone.

napari copies a layer's metadata to every layer that it derives from it (Duplicate, Split Stack, Merge to Stack,
Projection, Convert): the notes go along. They are stored as a dictionary of plain values under `KEY`, which other
plugins may read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import napari.layers
import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.files.tiff import TiffHeader

KEY = "napari_unet"
"""Key of our entry in a layer's metadata."""
ANNOTATION, RESULT, PREVIEW, WEIGHTS = "annotation", "result", "preview", "weights"
"""Roles that our layers have."""
FORMER_SIZES = "file_sizes"
"""Where sessions keep um by axis that were written before notes had a pixel size."""
LASTING = ("role", "kind", "axes", "origin", "provenance", "model_path", "pixel_size", "inputs")
"""What a session keeps of the notes, as JSON values; images are named anew when it is restored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReference:
    """Names the image layer that a layer belongs to, also once it was closed and opened again."""

    id: str = ""
    """napari's unique id of the image layer, empty where it is not open."""
    name: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputChoice:
    """What one input of a network reads; nothing at all where it is left out."""

    channel: int | None = None
    """A channel of the image itself, from 0."""
    image: ImageReference | None = None
    """Another image layer, of a single channel."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerNotes:
    """What we know of one layer; every field is empty where there is nothing to know."""

    role: str = ""
    """ANNOTATION, RESULT, PREVIEW or WEIGHTS; empty for layers that we did not make."""
    layer: str = ""
    """napari's unique id of the layer for which they were written: copies of a layer have another one."""
    image: ImageReference | None = None
    kind: str = ""
    """Model, channel and weights that made a result."""
    axes: str = ""
    """Axes of labels, one letter per axis of their array."""
    origin: tuple[int, ...] = ()
    """Where the first pixel of a part lies in its image, per axis of `axes`; empty where labels cover it."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    model_path: str = ""
    predictions: tuple[NDArray[Any], ...] = ()
    """What models said, the latest first."""
    stored: NDArray[Any] | None = None
    """The labels as their file held them."""
    file_channel: int | None = None
    """Which channel of its file an image shows that was split from it."""
    image_axes: str = ""
    """Axes of an image, in place of what its labels and its file say."""
    pixel_size: PixelSize | None = None
    """The pixel size that the layer, or the one it derives from, had when it was last stated."""
    inputs: tuple[InputChoice, ...] = ()
    """What a network of several inputs reads of an image, or read for a result; empty where nobody chose."""
    header: TiffHeader | None = None
    """What the header of the layer's file says, or of the file of the layer it derives from."""
    header_read: bool = False

    @property
    def settings(self) -> Mapping[str, Any]:
        """Return the settings that made a result."""
        settings = self.provenance.get("settings", {})
        return settings if isinstance(settings, Mapping) else {}

    @property
    def channel(self) -> int | None:
        """Return the channel of the image that a result shows, None where the image has but one."""
        channel = self.settings.get("channel")
        return channel if isinstance(channel, int) else None

    def is_of(self, layer: napari.layers.Layer) -> bool:
        """Whether they were written for a layer, and did not come along when napari copied it."""
        return self.layer in ("", str(layer.unique_id))

    def lasting(self) -> dict[str, Any]:
        """Return what a session keeps, as JSON values."""
        entry = self.as_entry()
        return {name: entry[name] for name in LASTING if name in entry}

    def as_entry(self) -> dict[str, Any]:
        """Return the dictionary that a layer's metadata hold: the fields that are not empty."""
        entry: dict[str, Any] = {}
        for name in (known.name for known in fields(self)):
            value = getattr(self, name)
            if name == "image" and self.image is not None:
                entry |= {"of": self.image.id, "of_name": self.image.name, "of_path": self.image.path}
            elif name == "pixel_size" and self.pixel_size is not None:
                entry[name] = dict(self.pixel_size.by_axis)
            elif name == "inputs" and self.inputs:
                entry[name] = [_as_entry(choice) for choice in self.inputs]
            elif name == "header" and self.header_read:
                entry["file"] = self.header
            elif name not in ("image", "inputs", "header", "header_read") and not _is_empty(value):
                entry[name] = value
        return entry

    @classmethod
    def from_entry(cls, entry: Any) -> LayerNotes:
        """Return the notes in such a dictionary; what is of another type there counts as missing."""
        if not isinstance(entry, Mapping):
            return cls()
        texts = ("role", "layer", "kind", "axes", "model_path", "image_axes")
        header = entry.get("file")
        provenance = entry.get("provenance")
        return cls(
            **{name: text for name in texts if isinstance(text := entry.get(name), str)},
            image=_image_in(entry),
            origin=_origin_in(entry.get("origin")),
            provenance=provenance if isinstance(provenance, Mapping) else {},
            predictions=_arrays_in(entry.get("predictions")),
            stored=next(iter(_arrays_in([entry.get("stored")])), None),
            file_channel=channel if isinstance(channel := entry.get("file_channel"), int) else None,
            pixel_size=_pixel_size_in(entry),
            inputs=_inputs_in(entry.get("inputs")),
            header=header if isinstance(header, TiffHeader) else None,
            header_read="file" in entry,
        )


def notes_of(layer: napari.layers.Layer) -> LayerNotes:
    """Return what we know of a layer."""
    return LayerNotes.from_entry(layer.metadata.get(KEY))


def write_notes(layer: napari.layers.Layer, notes: LayerNotes) -> None:
    """Keep notes with a layer, in place of those it has; its metadata event tells."""
    layer.metadata = {**layer.metadata, **as_metadata(notes)}


def as_metadata(notes: LayerNotes) -> dict[str, Any]:
    """Return the metadata of a new layer with these notes."""
    return {KEY: notes.as_entry()}


def role_of(layer: napari.layers.Layer) -> str:
    """Return what the layer is to us; empty for layers that we did not make."""
    return notes_of(layer).role


def is_copy(layer: napari.layers.Layer) -> bool:
    """Whether the user copied a layer of ours, with its metadata, as napari does: then it is the user's."""
    return not notes_of(layer).is_of(layer)


def sign(layer: napari.layers.Layer) -> None:
    """Note in a layer of ours which one it is, so that copies of it can be told."""
    write_notes(layer, replace(notes_of(layer), layer=str(layer.unique_id)))


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | tuple | Mapping) and not value)


def _image_in(entry: Mapping[str, Any]) -> ImageReference | None:
    if not {"of", "of_name"} & set(entry):
        return None
    return ImageReference(
        id=str(entry.get("of") or ""), name=str(entry.get("of_name") or ""), path=str(entry.get("of_path") or "")
    )


def _as_entry(choice: InputChoice) -> dict[str, Any]:
    """Return a choice as plain values."""
    if choice.image is None:
        return {"channel": choice.channel}
    return {"of": choice.image.id, "of_name": choice.image.name, "of_path": choice.image.path}


def _inputs_in(entries: Any) -> tuple[InputChoice, ...]:
    """Return choices of inputs; none where one of them is not understood."""
    found = []
    for entry in entries if isinstance(entries, list | tuple) else ():
        if not isinstance(entry, Mapping):
            return ()
        channel = entry.get("channel")
        if channel is not None and not (type(channel) is int and channel >= 0):
            return ()
        found.append(InputChoice(channel=channel, image=_image_in(entry)))
    return tuple(found)


def _arrays_in(entries: Any) -> tuple[NDArray[Any], ...]:
    return (
        tuple(one for one in entries if isinstance(one, np.ndarray)) if isinstance(entries, list | tuple) else ()
    )


def _origin_in(origin: Any) -> tuple[int, ...]:
    try:
        return tuple(int(start) for start in origin or ())
    except (TypeError, ValueError, OverflowError):
        return ()


def _pixel_size_in(entry: Mapping[str, Any]) -> PixelSize | None:
    sizes = entry.get("pixel_size", entry.get(FORMER_SIZES))
    if not isinstance(sizes, Mapping):
        return None
    known = {axis: sizes.get(axis) for axis in "TZYX"}
    return PixelSize.known({axis: size for axis, size in known.items() if isinstance(size, int | float)})
