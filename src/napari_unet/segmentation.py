"""Segment: an image and a model give instance labels. Planned first (`planning`), then run into a store."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import Region
from napari_unet.arrays.channels import Choice
from napari_unet.arrays.joining import join_planes
from napari_unet.arrays.label_store import ArrayStore, LabelStore, MemoryStore, require_ids
from napari_unet.arrays.source import Source
from napari_unet.errors import UnetError
from napari_unet.models.library import load_model
from napari_unet.models.model import Model
from napari_unet.models.prediction_to_image import predict_images
from napari_unet.models.prediction_to_labels import predict_map, read_map
from napari_unet.nets.prediction import Predictor
from napari_unet.planning import SegmentationPlan, plan_segmentation, require_model
from napari_unet.progress import Report, Steps, finish, indeterminate, map_progress, share_of
from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.settings.zooms import Zoom
from napari_unet.watching import LookedAt, as_seen, nearest
from napari_unet.words import counted


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segmentation:
    """The labels of an image, and the plan by which they were made."""

    plan: SegmentationPlan
    labels: Any
    """0 is background. Ids are unique over the array; objects joined along `joined_axes` share one id."""
    probabilities: Any = None
    """Foreground probability times 255, same shape, where asked for."""
    count: int = 0
    """The number of instances, or the highest class."""
    levels: tuple[Any, ...] = ()
    """Labels that lie on disk, at their own size, half of it, and so on; each is read where it is sliced."""

    @property
    def axes(self) -> str:
        """Return the axes of the labels; C before them where a model gives an image of several channels."""
        return ("C" if self.gives_image and len(self.plan.spec.classes) > 1 else "") + self.plan.axes

    @property
    def gives_image(self) -> bool:
        """Whether `labels` hold an image, float32, instead of labels."""
        return self.plan.spec.gives_image

    @property
    def origin(self) -> tuple[int, ...]:
        """Return where the labels' first pixel lies in the image, per axis of the labels."""
        return self.plan.origin

    @property
    def zoom(self) -> tuple[float, ...]:
        """Return how many pixels the network saw per pixel of the image and axis; labels have the image's size."""
        return self.plan.zoom

    @property
    def classes(self) -> tuple[str, ...]:
        """Return what the labels mean where they are classes and no instances."""
        return self.plan.spec.classes if self.plan.spec.is_semantic else ()

    @property
    def joined_axes(self) -> str:
        """Return the axes, other than the model's, along which instances were joined."""
        return self.plan.joined_axes

    @property
    def remarks(self) -> tuple[str, ...]:
        """Return sentences that the user should read."""
        return self.plan.remarks

    @property
    def found(self) -> str:
        """Return in words what was found: how many objects, or which classes."""
        if self.gives_image:
            return f"an image ({self.plan.spec.maps_to or ', '.join(self.plan.spec.classes)})"
        if self.classes:
            small = np.asarray(self.levels[-1] if self.levels else self.labels)
            return f"classes {', '.join(self.classes[n] for n in np.unique(small))}"
        single = self.plan.spec.axes + self.joined_axes
        sides = zip(self.axes, self.labels.shape, strict=True)
        planes = math.prod(length for axis, length in sides if axis not in single)
        joined = f" joined through {' and '.join(self.joined_axes)}" if self.joined_axes else ""
        parts = "volumes" if "Z" in single else "planes"
        among = f" in {planes} {parts}, each counted by itself" if planes > 1 else ""
        return f"{counted(self.count, 'object')}{joined}{among}"


def segment(
    image: Any,
    model: Model,
    *,
    axes: str | None = None,
    channels: Choice | None = None,
    device: str | None = None,
    zoom: Zoom | None = None,
    out: Any = None,
    settings: SegmentationSettings | None = None,
    progress: Report | None = None,
) -> NDArray[np.int32]:
    """Return the instance labels of an image, int32, with the image's axes less channels and samples.

    Parameters
    ----------
    image
        Array of any numeric dtype: NumPy, dask, Zarr; or a `Source`, as `open_image` gives. Planes beyond the
        model's axes (Z, T) are segmented one by one; ids go on from plane to plane.
    model
        From `load_model`.
    axes
        One letter per axis out of T C Z Y X, S for RGB samples; needed unless the image is (Y, X).
    channels
        Numbers from 0, or names, of the channels that the model reads, in the order of its inputs; None among them
        leaves an optional input out.
    device
        "auto", "cpu", "cuda", "mps" or "xpu".
    zoom
        How many pixels the network sees per pixel of the image, one number or one per axis; None: measured.
    out
        An array of the labels' shape that takes slices (a memory map, a Zarr array), filled and returned.
    settings
        All other options: tile, precision, thresholds; those above replace what it says.
    progress
        Called with a `Progress` after every tile.

    Returns
    -------
    numpy.ndarray
        0 is background, every object has an id of its own; or `out`. A model that maps images to images gives
        float32 intensities instead.

    Raises
    ------
    UnetError
        If the axes are unclear or the channels do not fit the model.

    Examples
    --------
    >>> from napari_unet import load_model, open_image, segment
    >>> from napari_unet.samples import SAMPLES
    >>> labels = segment(open_image(SAMPLES[1].path), load_model("nuclei"))
    >>> labels.shape, int(labels.max()) > 20
    ((256, 256), True)
    """
    steps = segment_steps(
        image,
        model,
        axes=axes,
        settings=SegmentationSettings.chosen(settings).with_options(channels, device, zoom),
        store=None if out is None else _store_of(out, image),
    )
    labels: NDArray[np.int32] = finish(steps, progress).labels
    return labels


