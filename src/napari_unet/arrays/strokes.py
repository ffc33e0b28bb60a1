"""Strokes, and which of them are held out: whole ones, spatially apart, never single pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_unet.arrays.annotations import Annotation

SHARE = 0.2
FEWEST = 5
"""With fewer strokes than this none is held out: the network needs them all."""
TRUSTED_PIXELS = 200


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOut:
    """Which strokes are kept from training to measure it."""

    strokes: NDArray[np.int32]
    """(*spatial) number of the stroke at each annotated pixel, from 1."""
    held: tuple[int, ...]
    """Numbers of the strokes that are held out; empty where there are too few."""

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
    """Choose about `share` of the strokes, objects and background (or every class) each, far from each other.

    The first is drawn at random, each further one is the farthest from those chosen, so that the held-out strokes
    sample the whole image. At least one stroke of each class stays for training.
    """
    strokes = number_strokes(annotation)
    count = int(strokes.max(initial=0))
    if count < FEWEST or share <= 0:
        return HeldOut(strokes=strokes, held=())
    numbers = np.arange(1, count + 1)
    centres = np.array(ndimage.center_of_mass(strokes > 0, strokes, numbers))
    kinds = np.asarray(ndimage.maximum(annotation.labels, strokes, numbers))
    kinds = kinds if classes else np.minimum(kinds, 1)
    held: list[int] = []
    for value in np.unique(kinds)[::-1]:  # objects first
        kind = kinds == value
        candidates = numbers[kind]
        wanted = min(len(candidates) - 1, max(1, round(share * len(candidates))))
        held += _far_apart(candidates, centres[kind], wanted, rng)
    return HeldOut(strokes=strokes, held=tuple(held))


def _far_apart(
    numbers: NDArray[np.int64], centres: NDArray[np.float64], wanted: int, rng: np.random.Generator
) -> list[int]:
    if wanted < 1:
        return []
    chosen = [int(rng.integers(len(numbers)))]
    while len(chosen) < wanted:
        distances = np.linalg.norm(centres[:, None] - centres[chosen][None], axis=-1).min(axis=1)
        distances[chosen] = -1  # strokes around one another share a centre
        chosen.append(int(distances.argmax()))
    return [int(numbers[i]) for i in chosen]
