"""The declaration of one setting as the command line and the panels read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

WORDS = {bool: "True or False", int: "a whole number", float: "a number", str: "text"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """Type, default, range and texts of a setting, and where it is offered."""

    name: str
    kind: Any
    """bool, int, float, str, a Literal, a tuple type, or another group of settings."""
    default: Any
    explanation: str
    above: float | None = None
    minimum: float | None = None
    below: float | None = None
    maximum: float | None = None
    unit: str = ""
    step: float = 1
    """By how much an arrow of a spin box changes it."""
    unset: str = ""
    """What holds where None is chosen."""
    choices: Mapping[str, Any] = field(default_factory=dict)
    """The values to choose from, by their texts."""
    only_choices: bool = False
    """Whether other values are refused."""
    must_be: str = ""
    """What a value must be, where type and range do not say it."""
    per_axis: bool = False
    """Whether several values, one for each axis in the order of the axes, may stand for one."""
    label: str = ""
    """Its name in a panel."""
    switch: tuple[Any, str] | None = None
    """A value that a flag or a tick chooses instead of the default, and the text of the tick."""
    flag: str = ""
    """Its option of the command line, where that is not its name."""
    offered: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Return its name, and that in the panel where it is another one."""
        label = self.label.lower()
        return f"{self.name} ({label})" if label and label != self.name else self.name

    @property
    def argument(self) -> str:
        """Return its option of the command line."""
        return self.flag or f"--{self.name.replace('_', '-')}"

    @property
    def usual(self) -> str:
        """Return the default in words."""
        if self.default is None:
            return self.unset or "none"
        if not isinstance(self.default, bool | int | float | str | tuple):
            named = (text for text, value in self.choices.items() if value == self.default)
            return next(named, f"{self.kind.__name__}()")
        return f"{self.default:g}" if isinstance(self.default, float) else str(self.default) or "none"

    @property
    def requirement(self) -> str:
        """Return in words what a value must be."""
        if self.must_be:
            return self.must_be
        each = ", or one for each axis" if self.per_axis else ""
        if self.only_choices:
            return f"one of {', '.join(_plain(value) for value in self.choices.values())}{each}"
        if get_origin(self.kind) is Literal:
            return " or ".join(repr(value) for value in get_args(self.kind))
        return f"{WORDS.get(self.kind) or self.kind.__name__}{self._range()}{each}"

    def is_choice(self, value: Any) -> bool:
        """Whether a value, or each of one for every axis, is among the choices."""
        each = value if self.per_axis and isinstance(value, tuple) else (value,)
        return all(one in self.choices.values() for one in each)

    def is_within(self, value: Any) -> bool:
        """Whether a number, or each of several, lies within the range."""
        values = value if isinstance(value, tuple) else (value,)
        low, high = self.minimum, self.maximum
        within = all((low is None or one >= low) and (high is None or one <= high) for one in values)
        return bool(values) and within

    def _range(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        if self.minimum is not None and self.maximum is not None:
            return f" from {_plain(self.minimum)} to {_plain(self.maximum)}{unit}"
        limits = {
            "above": self.above, "of at least": self.minimum, "below": self.below, "of at most": self.maximum
        }  # fmt: skip
        return " and".join(f" {word} {_plain(limit)}{unit}" for word, limit in limits.items() if limit is not None)


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)
