"""Which shipped models know an image: each looks at two windows of it and says how surprised it is.

What each of them says of all images of the data pack is measured in docs/explanation/suggestion.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import Plane, check_axes, planes
from napari_unet.arrays.boxes import Box
from napari_unet.arrays.intensities import measure_intensity
from napari_unet.arrays.normalization import Compress, FittedNormalization, Normalization, Smooth
from napari_unet.arrays.stained import is_stained
from napari_unet.arrays.windows import telling_windows
from napari_unet.errors import UnetError
from napari_unet.models.library import Entry, entries, load_model
from napari_unet.models.spec import ModelSpec
from napari_unet.progress import Progress, Steps, finish, indeterminate

if TYPE_CHECKING:
    from napari_unet.nets.familiarity import Familiarity

SIDE = 128
"""Pixels of a window per axis: that of the crops that models bring along of what they learnt."""
STEP = 16
"""Windows are multiples of this many pixels, as the shipped networks need."""
PLANES = 8
"""Planes of a stack, evenly picked, by which its intensities are measured."""
SURPRISE, OBJECTS, UNDECIDED = -5.3, 3.8, -2.4
"""How familiarity changes with the logarithms of the surprise, of the probability of objects, and of what the
likeliest class lacks to be certain."""
READINESS = {
    "nuclei": -13.1,
    "nuclei-histology": -9.0,
    "cells-phase": -10.6,
    "em-membranes": -16.1,
    "axons": -14.4,
}
"""What is added for each model: some are surprised by images of their own kind more than others.

Fitted, with the three above, as a logistic regression of "the image is of the model's kind" on half of the data
pack and on images that no model knows (`benchmarks.suggestion --fit`). That of `nuclei-histology` lets it know all
of its own kind: no stained images of other things were at hand.
"""
LAST_RESORT = "cells"
"""The model of objects of any kind, for images that none of the others knows."""
MIN_PROBABILITY, MIN_SHARE = 0.05, 1e-3
"""Below these, probabilities of objects and shares count as these, so that their logarithms stay finite."""
LOOKING = "Looking at the image"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one model says of an image, window by window."""

    model: str
    surprise: tuple[float, ...]
    """Mean divergence of what its batch norms see from what they know, in nats; see `nets.familiarity`."""
    certainty: tuple[float, ...]
    """Mean probability of the likeliest class."""
    objects: tuple[float, ...]
    """Mean probability of the pixels of objects; 0 where it finds none."""
    cover: tuple[float, ...]
    """Share of the pixels that belong to objects."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The models by how well they know an image, the best first."""

    models: tuple[str, ...]
    familiarity: tuple[float, ...]
    """Of each of them: the probability that the image is of the kind that it learnt from."""

    @property
    def known(self) -> bool:
        """Whether the best model knows the image; where not, none does."""
        return self.familiarity[0] >= 0.5

    @property
    def best(self) -> str:
        """Return the model to use: the one that knows the image best, or that of any objects where none does."""
        return self.models[0] if self.known else LAST_RESORT


def suggestion_steps(
    array: Any, axes: str | None = None, *, channel: int | None = None
) -> Steps[Suggestion | None]:
    """Ask the shipped models what they know of an image, one yield a look; see `segment` for the arguments.

    Returns None where there is nothing to see, or where the image has several channels and none is named.
    """
    evidence = yield from evidence_steps(array, check_axes(axes, array.shape), channel=channel)
    return judge(evidence) if evidence else None


