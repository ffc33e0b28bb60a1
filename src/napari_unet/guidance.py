"""Where to paint next: what a model is unsure of, unlike all that was visited; any place where it knows nothing.

A pixel's uncertainty is 4 p (1 - p) for the probability p of an object (1 at one half). The rims of objects are
always a little uncertain, so that the lowest value around each pixel counts. An image is cut into cells; each is
described by its mean uncertainty u, its mean probability, and mean and spread of its intensities. Cells that were
not visited are ranked by u (1 - exp(-d^2 / 2)), where d is the distance in that description, in standard
deviations of all cells, to the nearest visited one: diversity beside uncertainty, as in core-set selection (Sener
and Savarese, ICLR 2018).

What a model of another kind doubts is often background that it never saw. So where what it finds in an image has
a mean probability below `UNKNOWN_CERTAINTY`, random numbers stand for that value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import check_axes, result_axes, result_shape
from napari_unet.arrays.boxes import Box
from napari_unet.arrays.channels import Choice
from napari_unet.errors import UnetError
from napari_unet.models.certainty import HALF_PROBABILITY, UNKNOWN_CERTAINTY
from napari_unet.progress import Steps, indeterminate
from napari_unet.settings.prediction import PredictionSettings

if TYPE_CHECKING:
    from napari_unet.models.model import Model

SIDE = 96
"""Pixels, as the network sees them, of a cell's side: some objects fit in, and the screen shows each clearly."""
RIM = 5
"""Pixels over which the lowest uncertainty is taken: rims of sharply seen objects are narrower."""
MIN_NOVELTY = 0.1
"""What novelty is at least: a second place of one kind is worth a little, too."""
MIN_UNLIKE = 0.75
"""Novelty from which a place is called unlike the visited ones."""
MIN_UNSURE = 0.36
"""Uncertainty from which a pixel is called uncertain: a probability of 10 to 90 %."""
UNKNOWN = "the model does not know this kind of image: any place teaches it"
MAX_PLANES = 16
"""Planes of a stack that are looked at, evenly spaced: more would keep the painter waiting."""
MIN_WORTH = 1e-4
"""Mean uncertainty below which painting is not suggested: of rounding, a pixel in 500 at 10 %."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """The cells of one plane, or volume, of an image."""

    image: int = 0
    """Number of the image, where several are looked at."""
    index: tuple[int | slice, ...]
    """Where the plane lies, per axis of the labels."""
    boxes: tuple[Box, ...]
    """Of each cell, along the axes of the plane."""
    features: NDArray[np.float64]
    """(cells, 4) mean uncertainty, mean probability, mean and standard deviation of the intensities."""
    unsure: NDArray[np.float64]
    """(cells,) share of the pixels that are uncertain."""
    known: bool = True
    """Whether the model is sure of what it finds in the image."""

    def place(self, number: int) -> Box:
        """Return where a cell lies, per axis of the labels."""
        sides = iter(self.boxes[number])
        return tuple(slice(at, at + 1) if isinstance(at, int) else next(sides) for at in self.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place to paint next."""

    image: int
    """Number of its image."""
    box: Box
    """Per axis of the labels, in pixels."""
    worth: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Survey:
    """What a model is unsure of in an image."""

    cells: tuple[Cells, ...]
    uncertainty: NDArray[np.uint8]
    """Times 255, of the shape of the image's labels; 0 in planes that were not looked at."""


def survey_steps(
    model: Model, image: Any, *, axes: str | None, channels: Choice | None = None, device: str = "auto"
) -> Steps[Survey]:
    """Return where a model is unsure of an image; UnetError for one that tells classes apart."""
    from napari_unet.models.prediction_to_labels import measured_planes, predict_map
    from napari_unet.nets.prediction import Predictor

    spec, named = model.spec, check_axes(axes, image.shape)
    if spec.is_semantic:
        raise UnetError(f"{spec.name} tells classes apart: places to paint are found for models of objects alone")
    wanted = yield from measured_planes(image, named, spec, channels=channels)
    predictor = Predictor(model.net, PredictionSettings(device=device))
    unsure = np.zeros(result_shape(named, image.shape), np.uint8)
    cells, counts = [], np.zeros(256, int)
    for number in np.unique(np.linspace(0, len(wanted) - 1, MAX_PLANES).round().astype(int)):
        plane = wanted[number]
        steps = predict_map(predictor, plane, spec, spec.zooms)
        probability = plane.as_in_image((yield from indeterminate(steps, "Looking where to paint")))
        index = tuple(plane.index.get(axis, slice(None)) for axis in result_axes(named))
        seen = plane.as_in_image(plane.read(tuple(slice(0, length) for length in plane.shape)).mean(axis=0))
        cells.append(describe_cells(index, probability, seen, side=round(SIDE / min(spec.zooms))))
        unsure[index] = uncertainty(probability) * 255
        counts += np.bincount(probability.ravel(), minlength=256)
    found = counts * (np.arange(256) >= HALF_PROBABILITY)
    known = not found.any() or bool(np.average(np.arange(256), weights=found) >= UNKNOWN_CERTAINTY * 255)
    return Survey(cells=tuple(replace(part, known=known) for part in cells), uncertainty=unsure)


