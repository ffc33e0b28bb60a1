"""The row of the Segment panel about corrections: keep them when segmenting anew, and show them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari.layers
import numpy as np
from napari.utils.colormaps import Colormap
from numpy.typing import NDArray
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QWidget

from napari_unet.arrays.corrections import Merged, find_corrections
from napari_unet.progress import Progress, Steps
from napari_unet.widgets.parts.job import JobControl
from napari_unet.widgets.preferences import follow_preference
from napari_unet.widgets.viewer.corrected import CorrectedResult, corrected_result
from napari_unet.widgets.viewer.layers import unwrapped
from napari_unet.widgets.viewer.notes import PREVIEW, RESULT, LayerNotes, as_metadata, role_of
from napari_unet.widgets.viewer.paint import image_of
from napari_unet.widgets.viewer.placing import temporary_layer
from napari_unet.words import counted

EDITED, DRAWN, ERASED, FOUND = 1, 2, 3, 4
COLOURS = Colormap(
    [[0, 0, 0, 0], [1.0, 0.65, 0.0, 1], [0.2, 1.0, 0.4, 1], [1.0, 0.2, 0.3, 1], [0.4, 0.4, 0.4, 1]],
    name="corrections",
    controls=[0, 0.2, 0.4, 0.6, 0.8, 1],
    interpolation="zero",
)
"""Nothing, edited, drawn, erased, as found: grey, so that the others stand out from the colours of labels."""
LEGEND = "orange is edited, green is drawn, red is erased, grey is as found"
PLACING = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
NOTHING = "Nothing is corrected: paint on the result with napari's brush, or erase there."


class KeepCorrections(QWidget):  # type: ignore[misc]
    """A tick that is on from the start, and a button that shows what was corrected, as a layer."""

    def __init__(self, viewer: napari.viewer.Viewer, job: JobControl) -> None:
        super().__init__()
        self._viewer = viewer = unwrapped(viewer)  # so that layers are the same objects
        self._job = job
        self._shown: napari.layers.Image | None = None
        self.keep = QCheckBox("Keep my corrections")
        self.keep.setChecked(True)
        follow_preference(self, "correcting", "keep", self.keep.setChecked)
        self.keep.setToolTip(
            "Objects that you drew or changed, and places where you erased, stay as they are when the image is\n"
            "segmented anew, by this model or another one. Without the tick there is a new result beside yours."
        )
        self.show_edited = QPushButton("Show edited")
        self.show_edited.setCheckable(True)
        self.show_edited.setToolTip(f"Show what you corrected in the result: {LEGEND}.")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.keep, stretch=1)
        row.addWidget(self.show_edited)
        viewer.layers.events.removed.connect(self._layer_went)

    def of(self, image: napari.layers.Image, channel: int | None, model: Path) -> CorrectedResult | None:
        """Return the corrections to keep, None without the tick."""
        if not self.keep.isChecked():
            return None
        return corrected_result(self._viewer, image, channel=channel, model=model)

    def toggle(self, image: napari.layers.Image | None, channel: int | None) -> None:
        """Show what was corrected of an image, or take it away."""
        self.hide_edited()
        if not self.show_edited.isChecked():
            self._job.messages.forget()  # the colours of the layer
            return
        corrected = None if image is None else corrected_result(self._viewer, image, channel=channel)
        if corrected is None or corrected.classes or self._job.is_running:
            self.show_edited.setChecked(False)
            self._job.messages.show(NOTHING)
            return

        def done(states: NDArray[np.uint8]) -> None:
            self._show(corrected.layer, states)

        self._job.run(_begin_states(corrected), done)

    def hide_edited(self) -> None:
        """Take the layer away."""
        if self._shown is not None and self._shown in self._viewer.layers:
            self._viewer.layers.remove(self._shown)
        self._shown = None

    def _show(self, layer: napari.layers.Labels, states: NDArray[np.uint8]) -> None:
        counts = np.bincount(states.reshape(-1), minlength=FOUND)
        if not counts[1:FOUND].any() or layer not in self._viewer.layers:
            self.show_edited.setChecked(False)
            self._job.messages.show(NOTHING)
            return
        with temporary_layer(self._viewer):
            self._shown = self._viewer.add_image(
                states,
                name=f"{layer.name} (edited)",
                colormap=COLOURS,
                contrast_limits=(0, FOUND),
                interpolation2d="nearest",
                opacity=0.8,
                metadata=as_metadata(LayerNotes(role=PREVIEW)),
                **{name: getattr(layer, name) for name in PLACING},
            )
        self._job.messages.show(f"In the layer {layer.name} (edited) {LEGEND}.")

    def _layer_went(self, event: Any) -> None:
        """Say no longer what is in a layer, nor that it can be undone."""
        if role_of(event.value) == RESULT and (image := image_of(self._viewer, event.value)) is not None:
            self._job.messages.forget(image)
        if event.value is self._shown and self._shown is not None:
            self._shown = None
            self.show_edited.setChecked(False)
            self._job.messages.forget()


def kept_text(merged: Merged | None, *, classes: bool) -> str:
    """Return in a sentence what was kept; empty for nothing."""
    if merged is None or not (merged.kept or merged.erased):
        return ""
    kept = counted(merged.kept, "pixel" if classes else "object")
    objects = f"{kept} as you left them" if merged.kept else ""
    erased = "what you erased" if merged.erased else ""
    return f" Kept: {' and '.join(part for part in (objects, erased) if part)}."


def _begin_states(corrected: CorrectedResult) -> Callable[[], Steps[NDArray[np.uint8]]]:
    """Return the function that a worker calls to find what was corrected."""

    def begin() -> Steps[NDArray[np.uint8]]:
        yield Progress(done=0, total=0, doing="Comparing")
        corrections = find_corrections(corrected.before, corrected.after)
        states = np.array([0, *(DRAWN if one == "drawn" else EDITED for one in corrections.origins)], np.uint8)
        states = np.where(corrections.erased, ERASED, states[corrections.objects]).astype(np.uint8)
        states[(states == 0) & (corrected.after > 0)] = FOUND
        return states

    return begin
