"""The rows that a table view shows, of hundreds of thousands: only cells in sight are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt

HIDDEN = ("bbox", "num_pixels")
"""Columns of the file that say nothing in a window."""
RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
NOWHERE = QModelIndex()


class ObjectTableModel(QAbstractTableModel):  # type: ignore[misc]
    """Columns by name, of which those rows are shown that a filter leaves, in the order of one column."""

    def __init__(self) -> None:
        super().__init__()
        self.columns: dict[str, NDArray[Any]] = {}
        self.names: list[str] = []
        self._units: Mapping[str, str] = {}
        self._met: NDArray[np.bool_] = np.zeros(0, bool)
        self.rows: NDArray[np.intp] = np.zeros(0, np.intp)
        """Numbers of the rows shown, in their order."""
        self._sorted: tuple[str, bool] = ("", False)

    def show(self, columns: Mapping[str, NDArray[Any]], units: Mapping[str, str], met: NDArray[np.bool_]) -> None:
        """Show other figures; sorting stays."""
        self.beginResetModel()
        self.columns, self._units, self._met = dict(columns), units, met
        self.names = [name for name in columns if name.partition("-")[0] not in HIDDEN]
        self._arrange()
        self.endResetModel()

    def filter(self, met: NDArray[np.bool_]) -> None:
        """Show the rows that meet a condition."""
        self.beginResetModel()
        self._met = met
        self._arrange()
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; -1 leaves the order of the table."""
        self.beginResetModel()
        name = self.names[column] if 0 <= column < len(self.names) else ""
        self._sorted = (name, order == Qt.SortOrder.DescendingOrder)
        self._arrange()
        self.endResetModel()

    def _arrange(self) -> None:
        rows = np.flatnonzero(self._met)
        name, descending = self._sorted
        if name in self.columns:
            values = self.columns[name][rows]
            rows = rows[np.argsort(-values.astype(float) if descending else values, kind="stable")]
        self.rows = rows

    def ids(self) -> NDArray[Any]:
        """Return the ids of the rows shown, in their order."""
        found: NDArray[Any] = self.columns["label"][self.rows] if self.columns else np.zeros(0, np.int64)
        return found

    def shown(self, name: str) -> NDArray[Any]:
        """Return the figures of a column in the rows shown."""
        return self.columns[name][self.rows]

    def row(self, shown: int) -> dict[str, Any]:
        """Return all figures of a row."""
        return {name: column[self.rows[shown]] for name, column in self.columns.items()}

    def rowCount(self, parent: QModelIndex = NOWHERE) -> int:  # noqa: N802 - Qt's name
        """Return how many rows are shown."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex = NOWHERE) -> int:  # noqa: N802 - Qt's name
        """Return how many columns are shown."""
        return 0 if parent.isValid() else len(self.names)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows."""
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return cell_text(self.columns[self.names[index.column()]][self.rows[index.row()]])

    def headerData(self, section: int, way: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: N802
        """Return the name of a column, and as its tool tip the unit too."""
        if way != Qt.Orientation.Horizontal or not 0 <= section < len(self.names):
            return None
        name = self.names[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{name} ({unit})" if (unit := self.unit(name)) else name
        return name if role == Qt.ItemDataRole.DisplayRole else None

    def unit(self, name: str) -> str:
        """Return the unit of a column as people write it, empty where it has none."""
        return self._units.get(name, "").replace("um", "µm").replace("^2", "²").replace("^3", "³")


def cell_text(value: Any) -> str:
    """Return a number as a table shows it: five digits, nothing where it is not known."""
    if np.issubdtype(type(value), np.integer):
        return str(value)
    return "" if np.isnan(value) else f"{value:.5g}"
