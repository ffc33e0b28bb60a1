"""The choice of channels, declared once for all commands."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from napari_unet.settings.base import Where, option


def channels_option(*offered: Where) -> Any:
    """Declare the channels."""
    return option(
        None,
        "which channels the model reads, by number from 0 or by name, in the order of its inputs: 1,0 or "
        "DAPI,actin; - leaves an optional input out",
        must_be="whole numbers from 0, or names, one for each input",
        unset="by the names of the inputs; all in order where there are as many",
        label="Channels",
        offered=offered,
    )


def parse_channels(given: Any) -> Any:
    """Return a choice of channels that was given as text, "1,0" or "DAPI,actin", or as a single number.

    An empty name, - and none leave an optional input out. What is no choice is returned as it is.
    """
    if isinstance(given, str):
        return tuple(_parsed(part.strip()) for part in given.split(","))
    return (given,) if isinstance(given, int) and not isinstance(given, bool) else given


def _parsed(text: str) -> int | str | None:
    if text.casefold() in ("", "-", "none"):
        return None
    return int(text) if text.removeprefix("-").isdecimal() else text


ChosenChannels = Annotated[tuple[int | str | None, ...] | None, BeforeValidator(parse_channels)]
"""Positions from 0 or names, in the order of a model's inputs, as text too; None leaves an optional input out."""
