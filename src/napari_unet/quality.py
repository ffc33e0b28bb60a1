"""Quality: which share of the objects of an image is likely right, 0 to 1, without any truth; rank by it.

The model looks at two windows of the image, as they are and mirrored along their diagonal. The mean probability of
an object's pixels tells how likely the object is right; objects that are found in the mirrored window alone are
objects that it misses, or makes up. Which measure was chosen among which, and what it reaches, stands in
docs/explanation/quality.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arguments import as_path
from napari_unet.arrays.axes import Plane
from napari_unet.arrays.boxes import Box
from napari_unet.arrays.contingency import contingency
from napari_unet.arrays.source import Source
from napari_unet.arrays.windows import telling_windows
from napari_unet.arrays.zoom import Zoomed
from napari_unet.errors import UNFORESEEN, UnetError
from napari_unet.files.file_errors import image_fault
from napari_unet.files.images import open_image
from napari_unet.models.model import Model
from napari_unet.models.prediction_to_labels import grid_step, kept_maps, read_map
from napari_unet.nets.prediction import Predictor, predict
from napari_unet.planning import SegmentationPlan, plan_segmentation, require_model, selected_planes
from napari_unet.progress import Progress, Report, Steps, finish, indeterminate, map_progress
from napari_unet.settings.segmentation import SegmentationSettings

SIDE = 512
"""Of a window in pixels that the network sees: the size of which the figures are measured."""
SLOPE, OFFSET = 1.98, -0.35
"""Of the logistic regression of "IoU with a true object is at least 0.5" on the logit of the mean probability,
over 4492 objects of 139 pairs of image and model; each image weighs as the root of its objects."""
MARGIN = 0.02
"""Added to both probabilities of the logit, which else ends nowhere."""
SAME = 0.5
"""IoU from which an object of the mirrored window is one that was found before."""
CALIBRATION = (
    (0.0, 0.0), (0.4, 0.05), (0.5, 0.12), (0.6, 0.4), (0.7, 0.63), (0.85, 0.83), (0.95, 0.92), (1.0, 0.97)
)  # fmt: skip
"""Expected share of right objects, and the mean AP@0.5 of those of the 139 pairs that had about this share."""
LOOKING = "Looking twice"


@dataclass(frozen=True, slots=True)
class Mirrored:
    """An image with Y and X exchanged; the network's pooling grid stays where it is."""

    image: Zoomed

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the size per spatial axis."""
        return exchanged(self.image.shape)

    def read(self, window: Box) -> NDArray[np.float32]:
        """Return (C, *window) float32."""
        return np.ascontiguousarray(self.image.read(exchanged(window)).swapaxes(-1, -2))


def exchanged(sides: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what belongs to the axes (..., Y, X) for (..., X, Y)."""
    return (*sides[:-2], sides[-1], sides[-2])


def quality_steps(plan: SegmentationPlan, model: Model) -> Steps[float | None]:
    """Return the predicted quality of the labels that a plan makes, 0 to 1; None for classes. One yield a tile.

    It is of the whole image, also where the plan is of a part. 0 where nothing is found.
    """
    if plan.spec.is_semantic or plan.spec.gives_image:
        return None
    if plan.is_empty:
        return 0.0
    prediction = plan.prediction.replace(rotations=False)  # a mean of all turns is the same, however it is turned
    predictor = Predictor(model.net, prediction)
    right, objects = 0.0, 0
    for plane in _windows(plan, grid_step(predictor, plan.zoom)):
        looked = yield from _look_twice(Zoomed(plane=plane, zoom=plan.zoom), predictor, plan)
        right, objects = right + looked[0], objects + looked[1]
    return calibrated(right / objects) if objects else 0.0


