"""Strokes, and which of them are held out: whole ones, spatially apart, never single pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.annotations import Annotation

SHARE = 0.2
"""Of the strokes that are held out: of five, the fewest that are divided, it is one."""
MIN_STROKES = 5
"""With fewer strokes than this none is held out: the network needs them all."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOut:
    """Which strokes are kept from training to measure it."""

    strokes: NDArray[np.int32]
    """(*spatial) number of the stroke at each annotated pixel, from 1."""
    held: tuple[int, ...] = ()
    """Numbers of the strokes that are held out; empty where there are too few."""
    apart: bool = False
    """Whether strokes are held out here or in another part of what was painted."""

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Return where the held-out strokes are."""
        return np.isin(self.strokes, self.held)

    @property
    def count(self) -> int:
        """Return how many strokes there are."""
        return int(self.strokes.max(initial=0))


def number_strokes(annotation: Annotation) -> NDArray[np.int32]:
    """Return the strokes of an annotation, numbered: each connected piece of one instance or of background."""
    from scipy import ndimage

    strokes = np.zeros(annotation.labels.shape, np.int32)
    ground = annotation.annotated & (annotation.labels == 0)
    pieces, found = ndimage.label(ground)
    strokes[ground] = pieces[ground]
    for number, box in enumerate(ndimage.find_objects(annotation.labels), start=1):
        if box is None:
            continue
        inside = (annotation.labels[box] == number) & annotation.annotated[box]
        pieces, count = ndimage.label(inside)
        strokes[box][inside] = pieces[inside] + found
        found += count
    return strokes


def hold_out(
    annotation: Annotation, rng: np.random.Generator, *, share: float = SHARE, classes: bool = False
) -> HeldOut:
    """Choose the strokes of a single annotation to hold out; see `hold_out_together`."""
    [held] = hold_out_together([(annotation, (0,) * annotation.labels.ndim)], rng, share=share, classes=classes)
    return held


def hold_out_together(
    parts: Sequence[tuple[Annotation, Sequence[float]]],
    rng: np.random.Generator,
    *,
    share: float = SHARE,
    classes: bool = False,
) -> list[HeldOut]:
    """Choose about `share` of all strokes, objects and background (or every class) each, far from each other.

    Each part is an annotation and where its first pixel lies, in coordinates that all parts share. The first
    stroke is drawn at random, each further one is the farthest from those chosen, so that the held-out strokes
    sample all that was painted. At least one stroke of each class stays for training.
    """
    numbered = [number_strokes(annotation) for annotation, _ in parts]
    counts = [int(strokes.max(initial=0)) for strokes in numbered]
    if sum(counts) < MIN_STROKES or share <= 0:
        return [HeldOut(strokes=strokes) for strokes in numbered]
    owners = np.repeat(np.arange(len(parts)), counts)
    numbers = np.concatenate([np.arange(1, count + 1) for count in counts])
    centres, kinds = _centres_and_kinds(parts, numbered, counts)
    kinds = kinds if classes else np.minimum(kinds, 1)
    held: list[int] = []
    for value in np.unique(kinds)[::-1]:  # objects first
        candidates = np.flatnonzero(kinds == value)
        wanted = min(len(candidates) - 1, max(1, round(share * len(candidates))))
        held += _far_apart(candidates, centres[candidates], wanted, rng)
    return [
        HeldOut(strokes=strokes, held=tuple(int(numbers[n]) for n in held if owners[n] == owner), apart=bool(held))
        for owner, strokes in enumerate(numbered)
    ]


def _centres_and_kinds(
    parts: Sequence[tuple[Annotation, Sequence[float]]], numbered: list[NDArray[np.int32]], counts: list[int]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return where every stroke of all parts lies, and its label."""
    from scipy import ndimage

    centres, kinds = [], []
    for (annotation, corner), strokes, count in zip(parts, numbered, counts, strict=True):
        if count:
            inside = np.arange(1, count + 1)
            places = np.tile(np.asarray(corner, float), (count, 1))
            places[:, -strokes.ndim :] += ndimage.center_of_mass(strokes > 0, strokes, inside)
            centres.append(places)
            kinds.append(np.asarray(ndimage.maximum(annotation.labels, strokes, inside)))
    return np.concatenate(centres), np.concatenate(kinds)


def _far_apart(
    numbers: NDArray[np.intp], centres: NDArray[np.float64], wanted: int, rng: np.random.Generator
) -> list[int]:
    """Return so many of the numbers: one at random, then always the one farthest from all chosen ones."""
    chosen: list[int] = []
    nearest = np.full(len(numbers), np.inf)
    following = int(rng.integers(len(numbers)))
    while len(chosen) < wanted:
        chosen.append(following)
        np.minimum(nearest, np.linalg.norm(centres - centres[following], axis=-1), out=nearest)
        nearest[following] = -1  # strokes around one another share a centre
        following = int(nearest.argmax())
    return [int(numbers[n]) for n in chosen]
