"""Proof-reading in the window: an action on the selected objects becomes one step of napari's undo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray

from napari_unet.arrays.boxes import Box
from napari_unet.errors import UnetError
from napari_unet.progress import Progress, Steps, finish
from napari_unet.proofreading import Edit, delete, split_along
from napari_unet.widgets.parts.job import JobControl
from napari_unet.widgets.parts.message_label import MessageLabel, capitalized
from napari_unet.widgets.results.canvas import CanvasTools, object_on
from napari_unet.widgets.results.choices import RegionChoice
from napari_unet.widgets.results.corrections import (
    Removal,
    Subject,
    apply_edit,
    can_edit,
    edit_steps,
    first_of,
    named,
    one_time,
)
from napari_unet.widgets.results.model_split import begin_model_split
from napari_unet.widgets.results.proof_bar import OUTSIDE
from napari_unet.widgets.results.table_view import ObjectTableView
from napari_unet.widgets.results.work import Measured
from napari_unet.widgets.viewer.layers import labels_axes

if TYPE_CHECKING:
    import napari

Found = tuple[Edit, Sequence[int] | NDArray[Any]]
"""What changes, and of which objects."""
Finding = Callable[[Subject], Steps[Found]]
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
            everywhere = action == "renumber"
            find = partial(_with_ids, action, () if everywhere else ids)
            self._find(layer, find, action, ids, everywhere=everywhere)

    def remove(self, kind: str, limit: float) -> None:
        """Remove objects of the whole image."""
        layer, measured = self._chosen()
        if layer is None or not can_edit(layer):
            return
        try:
            region = self._regions.labels(layer) if kind == OUTSIDE else None
        except UnetError as error:
            self._say(error)
            return
        listed = self._table.rows.ids()
        removal = Removal(kind=kind, limit=limit, measured=measured, listed=listed, region=region)
        self._find(layer, partial(_without, removal), "remove", (), everywhere=True)

    def cut(self, line: NDArray[np.float64], axes: tuple[int, int]) -> None:
        """Cut the object under a line, which is in pixels of two axes of the layer."""
        layer, _ = self._chosen()
        if layer is None:
            return
        number = object_on(self._viewer, layer, line, axes, self._table.selected_ids())
        self._find(layer, partial(_cut, number, line, axes), "cut", [number], everywhere=False)

    def _ask_model(self, layer: Labels, ids: Sequence[int]) -> None:
        """Divide an object by its model, which takes a worker."""
        try:
            begin = begin_model_split(self._viewer, layer, first_of(ids), self._now(layer))
        except UnetError as error:
            self._say(error)
            return
        self._work(begin, lambda edit: self._apply(layer, (edit, ids[:1]), "split"))

    def _start_cut(self) -> None:
        if self.tools.is_cutting:
            self.tools.stop_cutting()
            self._line.setText("")
        elif self._viewer.dims.ndisplay == 3:
            self._line.setText("A line is drawn in a plane: switch to 2D (Ctrl+Y).")
        else:
            self.tools.start_cutting()
            self._line.setText("Draw a line across an object; K gives the mouse back.")

    def _find(self, layer: Labels, find: Finding, action: str, ids: Sequence[int], *, everywhere: bool) -> None:
        """Find an edit and apply it; in a worker where the window would wait for it."""
        spacing = np.abs(layer.scale).tolist()
        subject = Subject(labels=layer.data, axes=labels_axes(layer), spacing=spacing, now=self._now(layer))
        if subject.takes_long(ids, everywhere=everywhere):
            self._work(lambda: find(subject.copied()), lambda found: self._apply(layer, found, action))
            return
        try:
            self._apply(layer, finish(find(subject)), action)
        except UnetError as error:
            self._say(error)

    def _work(self, begin: Callable[[], Steps[Any]], done: Callable[[Any], None]) -> None:
        if self.job.is_running:
            self._line.setText("Wait until the work above has ended, or cancel it.")
        else:
            self._line.setText("")
            self.job.run(begin, done)

    def _apply(self, layer: Labels, found: Found, action: str) -> None:
        """Apply an edit in one step and say what was done."""
        edit, ids = found
        if not apply_edit(layer, edit):
            self._line.setText("The labels changed meanwhile, so nothing was done: press it again.")
        elif edit.is_empty:
            self._line.setText("Nothing to change.")
        else:
            if action in ("merge", "cut"):
                self._table.select_ids([int(number) for number in ids[:1]])
            what = f" {named(ids)}" if action != "renumber" else ""
            self._line.setText(f"{DONE[action]}{what}. Undo: Ctrl+Z.")

    def _say(self, error: UnetError) -> None:
        self._line.setText(f"{capitalized(str(error))}.")

    def _now(self, layer: Labels) -> Box:
        """Return the time that is shown, all of the other axes."""
        point = np.asarray(layer.world_to_data(self._viewer.dims.point[-layer.ndim :]), float)
        return one_time(layer, labels_axes(layer), point)


def _with_ids(action: str, ids: Sequence[int], subject: Subject) -> Steps[Found]:
    edit = yield from edit_steps(action, subject, ids)
    return edit, ids


def _without(removal: Removal, subject: Subject) -> Steps[Found]:
    yield Progress(done=0, total=0, doing="Looking for objects")
    ids = removal.ids(subject)
    return delete(subject.labels, ids), ids


def _cut(number: int, line: NDArray[np.float64], axes: tuple[int, int], subject: Subject) -> Steps[Found]:
    yield Progress(done=0, total=0, doing="Cutting")
    return split_along(subject.labels, number, line, axes, subject.now), [number]
