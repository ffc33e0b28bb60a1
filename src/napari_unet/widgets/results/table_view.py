"""The table of the Results panel: sorts at a click on a column, tells which objects are selected."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from qtpy.QtCore import QItemSelection, QItemSelectionModel, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from napari_unet.widgets.results.table_model import ObjectTableModel

MIN_HEIGHT = 140
"""Height in pixels: a few rows are in sight whatever else is."""
ROW, COLUMN = 20, 76
"""Height of rows and width of columns in pixels: fixed, so that none of 100 000 is asked for its own."""
MAX_RESTORED = 1000
"""Rows that stay selected when the table changes; Qt takes long to select many that lie apart."""


class ObjectTableView(QTableView):  # type: ignore[misc]
    """Rows of objects."""

    chosen = Signal(list, int)
    """The user selected rows: their ids, and the number of the one to fly to, -1 for none."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = ObjectTableModel()
        self.setModel(self.rows)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setWordWrap(False)
        self.setMinimumHeight(MIN_HEIGHT)
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(ROW)
        self.horizontalHeader().setDefaultSectionSize(COLUMN)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.horizontalHeader().setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        self.setToolTip("Click a row to see its object, a column to sort by it.")
        self._showing = False
        self._ids: list[int] = []
        self.selectionModel().selectionChanged.connect(self._selection_changed)
        self.rows.modelAboutToBeReset.connect(self._reset_begins)
        self.rows.modelReset.connect(self._reset_ends)

    def selected_ids(self) -> list[int]:
        """Return the ids of the selected rows, the first selected first."""
        return list(self._ids)

    def select_ids(self, ids: Sequence[int]) -> None:
        """Select the rows of objects and show the last of them, without a signal."""
        self._ids = list(dict.fromkeys(int(number) for number in ids))
        self._show_selection(scroll=True)

    def _show_selection(self, *, scroll: bool) -> None:
        shown = np.flatnonzero(np.isin(self.rows.ids(), self._ids[:MAX_RESTORED]))
        selection = QItemSelection()
        last = max(0, self.rows.columnCount() - 1)
        for row in shown[:MAX_RESTORED].tolist():
            selection.select(self.rows.index(row, 0), self.rows.index(row, last))
        self._showing = True
        self.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self._showing = False
        if scroll and self._ids and (at := np.flatnonzero(self.rows.ids() == self._ids[-1])).size:
            self.scrollTo(self.rows.index(int(at[0]), 0), QAbstractItemView.ScrollHint.PositionAtCenter)

    def _selection_changed(self, *_: object) -> None:
        if self._showing:
            return
        numbers = self.rows.ids()
        rows = [row for part in self.selectionModel().selection() for row in range(part.top(), part.bottom() + 1)]
        present = dict.fromkeys(int(numbers[row]) for row in rows)
        kept = [number for number in self._ids if number in present]
        self._ids = list(dict.fromkeys([*kept, *present]))
        current = self.currentIndex().row()
        self.chosen.emit(self.selected_ids(), current if current in rows else -1)

    def _reset_begins(self) -> None:
        self._showing = True

    def _reset_ends(self) -> None:
        self._showing = False
        self._show_selection(scroll=False)