def uncertainty(probability: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return 0..1 (*spatial) for probabilities x 255: how unsure a model is beyond the rims of objects."""
    from scipy import ndimage

    p = probability.astype(np.float32) / 255
    return np.asarray(ndimage.minimum_filter(4 * p * (1 - p), [min(RIM, n) for n in p.shape]), np.float32)


def describe_cells(
    index: tuple[int | slice, ...], probability: NDArray[np.uint8], image: NDArray[np.float32], *, side: int = SIDE
) -> Cells:
    """Return the cells of a plane from its probabilities x 255 and its intensities, both (*spatial)."""
    unsure = uncertainty(probability)
    boxes = tuple(product(*(_sides(length, side) for length in probability.shape)))
    features = [
        (unsure[box].mean(), probability[box].mean() / 255, image[box].mean(), image[box].std()) for box in boxes
    ]
    shares = [(unsure[box] >= MIN_UNSURE).mean() for box in boxes]
    return Cells(
        index=index,
        boxes=boxes,
        features=np.array(features, np.float64).reshape(-1, 4),
        unsure=np.array(shares, np.float64),
    )


def rank_places(
    cells: Sequence[Cells], visited: Sequence[NDArray[np.bool_]], *, most: int = 5, novelty: bool = True
) -> list[Place]:
    """Return places to paint, that of most doubt first; empty where nothing is left to visit.

    Parameters
    ----------
    cells
        Of all planes of all images that were looked at.
    visited
        Per image a mask of its labels' shape: True where it was painted or already visited.
    most
        How many places to return: each counts as visited for the next one.
    novelty
        Whether places unlike the visited ones come first; False ranks by uncertainty alone.
    """
    every = [(part, number) for part in cells for number in range(len(part.boxes))]
    if not every:
        return []
    features = np.concatenate([part.features for part in cells])
    described = features / np.maximum(features.std(axis=0), 1e-9)
    free = np.array([not visited[part.image][part.place(number)].any() for part, number in every])
    been = described[~free]
    foreign = np.array([not part.known for part, _ in every])
    anywhere = features[:, 0].max() * np.random.default_rng(0).random(len(every))  # the same ones each time
    places: list[Place] = []
    while len(places) < most and free.any():
        new = _novelty(described, been) if novelty else np.ones(len(every))
        worth = np.where(free, np.where(foreign, anywhere, features[:, 0] * new), -1)
        best = int(worth.argmax())
        part, number = every[best]
        if part.known and features[best, 0] < MIN_WORTH:
            break
        reason = _reason(part.unsure[number], new[best], first=not len(been)) if part.known else UNKNOWN
        place = part.place(number)
        places.append(Place(image=part.image, box=place, worth=float(worth[best]), reason=reason))
        free[best] = False
        been = np.concatenate([been, described[best : best + 1]])
    return places


def _novelty(described: NDArray[np.float64], known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 0..1 by cell: how far from all known ones it is."""
    if not len(known):
        return np.ones(len(described))
    nearest = np.min([((described - one) ** 2).sum(axis=1) for one in np.unique(known, axis=0)], axis=0)
    return np.asarray(np.maximum(MIN_NOVELTY, 1 - np.exp(-nearest / 2)))


def _reason(unsure: float, new: float, *, first: bool) -> str:
    """Return in words why a place is suggested."""
    share = (
        f"the model is unsure of {unsure:.0%} of its pixels" if unsure >= 0.01 else "the model is a little unsure"
    )
    if first:
        return f"{share}, more than anywhere else"
    return f"{share}, and it is unlike the places that you visited" if new >= MIN_UNLIKE else share


def _sides(length: int, side: int) -> list[slice]:
    """Return parts of a side of about equal length, none longer than `side`."""
    count = max(1, -(-length // side))
    ends = np.linspace(0, length, count + 1).round().astype(int).tolist()
    return [slice(low, high) for low, high in pairwise(ends)]
