"""Proof-reading in the window: an action on the selected objects becomes one step of napari's undo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray

from napari_unet.arrays.tiling import Box
from napari_unet.errors import UnetError
from napari_unet.proofreading import Edit, split_along
from napari_unet.widgets.parts.job import JobControl
from napari_unet.widgets.parts.message_label import MessageLabel, capitalized
from napari_unet.widgets.results.canvas import CanvasTools, object_on
from napari_unet.widgets.results.choices import RegionChoice
from napari_unet.widgets.results.corrections import (
    apply_edit,
    can_edit,
    edit_of,
    first_of,
    named,
    one_time,
    removed_ids,
)
from napari_unet.widgets.results.model_split import begin_model_split
from napari_unet.widgets.results.table_view import ObjectTableView
from napari_unet.widgets.results.work import Measured
from napari_unet.widgets.viewer.layers import labels_axes

if TYPE_CHECKING:
    import napari

DONE = {
    "delete": "Deleted", "merge": "Merged", "cut": "Cut", "split": "Split", "fill": "Filled", "smooth": "Smoothed",
    "renumber": "Renumbered", "remove": "Removed",
}  # fmt: skip


class Proofreader:
    """Corrects the chosen layer, and says in a line what it did."""

    tools: CanvasTools
    """Takes the mouse for a line; set by the panel, whose canvas it is."""
    job: JobControl
    """Runs the model; set by the panel."""

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        table: ObjectTableView,
        regions: RegionChoice,
        line: MessageLabel,
        chosen: Callable[[], tuple[Labels | None, Measured | None]],
    ) -> None:
        self._viewer, self._table, self._regions, self._line = viewer, table, regions, line
        self._chosen = chosen

    def act(self, action: str) -> None:
        """Correct the selected objects."""
        layer, _ = self._chosen()
        if layer is None or not can_edit(layer):
            return
        ids = self._table.selected_ids()
        if action == "undo":
            layer.undo()
            self._line.setText("")
        elif action == "cut":
            self._start_cut()
        elif action == "model":
            self._ask_model(layer, ids)
        else:
            now = self._now(layer)
            self._edit(layer, lambda: edit_of(action, layer, labels_axes(layer), ids, now), action, ids)
        if action == "merge":
            self._table.select_ids(ids[:1])

    def remove(self, kind: str, limit: float) -> None:
        """Remove objects of the whole image."""
        layer, measured = self._chosen()
        if layer is None or not can_edit(layer):
            return
        found: list[int] = []

        def edit() -> Edit:
            axes, listed = labels_axes(layer), self._table.rows.ids()
            ids = removed_ids(
                kind, layer, axes, limit=limit, measured=measured, listed=listed,
                region=lambda: self._regions.labels(layer),
            )  # fmt: skip
            found.extend(ids.tolist())
            return edit_of("delete", layer, axes, found, None) if found else Edit.none(layer.ndim)

        self._edit(layer, edit, "remove", found)

    def cut(self, line: NDArray[np.float64], axes: tuple[int, int]) -> None:
        """Cut the object under a line, which is in pixels of two axes of the layer."""
        layer, _ = self._chosen()
        if layer is None:
            return
        number = object_on(self._viewer, layer, line, axes, self._table.selected_ids())
        now = self._now(layer)
        self._edit(layer, lambda: split_along(layer.data, number, line, axes, now), "cut", [number])
        self._table.select_ids([number])

    def _ask_model(self, layer: Labels, ids: Sequence[int]) -> None:
        """Divide an object by its model, which takes a worker."""
        try:
            begin = begin_model_split(self._viewer, layer, first_of(ids), self._now(layer))
        except UnetError as error:
            self._line.setText(f"{capitalized(str(error))}.")
            return
        self.job.run(begin, lambda edit: self._edit(layer, lambda: edit, "split", ids[:1]))

    def _start_cut(self) -> None:
        if self.tools.is_cutting:
            self.tools.stop_cutting()
            self._line.setText("")
        elif self._viewer.dims.ndisplay == 3:
            self._line.setText("A line is drawn in a plane: switch to 2D (Ctrl+Y).")
        else:
            self.tools.start_cutting()
            self._line.setText("Draw a line across an object; K gives the mouse back.")

    def _edit(self, layer: Labels, find: Callable[[], Edit], action: str, ids: Sequence[int]) -> None:
        """Find an edit, apply it in one step and say what was done."""
        try:
            changed = apply_edit(layer, find())
        except UnetError as error:
            self._line.setText(f"{capitalized(str(error))}.")
            return
        what = f" {named(ids)}" if action != "renumber" else ""
        self._line.setText(f"{DONE[action]}{what}. Undo: Ctrl+Z." if changed else "Nothing to change.")

    def _now(self, layer: Labels) -> Box:
        """Return the time that is shown, all of the other axes."""
        point = np.asarray(layer.world_to_data(self._viewer.dims.point[-layer.ndim :]), float)
        return one_time(layer, labels_axes(layer), point)
