"""What strokes mean: the one place that knows what 0, 1 and 2 are in a painted layer.

Three kinds of painting end in the same `Annotation`: an annotation layer (0 not annotated, 1 background, 2 and up
one instance each), corrections painted straight onto a prediction, and a fully annotated image.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.boundary_weights import dense_labels
from napari_unet.arrays.duplicate_ids import split_scattered
from napari_unet.errors import UnetError
from napari_unet.whole_numbers import as_whole_numbers

NOT_ANNOTATED, BACKGROUND, FIRST_INSTANCE = 0, 1, 2
MAX_CLASS = 31
"""The highest class index: more values than this are ids of objects, or grey values."""
ENCLOSED = 0.5
"""Share of an instance's outer rim that must be annotated for the instance to count as painted whole."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Annotation:
    """What is known of an image by hand: instances, what is annotated at all, which instances are complete."""

    labels: NDArray[np.int32]
    """(*spatial) instances 1..n; 0 is background where annotated, unknown elsewhere."""
    annotated: NDArray[np.bool_]
    """(*spatial) where anything was said."""
    complete: NDArray[np.bool_]
    """(n + 1,) by id: painted whole, so that its edge is the object's border; a scribble says the class only."""

    corrects: bool = False
    """Whether it corrects a prediction, whose remainder then stands for the classes that were not painted."""

    @property
    def pixels(self) -> int:
        """Return how many pixels are annotated."""
        return int(np.count_nonzero(self.annotated))

    @property
    def whole_instances(self) -> NDArray[np.int32]:
        """Return the labels of complete instances alone: those that give ridge and border weights."""
        return np.where(self.complete[self.labels], self.labels, 0).astype(np.int32)

    def placed(self, shape: tuple[int, ...], origin: tuple[int, ...]) -> Annotation:
        """Return the annotation of a whole image, of which this one is the part that begins at `origin`."""
        if len(shape) != self.labels.ndim:
            raise UnetError(f"the image is {shape} and its annotation {self.labels.shape}: they must match")
        part = tuple(slice(start, start + length) for start, length in zip(origin, self.labels.shape, strict=True))
        labels, annotated = np.zeros(shape, np.int32), np.zeros(shape, bool)
        labels[part], annotated[part] = self.labels, self.annotated
        return replace(self, labels=labels, annotated=annotated)

    def without(self, hidden: NDArray[np.bool_]) -> Annotation:
        """Return the annotation as if nothing had been said in `hidden`."""
        return replace(self, annotated=self.annotated & ~hidden, labels=np.where(hidden, 0, self.labels))


def painted(layer: NDArray[Any]) -> Annotation:
    """Return what an annotation layer says: 0 nothing, 1 background, every id from 2 one instance.

    One id in places far apart is as many instances. An instance counts as complete where at least half of its
    outer rim is annotated too (as background or as another instance): then the painter saw its border. Otherwise
    it is a scribble.

    Raises
    ------
    UnetError
        If the layer is empty, or not of whole numbers from 0.
    """
    checked = _whole_numbers(layer)
    if not checked.any():
        raise UnetError("the annotation is empty: paint background with 1 and objects with 2, 3, ...")
    instances = split_scattered(dense_labels(np.where(checked >= FIRST_INSTANCE, checked, 0)))
    annotated = checked != NOT_ANNOTATED
    return Annotation(labels=instances, annotated=annotated, complete=enclosed(instances, annotated))


def as_painted(
    annotation: Annotation, objects: NDArray[np.bool_], *, through: tuple[int, ...] = ()
) -> NDArray[np.int32]:
    """Return the annotation layer that says the same to `painted`, or of classes to `painted_classes`.

    Complete objects get a rim of background where nothing was said and there are no `objects`, so that they are
    read as complete again. `through` is as of `corrected`.
    """
    if annotation.complete.any():
        annotation = with_background_ring(annotation, width=1, sure=objects, through=through)
    return np.where(annotation.annotated, annotation.labels + BACKGROUND, NOT_ANNOTATED).astype(np.int32)


