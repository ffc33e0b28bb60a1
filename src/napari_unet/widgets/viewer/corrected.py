"""Results that a person corrected: which one an image has, and what was there before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari.layers
import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.corrections import Merged, find_corrections, merge_classes, merge_corrections
from napari_unet.widgets.viewer.notes import RESULT, is_copy, notes_of, role_of
from napari_unet.widgets.viewer.paint import image_of, prediction_of

if TYPE_CHECKING:
    from napari_unet.segmentation import Segmentation


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CorrectedResult:
    """A snapshot of a result that a person corrected, safe to hand to a worker while painting goes on."""

    layer: napari.layers.Labels
    before: NDArray[Any]
    after: NDArray[Any]
    classes: tuple[str, ...]
    """What the values are called; empty for objects."""

    @property
    def is_current(self) -> bool:
        """Whether the layer was not painted on since."""
        return np.array_equal(self.after, self.layer.data)

    def merged(self, result: Segmentation) -> Merged | None:
        """Return labels found anew with the corrections in them; None where they are of another kind or shape."""
        found = result.labels
        if result.classes != self.classes or found.shape != self.after.shape:
            return None
        if self.classes:
            return merge_classes(found, self.before, self.after)
        return merge_corrections(found, find_corrections(self.before, self.after))


def corrected_result(
    viewer: napari.viewer.Viewer, image: napari.layers.Image, *, channel: int | None, model: Path | None = None
) -> CorrectedResult | None:
    """Return the result of a whole image that a person corrected: the model's own or, of several, the topmost."""
    found = list(_corrected(viewer, image, channel))
    own = [one for one in found if model is not None and notes_of(one.layer).model_path == str(model)]
    return next(reversed(own or found), None)


def _corrected(
    viewer: napari.viewer.Viewer, image: napari.layers.Image, channel: int | None
) -> Iterator[CorrectedResult]:
    for layer in viewer.layers:
        if not isinstance(layer, napari.layers.Labels) or layer.multiscale or is_copy(layer):
            continue
        notes = notes_of(layer)
        mine = role_of(layer) == RESULT and not notes.origin and notes.channel == channel
        if not mine or image_of(viewer, layer) is not image:
            continue
        before = prediction_of(layer)
        if before is not None and not np.array_equal(before, layer.data):
            classes = tuple(map(str, notes.provenance.get("classes", ())))
            yield CorrectedResult(layer=layer, before=before, after=np.array(layer.data), classes=classes)
