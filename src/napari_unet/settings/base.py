"""What all settings share: they are frozen, and a value that does not fit is refused in one plain sentence.

    class Reading(Settings):
        level: float = option(0.5, "pixels above this are foreground", above=0, below=1, label="Level")

`options(Reading)` returns the declarations, from which the command line and the panels make theirs.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, Self, get_args, get_origin

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from napari_unet.errors import UnetError
from napari_unet.settings.option import Option

Where = Literal["segment", "fine-tune", "train", "Segment panel", "Fine-tune panel", "Train panel", "Batch panel"]
"""A command, or a panel of the window."""


class Settings(BaseModel):
    """A group of settings. Numbers of NumPy and lists, as JSON has them, are accepted; "3" for a number is not."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise UnetError(_refusal(type(self), values, error)) from None

    @classmethod
    def chosen(cls, settings: object) -> Self:
        """Return the settings that a caller gave, the defaults for None; UnetError for what are none."""
        if settings is not None and not isinstance(settings, cls):
            raise UnetError(f"settings are {cls.__name__}(...), got a {type(settings).__name__}: make them first")
        return settings or cls()

    def replace(self, **changes: Any) -> Self:
        """Return these settings with other values in some places, validated again."""
        return type(self)(**{**dict(self), **changes})

    @field_validator("*", mode="before")
    @classmethod
    def _as_python_value(cls, value: Any) -> Any:
        if isinstance(value, np.generic):
            return value.item()
        return tuple(map(cls._as_python_value, value)) if isinstance(value, list | tuple) else value

    @field_validator("*", mode="after")
    @classmethod
    def _refuse_other_choices(cls, value: Any, info: ValidationInfo) -> Any:
        known = options(cls)[str(info.field_name)]
        if known.only_choices and value is not None and not known.is_choice(value):
            raise ValueError
        if known.per_axis and value is not None and not known.is_within(value):
            raise ValueError
        return value


def option(
    default: Any,
    explanation: str,
    *,
    above: float | None = None,
    minimum: float | None = None,
    below: float | None = None,
    maximum: float | None = None,
    offered: tuple[Where, ...] = (),
    **about: Any,
) -> Any:
    """Declare a setting.

    Parameters
    ----------
    default
        Its value where nothing is chosen.
    explanation
        One sentence without capital and full stop: the help of the command line and the tool tip.
    above, minimum, below, maximum
        Range of a number: exclusive and inclusive limits.
    offered
        The commands and panels that offer it.
    about
        Other fields of `Option`: label, unit, step, flag, choices, per_axis, ...
    """
    limits = {"above": above, "minimum": minimum, "below": below, "maximum": maximum}
    shown = {**about, "limits": limits, "offered": offered}
    checked: dict[str, Any] = {"gt": above, "ge": minimum, "lt": below, "le": maximum}
    if about.get("per_axis"):  # pydantic would compare a tuple with a number
        checked = {}
    return Field(default, description=explanation, json_schema_extra=shown, **checked)


def override(settings: type[Settings], name: str, **changed: Any) -> Any:
    """Declare a setting that takes the place of another one where it is chosen; `changed` is declared anew."""
    field = settings.model_fields[name]
    about: Any = dict(field.json_schema_extra)  # type: ignore[arg-type]
    return option(None, field.description or "", **about.pop("limits"), **{**about, **changed})


@cache
def options(settings: type[Settings]) -> dict[str, Option]:
    """Return the declarations of a group of settings by their names."""
    return {name: _read(name, field) for name, field in settings.model_fields.items()}


def _read(name: str, field: Any) -> Option:
    kinds = [kind for kind in get_args(field.annotation) if kind is not type(None)]
    is_union = get_origin(field.annotation) not in (Literal, tuple, None)
    kind = kinds[0] if is_union else field.annotation
    about: Mapping[str, Any] = field.json_schema_extra or {}
    return Option(
        name=name,
        kind=kind,
        default=field.default,
        explanation=field.description or "",
        **{key: value for key, value in about.items() if key != "limits"},
        **about.get("limits", {}),
    )


def _refusal(settings: type[Settings], values: Mapping[str, Any], error: ValidationError) -> str:
    """Return the first complaint as a sentence with the field, the value and the remedy."""
    first = error.errors(include_url=False)[0]
    sentence = str(first.get("ctx", {}).get("error", ""))
    if sentence:  # of a rule of ours
        return sentence
    name = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        return f"{settings.__name__} has no {name}: choose from {', '.join(settings.model_fields)}"
    known = options(settings)[name]
    value = " ".join(reprlib.repr(values[name]).split())
    return f"{known.title} must be {known.requirement}, got {value}: leave it out for the default, {known.usual}"
