"""Options of the command line that are derived from settings."""

from __future__ import annotations

import argparse
from typing import Any, Literal, get_args, get_origin

from napari_unet.settings.base import Settings, Where
from napari_unet.settings.offered import is_group, offered
from napari_unet.settings.option import Option


def add_settings(parser: argparse.ArgumentParser, settings: type[Settings], command: Where) -> None:
    """Add an option for each setting that a command offers; one that is not given is None."""
    for option in offered(settings, command):
        parser.add_argument(option.argument, dest=option.name, **_as_argument(option))


def _as_argument(option: Option) -> dict[str, Any]:
    """Return the arguments of argparse's `add_argument`."""
    explanation = option.explanation.replace("%", "%%")
    if option.switch is not None:
        return {"action": "store_const", "const": option.switch[0], "help": explanation}
    named = option.argument.strip("-").replace("-", "_").upper()
    explained = {"help": f"{explanation} (default: {option.usual})", "metavar": named}
    if is_group(option):
        return {**explained, "type": _Named(option), "metavar": "|".join(option.choices)}
    if get_origin(option.kind) is Literal:
        allowed = get_args(option.kind)
        return {**explained, "choices": allowed, "type": type(allowed[0]), "metavar": None}
    if option.per_axis:
        return {"type": numbers if option.kind is float else sides, **explained}
    kind = str if get_origin(option.kind) is tuple else option.kind  # which the settings take apart
    return {"type": kind, **explained}


def sides(text: str) -> int | tuple[int, ...]:
    """Return "64" as a number, "16,64,64" as one for each axis."""
    values = tuple(map(int, text.split(",")))
    return values if len(values) > 1 else values[0]


def numbers(text: str) -> float | tuple[float, ...]:
    """Return "0.5" as a number, "1,0.5,0.5" as one for each axis."""
    values = tuple(map(float, text.split(",")))
    return values if len(values) > 1 else values[0]


class _Named:
    """One of a setting's choices by its name."""

    def __init__(self, option: Option) -> None:
        self._choices = option.choices

    def __call__(self, text: str) -> Any:
        if text not in self._choices:
            raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(self._choices)}")
        return self._choices[text]
