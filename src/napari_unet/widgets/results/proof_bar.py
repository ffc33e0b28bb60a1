"""The buttons of proof-reading, and which keys press them."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

ACTIONS = {
    "delete": ("Delete", "Delete", "Make the selected objects background."),
    "merge": ("Merge", "J", "Give the selected objects one id, that of the first. Shift+click selects several."),
    "cut": (
        "Cut…",
        "K",
        "Draw a line across an object: it becomes two. In a volume the cut goes straight through.",
    ),
    "split": ("Split", "S", "Divide the selected object at its waist."),
    "model": ("By model", "I", "Divide the selected object where a higher threshold of its model divides it."),
    "fill": ("Fill holes", "H", "Fill the background that the selected objects enclose."),
    "smooth": ("Smooth", "O", "Smooth the outlines of the selected objects."),
    "renumber": ("Renumber", "", "Number all objects from 1 on, without gaps."),
    "undo": ("Undo", "Ctrl+Z", "Take the last change of this layer back."),
}
"""Text, key and explanation of each action."""
COLUMNS = 3
BORDER, SMALLER, LARGER, OUTSIDE, LISTED = (
    "touching the border",
    "smaller than",
    "larger than",
    "outside",
    "listed",
)
REMOVALS = {
    BORDER: "touching the border",
    SMALLER: "smaller than",
    LARGER: "larger than",
    OUTSIDE: "outside the region",
    LISTED: "listed in the table",
}


class ProofBar(QWidget):  # type: ignore[misc]
    """A button for each action, and what to remove from the whole image; the panel says what they do."""

    def __init__(self, act: Callable[[str], None], remove: Callable[[str, float], None]) -> None:
        super().__init__()
        self.buttons: dict[str, QPushButton] = {}
        for name, (text, _, tip) in ACTIONS.items():
            self.buttons[name] = QPushButton(text)
            self.buttons[name].setToolTip(tip)
            self.buttons[name].clicked.connect(lambda _=False, name=name: act(name))
        self.removal = QComboBox()
        self.removal.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.removal.setMinimumContentsLength(4)  # it takes more than half of what is left; "smaller than" fits in
        for kind, text in REMOVALS.items():
            self.removal.addItem(text, kind)
        self.removal.setToolTip("Which objects Remove takes away, all at once.")
        self.size = QDoubleSpinBox()
        self.size.setRange(0, 999_999)
        self.size.setDecimals(1)
        self.size.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        self.size.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)  # its range is wider than it
        self.size.setStyleSheet("QDoubleSpinBox { min-width: 64px; }")  # napari's 90 leave the box beside it none
        self.size.setValue(20)
        self.remove = QPushButton("Remove")
        self.remove.clicked.connect(lambda _=False: remove(self.removal.currentData(), self.size.value()))
        self.removal.currentIndexChanged.connect(self._removal_chosen)
        self._lay_out()
        self._removal_chosen()

    def show_unit(self, unit: str) -> None:
        """Show in what unit sizes are."""
        self.size.setSuffix(f" {unit}" if unit else "")

    def keys(self) -> dict[str, QPushButton]:
        """Return the buttons that keys press."""
        return {key: self.buttons[name] for name, (_, key, _) in ACTIONS.items() if key}

    def _removal_chosen(self, *_: object) -> None:
        self.size.setVisible(self.removal.currentData() in (SMALLER, LARGER))

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setSpacing(2)
        for number, button in enumerate(self.buttons.values()):
            button.setMinimumWidth(60)
            grid.addWidget(button, number // COLUMNS, number % COLUMNS)
        row = QHBoxLayout()
        row.setSpacing(2)
        row.addWidget(self.removal, stretch=3)
        row.addWidget(self.size, stretch=2)
        row.addWidget(self.remove)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(grid)
        layout.addLayout(row)
