"""Segment: an image and a model give instance labels."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import (
    Plane,
    Region,
    aligned_region,
    as_image,
    check_axes,
    require_axes,
    restrict,
    result_axes,
)
from napari_unet.arrays.instances import InstanceSettings
from napari_unet.arrays.joining import join_planes
from napari_unet.arrays.normalization import IntensityRange
from napari_unet.arrays.zoom import check_zoom
from napari_unet.errors import UnetError
from napari_unet.models.model import Model
from napari_unet.models.prediction_to_labels import grid_step, measured_planes, predict_map, read_map
from napari_unet.models.sizes import choose_zoom
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.prediction import PredictionSettings, Predictor
from napari_unet.progress import Progress, Report, Steps, finish, indeterminate, map_progress

JOINABLE = "ZT"
"""Axes through which objects can be joined, in this order: a volume at each time first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationSettings:
    """What a user may choose per run; thresholds left out are the model's own."""

    channel: int | None = None
    """Which channel to segment where the image has several and the model takes one, from 0."""
    prediction: PredictionSettings = field(default_factory=PredictionSettings)
    zoom: float | None = None
    """How large the network sees the image, one of `arrays.zoom.ZOOMS`; None: as the objects in it ask for."""
    seed: float | None = None
    mask: float | None = None
    minimum_size: int | None = None
    join: str = ""
    """Through which axes, Z, T or both, objects that overlap from plane to plane are one; none if empty."""

    def __post_init__(self) -> None:
        check_zoom(1.0 if self.zoom is None else self.zoom)
        if set(self.join) - set(JOINABLE) or len(set(self.join)) < len(self.join):
            raise UnetError(f"objects are joined through Z, T or ZT, got {self.join!r}")

    def instances(self, model: Model) -> InstanceSettings:
        """Return the model's thresholds with the user's in their place."""
        wished: dict[str, Any] = {"seed": self.seed, "mask": self.mask, "minimum_size": self.minimum_size}
        return replace(
            model.spec.instances, **{name: value for name, value in wished.items() if value is not None}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmentation:
    """What segmenting gives: `labels` with their axes, probabilities if wanted, and what to know about the run."""

    labels: NDArray[np.int32]
    """0 = background, every instance its own id: of every plane, but for the axes that are joined."""
    axes: str
    probabilities: NDArray[np.uint8] | None = None
    """Foreground probability times 255, same shape, where asked for."""
    origin: tuple[int, ...] = ()
    """Where the labels' first pixel lies in the image, per axis of the labels."""
    zoom: float = 1.0
    """How large the network saw the image; labels and probabilities have the image's own size all the same."""
    smoothing: float = 0.0
    """By how much noise was smoothed away, a standard deviation in pixels."""
    classes: tuple[str, ...] = ()
    """What the labels mean where they are classes and no instances."""
    spatial: str = "YX"
    """The axes that a network call sees."""
    joined: str = ""
    """Other axes through which instances were joined."""
    remarks: tuple[str, ...] = ()
    """Sentences that the user should read: pixels that were not finite, an empty image."""

    @property
    def count(self) -> int:
        """Return the number of instances."""
        return int(self.labels.max(initial=0))

    @property
    def found(self) -> str:
        """Return in words what was found: how many objects, or which classes."""
        if not self.classes:
            sides = zip(self.axes, self.labels.shape, strict=True)
            planes = math.prod(length for axis, length in sides if axis not in self.spatial + self.joined)
            joined = f" joined through {' and '.join(self.joined)}" if self.joined else ""
            parts = "volumes" if "Z" in self.joined else "planes"
            among = f" in {planes} {parts}, each counted by itself" if planes > 1 else ""
            return f"{self.count} object{'s' * (self.count != 1)}{joined}{among}"
        return f"classes {', '.join(self.classes[n] for n in np.unique(self.labels))}"


def segment(
    image: Any,
    model: Model,
    *,
    axes: str | None = None,
    settings: SegmentationSettings | None = None,
    progress: Report | None = None,
) -> NDArray[np.int32]:
    """Return the instance labels of an image, int32, with the image's axes less channels and samples.

    Parameters
    ----------
    image
        Array of any numeric dtype: numpy, dask, zarr. Planes beyond the model's axes (Z, T) are segmented
        one by one; ids go on from plane to plane.
    model
        From `load_model`.
    axes
        One letter per axis out of T C Z Y X, S for RGB samples; needed unless the image is (Y, X).
    settings
        Channel, device, tile, thresholds.
    progress
        Called with a `Progress` after every tile.

    Raises
    ------
    UnetError
        If the axes are unclear or the channels do not fit the model.
    """
    return finish(segment_steps(image, model, axes=axes, settings=settings), progress).labels


def segment_steps(
    image: Any,
    model: Model,
    *,
    axes: str | None = None,
    settings: SegmentationSettings | None = None,
    region: Region | None = None,
    keep_probabilities: bool = False,
) -> Steps[Segmentation]:
    """Segment in steps, one yield a tile; see `segment`.

    With a `region`, only that part (grown to the pooling grid) is segmented, with the intensities of the whole
    image and its true surroundings as context: the same probabilities as in the whole image.
    """
    chosen = settings or SegmentationSettings()
    if not isinstance(model, Model):
        known = f": load_model({model!r}) may give it" if isinstance(model, str) else ""
        raise UnetError(f"segment needs an image and a model, got a {type(model).__name__} for the model{known}")
    image = as_image(image)
    named = check_axes(axes, image.shape)
    spatial = model.spec.axes
    require_axes(named, spatial)
    _require_joinable(chosen.join, result_axes(named), model.spec)
    wanted = yield from measured_planes(image, named, model.spec, channel=chosen.channel)
    intensity = wanted[0].intensity
    assert intensity is not None
    rotations = chosen.prediction.rotations or model.spec.rotations
    predictor = Predictor(model.net, replace(chosen.prediction, rotations=rotations))
    zoom = chosen.zoom
    if zoom is None:
        zoom = 1.0 if intensity.is_constant else (yield from choose_zoom(wanted, predictor, model.spec))
    part = aligned_region(region or {}, named, image.shape, spatial, grid_step(predictor, zoom))
    sides = [part[axis] for axis in result_axes(named)]
    shape = tuple(side.stop - side.start for side in sides)
    result = Segmentation(
        labels=np.zeros(shape, np.int32),
        axes=result_axes(named),
        probabilities=np.zeros(shape, np.uint8) if keep_probabilities else None,
        origin=tuple(side.start for side in sides),
        zoom=zoom,
        smoothing=intensity.smoothing,
        classes=model.spec.classes if model.spec.is_semantic else (),
        spatial=spatial,
        joined="".join(
            axis for axis in JOINABLE if axis in chosen.join and part[axis].stop - part[axis].start > 1
        ),
        remarks=_remarks(intensity),
    )
    if not intensity.is_constant:
        cut = list(restrict(wanted, part))
        yield from _segment_planes(cut, predictor, model.spec, chosen.instances(model), result)
        for number, axis in enumerate(result.joined):
            yield from indeterminate(_join(result, axis, result.spatial + result.joined[:number]))
    return result


def _segment_planes(
    wanted: list[Plane], predictor: Predictor, spec: ModelSpec, thresholds: InstanceSettings, result: Segmentation
) -> Steps[None]:
    """Segment plane after plane into `result`, ids going on."""
    found = 0
    for number, plane in enumerate(wanted):
        place = _place(plane, result)
        probability = yield from _among(predict_map(predictor, plane, spec, result.zoom), number, len(wanted))
        # short beside predicting
        instances = yield from indeterminate(read_map(probability, spec, thresholds))
        if not spec.is_semantic:
            instances[instances > 0] += found
            found = max(found, int(instances.max(initial=0)))
        result.labels[place] = plane.as_in_image(instances)
        if result.probabilities is not None:
            result.probabilities[place] = plane.as_in_image(probability)


def _require_joinable(join: str, axes: str, spec: ModelSpec) -> None:
    """Refuse to join what no plane parts."""
    if join and spec.is_semantic:
        raise UnetError(f"{spec.name} gives classes, which have no objects to join through {join}: leave join out")
    missing = [axis for axis in join if axis not in axes or axis in spec.axes]
    if missing:
        raise UnetError(
            f"objects cannot be joined through {missing[0]}: the planes of {axes} are {spec.axes}, leave join out"
        )


def _join(result: Segmentation, axis: str, whole: str) -> Steps[None]:
    """Join objects along one axis; `whole` are the axes in which they are whole already."""
    others = [other for other in result.axes if other not in whole + axis]
    order = [*others, axis, *(other for other in result.axes if other in whole)]
    stacks = result.labels.transpose([result.axes.index(other) for other in order])
    highest = 0
    for place in np.ndindex(stacks.shape[: len(others)]):
        highest = yield from join_planes(stacks[place], highest)


def _place(plane: Plane, result: Segmentation) -> tuple[int | slice, ...]:
    """Return where the plane lies in the labels."""
    starts = dict(zip(result.axes, result.origin, strict=True))
    return tuple(plane.index[axis] - starts[axis] if axis in plane.index else slice(None) for axis in result.axes)


def _among(steps: Steps[NDArray[Any]], number: int, count: int) -> Steps[NDArray[Any]]:
    """Yield the progress of one plane as a share of that of all planes."""

    def share(step: Progress) -> Progress:
        doing = step.doing if count == 1 else f"{step.doing} plane {number + 1} of {count}"
        return replace(step, done=number * step.total + step.done, total=count * step.total, doing=doing)

    return map_progress(steps, share)


def _remarks(intensity: IntensityRange) -> tuple[str, ...]:
    remarks = []
    if intensity.invalid:
        remarks.append(
            f"{intensity.invalid} sampled pixels were NaN or infinite; they were treated as background."
        )
    if intensity.is_constant:
        remarks.append("The image has the same value everywhere, so there is nothing to find.")
    return tuple(remarks)
