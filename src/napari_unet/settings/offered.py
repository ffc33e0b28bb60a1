"""The settings that one command or one panel offers, those of groups within a group too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from napari_unet.settings.base import Settings, Where, options
from napari_unet.settings.option import Option

Group = TypeVar("Group", bound=Settings)


def offered(settings: type[Settings], where: Where) -> Iterator[Option]:
    """Yield the declarations of what is offered, in their order."""
    for option in options(settings).values():
        if where in option.offered:
            yield option
        elif is_group(option):
            yield from offered(option.kind, where)


def chosen(base: Group, where: Where, values: Mapping[str, Any]) -> Group:
    """Return settings with the chosen values, by their names, in place of what they say; None chooses nothing."""
    return base.replace(**changes(base, where, values))


def changes(base: Settings, where: Where, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `chosen` would replace."""
    found: dict[str, Any] = {}
    for name, option in options(type(base)).items():
        if where in option.offered:
            found[name] = values.get(name)
        elif is_group(option):
            found[name] = chosen(getattr(base, name), where, values)
    return {name: value for name, value in found.items() if value is not None}


def is_group(option: Option) -> bool:
    """Whether a setting is a group of settings."""
    return isinstance(option.kind, type) and issubclass(option.kind, Settings)
