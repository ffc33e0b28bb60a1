"""Layers over one another: what is painted in two of them, a layer and a copy of it, is learnt once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.annotations import Annotation
from napari_unet.widgets.viewer.paint import Paint


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerAnnotation:
    """What one painted layer says beyond the layers above it."""

    paint: Paint
    annotation: Annotation


def resolve_overlaps(said: list[LayerAnnotation]) -> list[LayerAnnotation]:
    """Return what layers say, from the bottom up, without what a layer above says of the same image.

    Learnt twice, a stroke that is held out to measure the model would teach it all the same. An object that is
    painted whole, and of which a layer above says something, is left to that layer with all of its pixels.
    """
    above: dict[str, NDArray[np.bool_]] = {}
    kept = []
    for one in reversed(said):
        annotation, of = one.annotation, one.paint.of
        if of in above:
            annotation = annotation.without(above[of] | _objects_in(annotation, above[of]))
            above[of] |= annotation.annotated
        else:
            above[of] = annotation.annotated.copy()
        if annotation.annotated.any():
            kept.append(LayerAnnotation(paint=one.paint, annotation=annotation))
    return kept[::-1]


def _objects_in(annotation: Annotation, place: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels of all whole objects that reach into a place."""
    whole = annotation.complete.copy()
    whole[0] = False
    reaching = np.zeros(len(whole), bool)
    reaching[annotation.labels[place]] = True
    found: NDArray[np.bool_] = (whole & reaching)[annotation.labels]
    return found