def evidence_steps(array: Any, axes: str, *, channel: int | None = None) -> Steps[list[Evidence]]:
    """Return what each shipped model that may see the image says of it, one yield a look.

    Models of colour see stained images, all others those of one channel, or RGB as grey.
    """
    try:
        seen = list(planes(array, axes, spatial="YX", channels=1, chosen=None if channel is None else (channel,)))
    except UnetError:  # several channels
        return []
    stained = "S" in axes and channel is None and is_stained(seen[len(seen) // 2])
    found: list[Evidence] = []
    ranges: dict[Normalization, FittedNormalization] = {}
    windows: list[tuple[int, Box]] = []
    for entry in entries():
        spec = entry.spec
        if spec is None or not _may_see(entry, spec, stained=stained):
            continue
        if spec.normalization not in ranges:
            ranges[spec.normalization] = yield from _measure(seen, spec.normalization)
        intensity = ranges[spec.normalization]
        if intensity.is_constant:
            return []
        windows = windows or telling_windows(_linear(seen, intensity), SIDE, STEP)
        blocks = [
            replace(seen[number], channels=spec.in_channels, intensity=intensity).read(box)
            for number, box in windows
        ]
        found.append((yield from _ask(entry, spec, blocks)))
    return found


def _may_see(entry: Entry, spec: ModelSpec, *, stained: bool) -> bool:
    """Whether a model is one of the shipped ones, and of colour where the image is stained."""
    return entry.shipped and entry.name in READINESS and (spec.in_channels == 3) == stained


def _measure(seen: Sequence[Plane], normalization: Normalization) -> Steps[FittedNormalization]:
    """Return the intensities of an image, found on a few of its planes."""
    some = np.linspace(0, len(seen) - 1, min(len(seen), PLANES)).round().astype(int)
    found = yield from indeterminate(measure_intensity([seen[i] for i in some], normalization), LOOKING)
    return found


def _linear(seen: Sequence[Plane], intensity: FittedNormalization) -> list[Plane]:
    """Return planes whose contrast does not depend on a model's compression and smoothing."""
    channels = tuple(
        tuple(step for step in steps if not isinstance(step, Compress | Smooth)) for steps in intensity.channels
    )
    return [replace(plane, intensity=replace(intensity, channels=channels)) for plane in seen]


def _ask(entry: Entry, spec: ModelSpec, blocks: Sequence[NDArray[np.float32]]) -> Steps[Evidence]:
    """Return what a model says of blocks (C, *spatial), one yield each."""
    said = []
    for block in blocks:
        yield Progress(done=0, total=0, doing=LOOKING)
        maps, surprise = _familiarity(entry.path)(block)
        said.append((surprise, float(maps.max(0).mean()), *_objects(maps, spec)))
    surprises, certainties, objects, covers = zip(*said, strict=True)
    return Evidence(model=entry.name, surprise=surprises, certainty=certainties, objects=objects, cover=covers)


@lru_cache(maxsize=8)
def _familiarity(path: Path) -> Familiarity:
    """Return a model's network ready to be asked; kept, as the next image asks the same ones (8 MB each)."""
    from napari_unet.nets.familiarity import Familiarity

    return Familiarity(load_model(path).net)


def _objects(maps: NDArray[np.float32], spec: ModelSpec) -> tuple[float, float]:
    """Return the mean probability of the pixels of objects in maps (K, *spatial), 0 for none, and their share."""
    from napari_unet.models.prediction_to_labels import read_map

    if spec.is_semantic:
        inside, likely = maps.argmax(0) > 0, maps.max(0)
    else:
        likely = np.tensordot(np.asarray(spec.levels, np.float32), maps, axes=1)
        inside = finish(read_map((likely * 255).round().clip(0, 255).astype(np.uint8), spec)) > 0
    return (float(likely[inside].mean()), float(inside.mean())) if inside.any() else (0.0, 0.0)


def judge(evidence: Sequence[Evidence]) -> Suggestion:
    """Return how familiar an image is to each model, by what they say of it."""
    ranked = sorted(((familiarity(said), said.model) for said in evidence), reverse=True)
    return Suggestion(models=tuple(name for _, name in ranked), familiarity=tuple(value for value, _ in ranked))


def familiarity(said: Evidence) -> float:
    """Return the probability, 0 to 1, that an image is of the kind that a model learnt from."""
    score = READINESS[said.model] + float(np.dot((SURPRISE, OBJECTS, UNDECIDED), figures(said)))
    return 1 / (1 + math.exp(-max(score, -500.0)))


def figures(said: Evidence) -> tuple[float, float, float]:
    """Return the logarithms of surprise, mean probability of objects over all windows, and undecided share."""
    covers = np.asarray(said.cover)
    objects = float(np.dot(said.objects, covers)) / max(float(covers.sum()), MIN_SHARE)
    undecided = 1 - float(np.mean(said.certainty))
    surprise = float(np.mean(said.surprise))
    return math.log(surprise), math.log(max(objects, MIN_PROBABILITY)), math.log(max(undecided, MIN_SHARE))