def enclosed(instances: NDArray[np.int32], annotated: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return by id whether at least half of an instance's outer rim is annotated, along all axes of the array."""
    from scipy import ndimage

    complete = np.zeros(int(instances.max(initial=0)) + 1, bool)
    for number, box in enumerate(ndimage.find_objects(instances), start=1):
        if box is not None:
            around = _grown(box, instances.shape)
            inside = instances[around] == number
            rim = ndimage.binary_dilation(inside) & ~inside
            complete[number] = rim.any() and annotated[around][rim].mean() >= ENCLOSED
    return complete


def corrected(
    prediction: NDArray[Any],
    layer: NDArray[Any],
    *,
    right: tuple[slice, ...] | None = None,
    through: tuple[int, ...] = (),
    volumes: bool = False,
) -> Annotation:
    """Return what painting over a prediction says.

    Where the layer differs from the prediction, something was said: erased pixels are background. An instance
    that was touched (painted, cut or newly drawn) counts as complete, with all of its pixels. Everything else is
    not annotated, unless it lies in `right`: there the painter accepts the prediction as the truth.

    `through` are the axes through which planes follow one another: what was touched in one plane says nothing of
    the others, which the user may not have looked at, also if it is the same object there. To a model of `volumes`
    an object is complete only where all of its planes were touched: of the others it has no border here.
    """
    after, changed = _changes(prediction, layer)
    before = _whole_numbers(prediction)
    if right is not None:
        changed[right] = True
    whole = np.zeros(after.shape, bool)
    for position in np.ndindex(*(after.shape[axis] for axis in through)):
        index = dict(zip(through, position, strict=True))
        plane = tuple(index.get(axis, slice(None)) for axis in range(after.ndim))
        said = changed[plane]
        if said.any():
            touched = np.setdiff1d(np.union1d(before[plane][said], after[plane][said]), [0])
            whole[plane] = np.isin(after[plane], touched)
    instances = split_scattered(dense_labels(np.where(whole, after, 0)))
    complete = np.ones(int(instances.max(initial=0)) + 1, bool)
    if volumes:
        elsewhere = np.setdiff1d(after[~whole], [0])
        complete[np.setdiff1d(instances[np.isin(after, elsewhere)], [0])] = False
    return Annotation(labels=instances, annotated=whole | changed, complete=complete, corrects=True)


def painted_classes(layer: NDArray[Any]) -> Annotation:
    """Return what a layer of class strokes says: 0 nothing, 1 background, 2 the first class after it, and so on.

    Raises
    ------
    UnetError
        If the layer is empty, or not of whole numbers from 0.
    """
    checked = _whole_numbers(layer)
    if not checked.any():
        raise UnetError("the annotation is empty: paint background with 1 and the classes with 2, 3, ...")
    said = checked != NOT_ANNOTATED
    return _of_classes(np.where(said, checked.astype(np.int32) - BACKGROUND, 0), said)


def corrected_classes(
    prediction: NDArray[Any], layer: NDArray[Any], *, right: tuple[slice, ...] | None = None
) -> Annotation:
    """Return what painting over a prediction of classes says (0 = background): what differs, what is `right`."""
    after, changed = _changes(prediction, layer)
    if right is not None:
        changed[right] = True
    return replace(_of_classes(np.where(changed, after, 0), changed), corrects=True)


def dense_classes(truth: NDArray[Any]) -> Annotation:
    """Return a fully annotated image of classes: 0 is background, every pixel counts."""
    checked = _whole_numbers(truth)
    return _of_classes(checked, np.ones(checked.shape, bool))


def _of_classes(classes: NDArray[Any], annotated: NDArray[np.bool_]) -> Annotation:
    """Return an annotation whose labels are classes: nothing in it is an instance with a border."""
    highest = int(classes.max(initial=0))
    if highest > MAX_CLASS:
        raise UnetError(
            f"class {highest} was painted, there are at most {MAX_CLASS}: paint classes, not one id an object"
        )
    return Annotation(labels=classes.astype(np.int32), annotated=annotated, complete=np.zeros(highest + 1, bool))


def dense(truth: NDArray[Any]) -> Annotation:
    """Return a fully annotated image: 0 is background, every pixel counts, every instance is complete."""
    instances = dense_labels(_whole_numbers(truth))
    return Annotation(
        labels=instances,
        annotated=np.ones(instances.shape, bool),
        complete=np.ones(int(instances.max(initial=0)) + 1, bool),
    )


def require_known_classes(annotations: list[Annotation], classes: tuple[str, ...]) -> None:
    """Refuse class strokes that the model has no class for, or a single class: nothing could be told apart."""
    said = sorted(set().union(*(np.unique(a.labels[a.annotated]).tolist() for a in annotations)))
    if said[-1] >= len(classes):
        named = ", ".join(f"{number} {name}" for number, name in enumerate(classes))
        value = f"class {said[-1]} is painted ({said[-1] + 1} on an annotation layer)"
        raise UnetError(f"{value}, the model knows {named}")
    if len(said) < 2 and not any(annotation.corrects for annotation in annotations):
        raise UnetError(f"only {classes[said[0]]} is painted: paint some of another class too")


def require_two_classes(annotations: list[Annotation]) -> None:
    """Refuse a set of annotations that holds only objects or only background: nothing could be told apart.

    Corrections may be of one kind: what was left as it is holds the other.
    """
    if any(annotation.corrects for annotation in annotations):
        return
    objects = any((annotation.labels > 0).any() for annotation in annotations)
    ground = any((annotation.annotated & (annotation.labels == 0)).any() for annotation in annotations)
    if not ground:
        raise UnetError("only objects are painted: paint some background with 1 too, or add a background ring")
    if not objects:
        raise UnetError("only background is painted: paint some objects too, with 2, 3, ...")


def with_background_ring(
    annotation: Annotation,
    *,
    width: int = 2,
    sure: NDArray[np.bool_] | None = None,
    through: tuple[int, ...] = (),
) -> Annotation:
    """Return the annotation with a thin rim of background around its objects.

    `sure` marks where the model is sure of an object (an unpainted neighbour): no ring is put there. `through` is
    as of `corrected`: the rim stays in the plane of its object.
    """
    from scipy import ndimage

    inside = annotation.labels > 0
    around = ndimage.generate_binary_structure(inside.ndim, 1)
    in_plane = tuple(slice(1, 2) if axis in through else slice(None) for axis in range(inside.ndim))
    ring = ndimage.binary_dilation(inside, around[in_plane], iterations=width) & ~annotation.annotated
    if sure is not None:
        ring &= ~sure
    return replace(annotation, annotated=annotation.annotated | ring)


def _changes(prediction: NDArray[Any], layer: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the corrected layer and where it differs from the prediction; UnetError where nowhere."""
    before, after = _whole_numbers(prediction), _whole_numbers(layer)
    if before.shape != after.shape:
        raise UnetError(
            f"the prediction is {before.shape}, the corrected labels are {after.shape}: they must match"
        )
    changed = before != after
    if not changed.any():
        raise UnetError("nothing was corrected: paint on the result first")
    return after, changed


def _whole_numbers(layer: NDArray[Any]) -> NDArray[Any]:
    """Return the layer if it holds whole numbers from 0; UnetError in a sentence otherwise."""
    array = as_whole_numbers(np.asarray(layer))
    if array.dtype.kind not in "iub":
        raise UnetError(f"an annotation holds whole numbers, got {array.dtype}: paint on a Labels layer")
    if array.size and array.min() < 0:
        raise UnetError(f"an annotation holds no negative numbers, got {array.min()}: use 0 for not annotated")
    return array


def _grown(box: tuple[slice, ...], shape: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(
        slice(max(0, side.start - 1), min(length, side.stop + 1)) for side, length in zip(box, shape, strict=True)
    )