def _windows(plan: SegmentationPlan, step: int) -> Iterator[Plane]:
    """Yield the planes to look at, each cut to a window: where contrast is highest, and where it is usual."""
    planes = selected_planes(plan.source, plan.selection, plan.spec)
    whole = [replace(plane, intensity=plan.intensity) for plane in planes]
    side = max(1, round(SIDE / min(plan.zoom) / step)) * step
    for number, box in telling_windows(whole, side, step):
        inside = zip(box, whole[number].shape, strict=True)
        region = tuple(slice(one.start // step * step, min(one.stop, length)) for one, length in inside)
        yield replace(whole[number], region=region)


def _look_twice(image: Zoomed, predictor: Predictor, plan: SegmentationPlan) -> Steps[tuple[float, int]]:
    """Return how many objects of an image are likely right, and how many there are, missed ones with them."""
    kept = kept_maps(plan.spec)
    as_it_is = yield from indeterminate(predict(predictor, image, kept), LOOKING)
    mirrored = yield from indeterminate(predict(predictor, Mirrored(image), kept), LOOKING)
    back = np.ascontiguousarray(mirrored[0].swapaxes(-1, -2))
    labels = yield from indeterminate(read_map(as_it_is[0], plan.spec, plan.thresholds), LOOKING)
    again = yield from indeterminate(read_map(back, plan.spec, plan.thresholds), LOOKING)
    return expected_right(as_it_is[0], labels, again)


def expected_right(
    probability: NDArray[np.uint8], labels: NDArray[np.int32], again: NDArray[np.int32]
) -> tuple[float, int]:
    """Return how many of the objects are likely right, and how many there are.

    Parameters
    ----------
    probability
        Foreground level times 255.
    labels
        What was read from it.
    again
        The labels of a second look, of the same shape; objects in it alone count as wrong.
    """
    sizes = np.bincount(labels.ravel())[1:]
    sums = np.bincount(labels.ravel(), weights=probability.ravel())[1:]
    means = sums[sizes > 0] / sizes[sizes > 0] / 255
    table = contingency(again, labels)
    return float(likely_right(means).sum()), len(means) + table.n_predicted - table.matches(SAME)


def likely_right(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability that objects are right, by the mean probability of their pixels."""
    logits = np.log((means + MARGIN) / (1 - means + MARGIN))
    right: NDArray[np.float64] = 1 / (1 + np.exp(-(SLOPE * logits + OFFSET)))
    return right


def calibrated(share: float) -> float:
    """Return the AP@0.5 that images of such an expected share of right objects had on average."""
    shares, precisions = np.transpose(CALIBRATION)
    return round(float(np.interp(share, shares, precisions)), 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedImage:
    """An image and how well a model is likely to segment it."""

    name: str
    quality: float | None = None
    """0 to 1; None where the image cannot be read or does not fit the model."""
    fault: str = ""
    """The sentence on why not."""


def rank(
    images: Sequence[str | Path | Source],
    model: Model,
    *,
    axes: str | None = None,
    settings: SegmentationSettings | None = None,
    progress: Report | None = None,
) -> list[RankedImage]:
    """Return images in the order in which they need a person's eye: those that the model knows least first.

    Two windows of an image are looked at, so that large images take no longer than small ones.

    Parameters
    ----------
    images
        Files, or what `open_image` returns.
    model
        From `load_model`; one that finds objects.
    axes
        Of all files, in place of what they say.
    settings
        Channels, zoom, thresholds: as for `segment`.
    progress
        Called with a `Progress` after every tile.

    Returns
    -------
    list of RankedImage
        Name and predicted quality (0 to 1, about the average precision at IoU 0.5), worst first. Images that
        cannot be read stand at the end, with the sentence that says why.

    Raises
    ------
    UnetError
        If the model gives classes and no objects.

    Examples
    --------
    >>> from napari_unet import load_model, rank
    >>> from napari_unet.samples import SAMPLES
    >>> worst, best = rank([sample.path for sample in SAMPLES], load_model("nuclei"))
    >>> 0 < worst.quality <= best.quality <= 1
    True
    """
    return finish(rank_steps(images, model, axes=axes, settings=settings), progress)


def rank_steps(
    images: Sequence[str | Path | Source],
    model: Model,
    *,
    axes: str | None = None,
    settings: SegmentationSettings | None = None,
) -> Steps[list[RankedImage]]:
    """Rank images in steps, one yield a tile; see `rank`."""
    if require_model(model).spec.is_semantic:
        raise UnetError(f"{model.spec.name} gives classes, whose quality is not known: rank by a model of objects")
    if isinstance(images, str | Path | Source) or not isinstance(images, Iterable):
        raise UnetError(f"rank compares several images, got a {type(images).__name__}: give a list")
    ranked = []
    for number, image in enumerate(images):
        within = partial(replace, done=number, total=len(images))
        one = yield from map_progress(_ranked(image, model, axes, settings), within)
        ranked.append(one)
    return sorted(ranked, key=lambda one: (one.quality is None, one.quality or 0.0))


def _ranked(
    image: str | Path | Source, model: Model, axes: str | None, settings: SegmentationSettings | None
) -> Steps[RankedImage]:
    """Return what is to be said of one image."""
    name = image.name if isinstance(image, Source) else str(as_path(image, "an image"))
    yield Progress(done=0, total=0, doing=f"Reading {Path(name).name}")
    try:
        source = image if isinstance(image, Source) else open_image(image, axes)
        plan = yield from plan_segmentation(source, model, settings)
        return RankedImage(name=name, quality=(yield from quality_steps(plan, model)))
    except UNFORESEEN as error:  # a UnetError is a ValueError
        return RankedImage(name=name, fault=image_fault(Path(name).name, error))
