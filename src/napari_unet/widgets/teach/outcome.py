"""The end of fine-tuning: how much better it became, before and after to look at, Accept or Revert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QButtonGroup, QLabel, QLineEdit, QPushButton, QRadioButton, QWidget

from napari_unet.widgets.parts.layouts import lay_out, row
from napari_unet.widgets.parts.message_label import MessageLabel

if TYPE_CHECKING:
    from napari_unet.widgets.teach.work import FineTuneComparison


class ComparisonBox(QWidget):  # type: ignore[misc]
    """Hidden until there is something to decide."""

    accepted = Signal()
    continued = Signal()
    """Learning is to go on from where it ended."""
    reverted = Signal()
    toggled = Signal(bool)
    """Whether the new model's prediction is to be shown, or the old one's."""

    def __init__(self) -> None:
        super().__init__()
        self.sentence = MessageLabel()
        self.details = MessageLabel()
        self.hidden = MessageLabel("Results are hidden until you decide.")
        self.hidden.hide()
        self.before = QRadioButton("Before")
        self.after = QRadioButton("After")
        self.before.setToolTip("Show in the viewer what the old model sees; results are hidden meanwhile.")
        self.after.setToolTip("Show in the viewer what the new model sees; results are hidden meanwhile.")
        self.name = QLineEdit()
        self.name.setToolTip("The new model's name; the old one stays beside it.")
        self.accept = QPushButton("Accept")
        self.accept.setToolTip("Save the new model under this name and use it from now on.")
        self.longer = QPushButton("Learn longer")
        self.longer.setToolTip("Go on from where learning ended, with what is painted now.")
        self.revert = QPushButton("Revert")
        self.revert.setToolTip("Forget the new model. Your paint stays.")
        self._lay_out()
        self.after.toggled.connect(self.toggled)
        self.accept.clicked.connect(self.accepted)
        self.longer.clicked.connect(self.continued)
        self.revert.clicked.connect(self.reverted)
        self.hide()

    def offer(self, outcome: FineTuneComparison, name: str) -> None:
        """Show the outcome; a model that became no better cannot be accepted."""
        tuned = outcome.tuned
        self.describe(outcome)
        self.name.setText(name)
        self.name.setEnabled(tuned.improved)
        self.accept.setEnabled(tuned.improved)
        self.longer.setEnabled(tuned.reached is not None)
        self.revert.setText("Revert" if tuned.improved else "Close")
        for button in (self.before, self.after):
            button.setEnabled(outcome.seen.before is not None)
        self.after.blockSignals(True)
        self.after.setChecked(True)
        self.after.blockSignals(False)
        self.show()

    def describe(self, outcome: FineTuneComparison) -> None:
        """Say what became better, and what changed in the part shown."""
        self.sentence.setText(outcome.tuned.sentence())
        details = " ".join(part for part in (outcome.seen.in_view, outcome.tuned.details()) if part)
        self.details.setText(details)
        self.details.setVisible(bool(details))

    def _lay_out(self) -> None:
        group = QButtonGroup(self)
        for button in (self.before, self.after):
            group.addButton(button)
        look = row(QLabel("Show"), self.before, self.after)
        look.addStretch(1)
        naming = row(QLabel("New model"), self.name)
        lay_out(
            self,
            self.sentence,
            self.details,
            self.hidden,
            look,
            naming,
            row(self.accept, self.longer, self.revert),
        )
