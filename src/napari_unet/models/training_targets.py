"""What a model is to learn of an annotation: the class of each pixel, and how much the pixel counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_unet.arrays.borders import class_targets
from napari_unet.arrays.boundary_weights import boundary_weights, weight_map
from napari_unet.arrays.neighbours import ridge
from napari_unet.models.spec import ModelSpec
from napari_unet.settings.weights import WeightSettings


def dense_targets(
    labels: NDArray[np.int32], spec: ModelSpec, settings: WeightSettings
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the class of every pixel of a densely labelled view, and what it counts."""
    if spec.is_semantic:
        return labels.astype(np.int64), np.ones(labels.shape, np.float32)
    steps = spec.steps
    classes = class_targets(labels, border=spec.has_border, spacing=steps)
    return classes, weight_map(labels, settings, spacing=steps)


def pixel_targets(
    ids: NDArray[np.int32],
    annotated: NDArray[np.bool_],
    complete: NDArray[np.bool_],
    *,
    spec: ModelSpec,
    settings: WeightSettings,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return classes and weights of a view, both of the shape of `ids`; the weight is 0 on unpainted pixels.

    ids, annotated and complete are as in an `Annotation`. Complete instances add ridge and border term. The class
    K, one beyond the model's last, means an object that was only scribbled on: inside or border, which is
    unknown. The rim of a scribble does not count: a brush reaches over the ridge to a neighbour, and learning from
    that closes the gaps between touching objects. All classes weigh the same: patches are drawn by strokes, which
    are painted of each class.
    """
    if spec.is_semantic:
        classes: NDArray[np.int64] = ids.astype(np.int64)
        weights = np.ones(ids.shape, np.float32)
    else:
        whole = np.where(complete[ids], ids, 0)
        objects = (ids > 0) & ~ridge(ids)
        classes = objects.astype(np.int64)
        if spec.has_border:
            known = class_targets(whole, border=True, spacing=spec.steps)
            classes = np.where(objects, np.where(whole > 0, known, len(spec.classes)), 0)
        weights = 1 + boundary_weights(whole, settings.w0, settings.sigma, spacing=spec.steps)
        scribbled = annotated & (ids > 0) & ~complete[ids]
        annotated = annotated & ~_rim(scribbled, annotated)
    return classes, np.where(annotated, weights, 0).astype(np.float32)


def _rim(scribbled: NDArray[np.bool_], annotated: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the outermost pixels of scribbles, next to unannotated pixels; none of a line of 1 or 2 px."""
    around = np.ones((3,) * annotated.ndim, bool)
    rim = scribbled & ~ndimage.binary_erosion(annotated, around, border_value=1)
    strokes, count = ndimage.label(scribbled, around)
    has_core = np.zeros(count + 1, bool)
    has_core[strokes[scribbled & ~rim]] = True
    found: NDArray[np.bool_] = rim & has_core[strokes]
    return found
