"""Reproduce: make a mask again from what it says of itself, and say whether it is identical."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet._version import __version__
from napari_unet.arrays.axes import Region
from napari_unet.arrays.corrections import object_origins
from napari_unet.arrays.edits import BY_HAND, EDITED, OBJECTS, count_edits
from napari_unet.errors import UnetError
from napari_unet.files.image_file import ImageFile
from napari_unet.files.outline_file import numbers_by_axis
from napari_unet.models.library import entries, load_model
from napari_unet.models.model import Model, file_sha256
from napari_unet.progress import Steps
from napari_unet.segmentation import segment_steps
from napari_unet.settings.stored import settings_in


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reproduction:
    """A mask that was made again, beside the one that there was."""

    labels: NDArray[Any]
    """The labels made now, without axes of length 1."""
    differences: Mapping[str, int]
    """How many objects are other ones, or how many pixels of classes; empty where none is."""
    edits: Mapping[str, int]
    """How many the mask says a person changed."""
    is_explained: bool
    """Whether the masks are identical, or differ in nothing but what a person changed."""
    remarks: tuple[str, ...] = ()
    """Sentences on what was not as it was then."""

    def sentence(self) -> str:
        """Return in words what was found."""
        if not self.differences:
            return "identical: every pixel is the same"
        if self.is_explained:
            return f"identical but for what was edited by hand: {_listed(self.differences)}"
        edited = f"; the mask says that by hand were {_listed(self.edits)}" if any(self.edits.values()) else ""
        return f"not identical: {_listed(self.differences)}{edited}"


def reproduce_steps(mask: ImageFile, image: ImageFile, model: Model) -> Steps[Reproduction]:
    """Segment an image again as a mask says that it was made, and compare.

    Raises
    ------
    UnetError
        If the mask does not say how it was made, or is none of this image or model.
    """
    known = mask.metadata.get("provenance") or {}
    if known.get("values") == "image":
        raise UnetError("this is an image that a model made, and no mask: segment again and compare")
    settings = settings_in(known)
    if model.sha256 != known.get("model_sha256"):
        raise UnetError(f"the mask was made by another {known.get('model')}: give the model that made it")
    region = region_of(mask, image)
    steps = segment_steps(image.array, model, axes=image.axes, settings=settings, region=region)
    result = yield from steps
    made, before = np.asarray(result.labels).squeeze(), np.asarray(mask.array).squeeze()
    if made.shape != before.shape:
        raise UnetError(f"the mask has shape {before.shape}, the image gives {made.shape}: choose its own image")
    counts = count_edits(made, before, classes=known.get("values") == "classes")
    edits = _counts(known.get(EDITED))
    return Reproduction(
        labels=made,
        differences={name: count for name, count in counts.items() if count},
        edits=edits,
        is_explained=_are_edits(made, before, counts, edits, known.get(OBJECTS)),
        remarks=_remarks(known),
    )


def region_of(mask: ImageFile, image: ImageFile) -> Region | None:
    """Return the part of an image that a mask covers, None for all of it."""
    origin = numbers_by_axis((mask.metadata.get("provenance") or {}).get("origin"))
    source = image.source
    lengths = dict(zip(mask.axes, mask.array.shape, strict=True))
    region = {
        axis: (round(origin.get(axis, 0)), round(origin.get(axis, 0)) + lengths.get(axis, 1))
        for axis in source.label_axes
    }
    whole = {axis: (0, source.lengths[axis]) for axis in source.label_axes}
    return None if region == whole else region


def model_of(provenance: Mapping[str, Any], given: str | Path | None = None) -> Model:
    """Return the model that made a mask: the given one, else the one of the library with the same weights.

    UnetError where there is none.
    """
    if given is not None:
        return load_model(given)
    name, sha256 = provenance.get("model"), provenance.get("model_sha256")
    found = sorted(entries(), key=lambda entry: entry.name != name)
    path = next((entry.path for entry in found if sha256 and file_sha256(entry.path) == sha256), None)
    if path is None:
        raise UnetError(f"the model {name} that made the mask is not in the library: give its file (--model FILE)")
    return load_model(path)


def _remarks(known: Mapping[str, Any]) -> tuple[str, ...]:
    version = known.get("version")
    return (f"the mask was made by version {version}, this is {__version__}",) if version != __version__ else ()


def _counts(found: Any) -> dict[str, int]:
    """Return the edits that a file says, none where it says something else."""
    named = found if isinstance(found, Mapping) else {}
    return {str(name): count for name, count in named.items() if type(count) is int}


def _are_edits(
    made: NDArray[Any], mask: NDArray[Any], counts: Mapping[str, int], edits: Mapping[str, int], objects: Any
) -> bool:
    """Whether all that differs is what a person changed.

    No more is gone than was removed, and whatever else is not as the model gives it is one of the `objects` that
    were drawn or edited.
    """
    gone = max(counts.get(name, 0) - edits.get(name, 0) for name in ("removed", "pixels_changed"))
    if gone > 0 or not isinstance(objects, Mapping):  # former masks say how many alone
        return gone <= 0 and all(counts[name] <= edits.get(name, 0) for name in counts)
    by_hand = {
        number
        for name in BY_HAND
        if isinstance(ids := objects.get(name), list)
        for number in ids
        if isinstance(number, int)
    }
    return all(origin == "found" or number in by_hand for number, origin in object_origins(made, mask).items())


def _listed(counts: Mapping[str, int]) -> str:
    """Return counts in words: "2 objects changed, 1 added"."""
    words = [f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count]
    return ", ".join(words)
