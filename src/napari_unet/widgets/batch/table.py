"""The table of a batch: a row an image, what became of it, the images that need an eye first."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QRect, QSortFilterProxyModel, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from napari_unet.files.batch_row import FAILED, KEPT, BatchRow

MARGIN = 6
"""Pixels around the text of a cell."""
WAITING, WORKING = "waiting", "working"
BEFORE = "segmented before, by the same model and settings"
TIPS = {
    "File": "Double-click to open the image with its mask.",
    "Count": "How many objects were found, or what the image waits for.",
    "Area": "Mean area of the objects in pixels.",
    "Quality": "Share of the objects that are likely right, 0 to 1. Predicted by the model, not measured.",
}
COLUMNS = tuple(TIPS)
WIDTHS = {"Count": 56, "Area": 50, "Quality": 68}
"""Pixels of the columns of numbers, so that names keep 40 % of a panel of 330; a user may draw them wider."""
MAX_NAME = 14
"""Letters of a name that fit into their column at that width."""
MILLION = 1_000_000
"""From here on a number is wider than its column."""
NO_INDEX = QModelIndex()
SORTED_BY = Qt.ItemDataRole.UserRole
HEIGHT = 150
"""Least height of the table in pixels: the header and five rows."""


class RowsModel(QAbstractTableModel):  # type: ignore[misc]
    """Images and their rows, in the order in which they are segmented."""

    def __init__(self) -> None:
        super().__init__()
        self.images: list[Path] = []
        self._names: dict[Path, str] = {}
        self._rows: dict[Path, BatchRow] = {}
        self._working: Path | None = None

    def begin(self, images: Sequence[Path]) -> None:
        """Show images that wait; what is known of them from before stays until it is replaced."""
        self.beginResetModel()
        self.images = list(images)
        self._names = dict(zip(self.images, short_names(self.images), strict=True))
        self._rows = {image: row for image, row in self._rows.items() if image in set(images)}
        self.endResetModel()

    def forget(self) -> None:
        """Let all images wait again."""
        self.beginResetModel()
        self._rows = {}
        self.endResetModel()

    def take(self, row: BatchRow) -> None:
        """Show what became of an image."""
        self._rows[row.image] = row
        self._changed(row.image)

    def set_working(self, image: Path | None) -> None:
        """Mark the image that is being segmented."""
        former, self._working = self._working, image
        for one in {former, image} if former != image else ():
            self._changed(one)

    def row_of(self, image: Path) -> BatchRow | None:
        """Return what became of an image, None as long as it waits."""
        return self._rows.get(image)

    @property
    def next_image(self) -> Path | None:
        """Return the first image that waits, None where none does."""
        return self.images[len(self._rows)] if len(self._rows) < len(self.images) else None

    def rows(self) -> list[BatchRow]:
        """Return what is known."""
        return [self._rows[image] for image in self.images if image in self._rows]

    def _changed(self, image: Path | None) -> None:
        if image in self.images:
            number = self.images.index(image)
            self.dataChanged.emit(self.index(number, 0), self.index(number, len(COLUMNS) - 1))

    def rowCount(self, parent: QModelIndex = NO_INDEX) -> int:  # noqa: N802 - Qt's name
        """Return how many images there are."""
        return 0 if parent.isValid() else len(self.images)

    def columnCount(self, parent: QModelIndex = NO_INDEX) -> int:  # noqa: N802 - Qt's name
        """Return how many columns there are."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Any, role: int = 0) -> Any:  # noqa: N802 - Qt's name
        """Return the name of a column, or its tip."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.ToolTipRole:
            return TIPS[COLUMNS[section]]
        return COLUMNS[section] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: QModelIndex, role: int = 0) -> Any:
        """Return what a cell shows, its tip, its side, or by what its row is sorted."""
        image, column = self.images[index.row()], COLUMNS[index.column()]
        row = self._rows.get(image)
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(image, row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(image, row)
        if role == Qt.ItemDataRole.TextAlignmentRole and column != "File":
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return sorting_key(image, row, column) if role == SORTED_BY else None

    def _text(self, image: Path, row: BatchRow | None, column: str) -> str:
        if column == "File":
            return row.text if row is not None and row.state == FAILED else self._names[image]
        value = figure(row, column)
        if value is not None:
            return f"{value:.2f}" if column == "Quality" else short_number(value)
        if column != "Count":
            return ""
        if row is not None:
            return FAILED if row.state == FAILED else ""
        return WORKING if image == self._working else WAITING


def short_number(value: float) -> str:
    """Return a number that fits its column: a cut one would be read as another."""
    return f"{value:,.0f}" if value < MILLION else f"{value / MILLION:,.1f} M"


def short_names(images: Sequence[Path]) -> list[str]:
    """Return file names, without what all share at both ends where one is too long for its column."""
    names = [image.stem for image in images]
    if len(set(names)) < 2 or max(map(len, names)) <= MAX_NAME:
        return names
    start, end = _shared(names), _shared([name[::-1] for name in names])
    if start + end >= min(map(len, names)):
        return names
    left, right = "…" if start else "", "…" if end else ""
    return [f"{left}{name[start : len(name) - end]}{right}" for name in names]


def _shared(names: Sequence[str]) -> int:
    """Return how many letters all names begin with, up to a sign between words: no number is cut in two."""
    columns = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    words = re.match(r"(?s).*[\W_]", "".join(letters[0] for letters in columns))
    return len(words[0]) if words else 0


def tip(image: Path, row: BatchRow | None) -> str:
    """Return all that is known of an image."""
    known = [] if row is None else [row.text, *([BEFORE] if row.state == KEPT else []), *row.remarks]
    return "\n".join([str(image), *known])


def figure(row: BatchRow | None, column: str) -> float | None:
    """Return the number in a column, None where there is none."""
    if row is None:
        return None
    return {"Count": row.count, "Area": row.mean_area, "Quality": row.quality}[column]


def sorting_key(image: Path, row: BatchRow | None, column: str) -> Any:
    """Return by what a row is sorted: failed images before all others, those that wait after them."""
    if column == "File":
        return image.name
    if row is not None and row.state == FAILED:
        return -1.0
    value = figure(row, column)
    return math.inf if value is None else float(value)


class BatchTable(QTableView):  # type: ignore[misc]
    """The table as it is seen, worst quality first; a double click names an image."""

    opened = Signal(object)
    """The `Path` of an image that was double-clicked."""
    chosen = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.rows = RowsModel()
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self.rows)
        self._sorted.setSortRole(SORTED_BY)
        self.setModel(self._sorted)
        self.setSortingEnabled(True)
        self.sortByColumn(COLUMNS.index("Quality"), Qt.SortOrder.AscendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setMinimumHeight(HEIGHT)
        self.verticalHeader().hide()
        self._size_columns()
        self._sorted.layoutChanged.connect(lambda *_: self.fit_rows())
        self.doubleClicked.connect(lambda index: self.opened.emit(self._image(index)))
        self.selectionModel().currentRowChanged.connect(lambda *_: self.chosen.emit())

    @property
    def image(self) -> Path | None:
        """Return the chosen image."""
        index = self.currentIndex()
        return self._image(index) if index.isValid() else None

    def take(self, row: BatchRow) -> None:
        """Show what became of an image."""
        self.rows.take(row)
        if row.state == FAILED:
            self.fit_rows()

    def fit_rows(self) -> None:
        """Give the sentences of failed images the width of the table, and the height that they need."""
        self.clearSpans()
        for number in range(self._sorted.rowCount()):
            row = self.rows.row_of(self._image(self._sorted.index(number, 0)))
            failed = row is not None and row.state == FAILED
            if failed:
                self.setSpan(number, 0, 1, len(COLUMNS))
            self.setRowHeight(number, self._height(row.text if failed and row is not None else ""))

    def _height(self, text: str) -> int:
        """Return the height in pixels of a row with a text that may wrap."""
        room = QRect(0, 0, self.viewport().width() - 2 * MARGIN, 10**4)
        needed = self.fontMetrics().boundingRect(room, Qt.TextFlag.TextWordWrap, text).height() + 2 * MARGIN
        return max(int(self.verticalHeader().defaultSectionSize()), int(needed))

    def shown(self) -> list[str]:
        """Return the names of the images from top to bottom."""
        return [self._image(self._sorted.index(number, 0)).name for number in range(self._sorted.rowCount())]

    def _image(self, index: QModelIndex) -> Path:
        image: Path = self.rows.images[self._sorted.mapToSource(index).row()]
        return image

    def _size_columns(self) -> None:
        header = self.horizontalHeader()
        header.setMinimumSectionSize(20)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for name, width in WIDTHS.items():
            header.resizeSection(COLUMNS.index(name), width)