def _store_of(out: Any, image: Any) -> ArrayStore:
    """Return the store of a caller's array, which must not be the image that is read meanwhile."""
    if isinstance(out, np.ndarray) and isinstance(image, np.ndarray) and np.shares_memory(out, image):
        raise UnetError("out is the image itself, whose pixels would be lost: give another array")
    return ArrayStore(out)


def segment_steps(
    image: Any,
    model: Model,
    *,
    axes: str | None = None,
    settings: SegmentationSettings | None = None,
    region: Region | None = None,
    keep_probabilities: bool = False,
    store: LabelStore | None = None,
    looked_at: LookedAt | None = None,
) -> Steps[Segmentation]:
    """Plan and run in steps, one yield a tile; see `segment`, `plan_segmentation` and `run_plan`.

    With a `region`, only that part (grown to the pooling grid) is segmented, with the intensities of the whole
    image and its true surroundings as context: the same probabilities as in the whole image.
    """
    model = require_model(model)
    source = image if isinstance(image, Source) else Source.of(image, axes)
    store = store or MemoryStore()
    store.require_room(*source.room(region or {}, model.spec.axes))  # before anything is read
    plan = yield from plan_segmentation(source, model, settings, region=region)
    return (
        yield from run_plan(plan, model, store=store, keep_probabilities=keep_probabilities, looked_at=looked_at)
    )


def run_plan(
    plan: SegmentationPlan,
    model: Model | None = None,
    *,
    store: LabelStore | None = None,
    keep_probabilities: bool = False,
    looked_at: LookedAt | None = None,
) -> Steps[Segmentation]:
    """Make the labels of a plan in steps, one yield a tile.

    Parameters
    ----------
    plan
        From `plan_segmentation`, in this process or another one.
    model
        The model of the plan; None loads it from the plan's file.
    store
        Gives every array of the size of the image; None: memory.
    keep_probabilities
        Whether the foreground probabilities are kept, too.
    looked_at
        Gives the place in view, in pixels of the image by axis: tiles nearest to it come first, and the step after
        each has a `MapPart` for a preview.

    Raises
    ------
    UnetError
        If the model is another one than the plan was made for.
    """
    model, store = _model_of(plan, model), store or MemoryStore()
    if plan.spec.gives_image:
        return (yield from _map_planes(plan, model, store))
    labels = store.labels(plan.shape)
    probabilities = store.map(plan.shape, np.uint8) if keep_probabilities else None
    count = 0
    if not plan.is_empty:
        count = yield from _segment_planes(plan, model, store, (labels, probabilities), looked_at)
        for number, axis in enumerate(plan.joined_axes):
            whole = plan.spec.axes + plan.joined_axes[:number]
            count = yield from indeterminate(_join(plan, labels, axis, whole))
    return Segmentation(plan=plan, labels=labels, probabilities=probabilities, count=count)


def _segment_planes(
    plan: SegmentationPlan, model: Model, store: LabelStore, into: tuple[Any, Any], looked_at: LookedAt | None
) -> Steps[int]:
    """Segment plane after plane into labels and probabilities, ids going on; return the highest."""
    labels, probabilities = into
    predictor = Predictor(model.net, plan.prediction)
    wanted, found = plan.planes(), 0
    for number, plane in enumerate(wanted):
        place = plan.place_of(plane)
        choose = None if looked_at is None else partial(nearest, looked_at, plan, plane)
        predicting = predict_map(predictor, plane, plan.spec, plan.zoom, out=store.map, choose=choose)
        predicting = map_progress(predicting, partial(as_seen, plan, plane))
        probability = yield from share_of(predicting, number, len(wanted))
        # short compared with predicting
        instances = yield from indeterminate(read_map(probability, plan.spec, plan.thresholds))
        if not plan.spec.is_semantic:
            instances[instances > 0] += found
        found = max(found, int(instances.max(initial=0)))
        require_ids(labels, found)
        labels[place] = plane.as_in_image(instances)
        if probabilities is not None:
            probabilities[place] = plane.as_in_image(probability)
    return found


def _map_planes(plan: SegmentationPlan, model: Model, store: LabelStore) -> Steps[Segmentation]:
    """Make an image of every plane."""
    count = len(plan.spec.classes)
    shape = (count, *plan.shape)[count == 1 :]
    image = store.labels(shape) if isinstance(store, ArrayStore) else store.map(shape, np.float32)
    predictor = Predictor(model.net, plan.prediction)
    yield from predict_images(predictor, plan.planes(), plan.spec, image, plan.place_of)
    return Segmentation(plan=plan, labels=image)


def _join(plan: SegmentationPlan, labels: Any, axis: str, whole: str) -> Steps[int]:
    """Join objects along one axis; `whole` are the axes in which they are whole already. Return how many."""
    others = [other for other in plan.axes if other not in whole + axis]
    order = [*others, axis, *(other for other in plan.axes if other in whole)]
    in_memory = np.asarray(labels)
    stacks = in_memory.transpose([plan.axes.index(other) for other in order])
    highest = 0
    for place in np.ndindex(stacks.shape[: len(others)]):
        highest = yield from join_planes(stacks[place], highest)
    if in_memory is not labels:
        labels[...] = in_memory
    return highest


def _model_of(plan: SegmentationPlan, model: Model | None) -> Model:
    """Return the model of a plan, loaded from its file where none is given; UnetError where it is another one."""
    if model is None:
        if plan.model_path is None:
            raise UnetError(f"the plan's model {plan.spec.name} has no file: give the model too")
        model = load_model(plan.model_path)
    if model.sha256 != plan.model_sha256:
        raise UnetError(f"the plan was made for another {plan.spec.name}: plan again with this model")
    return model
