"""Widgets that are derived from settings: a tick, a list or a number with the range of its declaration."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QFormLayout, QLineEdit, QWidget

from napari_unet.settings.base import Settings, Where
from napari_unet.settings.offered import chosen, offered
from napari_unet.settings.option import Option

Group = TypeVar("Group", bound=Settings)

MAX_VALUE = 999_999
"""Of numbers without a limit: a wider box would widen the panel."""


class OptionBoxes:
    """A box for each setting that a panel offers, in the order of their declarations."""

    def __init__(self, settings: type[Settings], panel: Where) -> None:
        self._panel = panel
        self._options = {option.name: option for option in offered(settings, panel)}
        self._boxes = {name: make_box(option) for name, option in self._options.items()}

    def __getitem__(self, name: str) -> Any:
        return self._boxes[name]

    def chosen(self, base: Group) -> Group:
        """Return settings with what the boxes show in the place of what they say."""
        return chosen(base, self._panel, {name: box.chosen() for name, box in self._boxes.items()})

    def differing(self) -> dict[str, Any]:
        """Return by name what differs from the default, where a recipe decides what is not chosen."""
        values = {name: box.chosen() for name, box in self._boxes.items()}
        return {name: value for name, value in values.items() if value not in (None, self._options[name].default)}

    def show(self, values: Mapping[str, Any]) -> None:
        """Show what `differing` returned; the default of everything else."""
        for name, box in self._boxes.items():
            box.choose(values.get(name, self._options[name].default))

    def add_rows(self, form: QFormLayout, *, without: Collection[str] = ()) -> None:
        """Add a row with a label for each box, but for those that stand elsewhere."""
        for name, box in self._boxes.items():
            if name not in without:
                form.addRow(self._options[name].label, box)

    def connect(self, changed: Signal) -> None:
        """Emit a signal whenever one of the boxes changes."""
        for box in self._boxes.values():
            box.edited.connect(lambda *_: changed.emit())


def make_box(option: Option) -> QWidget:
    """Return the widget of a setting: `chosen()` returns the value, the signal `edited` tells of changes."""
    if option.switch is not None:
        box = Tick(option)
    elif option.choices or get_origin(option.kind) is Literal:
        box = Choice(option)
    elif option.kind is str or get_origin(option.kind) is tuple:
        box = Text(option)
    else:
        box = Number(option)
    box.setToolTip(f"{option.explanation[0].upper()}{option.explanation[1:]}.")
    return box


class Tick(QCheckBox):  # type: ignore[misc]
    """Chooses one value instead of the default."""

    def __init__(self, option: Option) -> None:
        assert option.switch is not None
        self._value, text = option.switch
        super().__init__(text)
        self.edited = self.toggled

    def chosen(self) -> Any:
        """Return the value, None for the default."""
        return self._value if self.isChecked() else None

    def choose(self, value: Any) -> None:
        """Tick the box where the value is the one that it chooses."""
        self.setChecked(value == self._value)


class Choice(QComboBox):  # type: ignore[misc]
    """Offers the values of a setting by their texts."""

    def __init__(self, option: Option) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        if option.default is None:
            self.addItem(option.unset, None)
        for text, value in (option.choices or {str(one): one for one in get_args(option.kind)}).items():
            self.addItem(text, value)
        if option.default is not None:
            self.choose(option.default)
        self.edited = self.currentIndexChanged

    def chosen(self) -> Any:
        """Return the value, None where the text says so."""
        return self.currentData()

    def choose(self, value: Any) -> None:
        """Show a value; one that is not offered leaves the first."""
        self.setCurrentIndex(max(0, self.findData(value)))


class Text(QLineEdit):  # type: ignore[misc]
    """Text, or numbers and names that the settings take apart; nothing stands for the default."""

    def __init__(self, option: Option) -> None:
        super().__init__()
        self.setPlaceholderText(_short(option.usual))
        self.edited = self.editingFinished

    def chosen(self) -> Any:
        """Return the text; None where there is none."""
        return self.text().strip() or None

    def choose(self, value: Any) -> None:
        """Show a value as it would be written."""
        each = value if isinstance(value, tuple) else (value,)
        self.setText(
            ",".join("" if one is None else f"{one:g}" if isinstance(one, float) else str(one) for one in each)
        )


class Number(QDoubleSpinBox):  # type: ignore[misc]
    """A number with as many decimals as its step has; the lowest value stands for None where that is usual."""

    def __init__(self, option: Option) -> None:
        super().__init__()
        self._kind = option.kind
        self._has_none = option.default is None
        self.setDecimals(max(0, math.ceil(-math.log10(option.step))))
        self.setSingleStep(option.step)
        self.setRange(*self._range(option))
        self.setSuffix(f" {option.unit}" if option.unit else "")
        self.setSpecialValueText(_short(option.unset) if self._has_none else "")
        self.setValue(self.minimum() if self._has_none else option.default)
        self.edited = self.valueChanged

    def _range(self, option: Option) -> tuple[float, float]:
        smallest = 10.0 ** -self.decimals()
        low = option.minimum if option.minimum is not None else (option.above or 0) + smallest
        high = option.maximum if option.below is None else option.below - smallest
        return low - smallest if self._has_none else low, MAX_VALUE if high is None else high

    def chosen(self) -> Any:
        """Return the number; None where the text says so."""
        return None if self._has_none and self.value() == self.minimum() else self._kind(self.value())

    def choose(self, value: Any) -> None:
        """Show a number; the lowest value stands for None."""
        self.setValue(self.minimum() if value is None else value)


def _short(text: str) -> str:
    """Return what fits into a box: the rest stands in the help of the command line."""
    return text.partition(";")[0]
