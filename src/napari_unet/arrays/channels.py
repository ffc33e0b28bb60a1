"""Which channels of an image a network reads: the one place where a choice of channels gets its meaning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from napari_unet.errors import UnetError

Channels = tuple[int | None, ...]
"""Positions from 0 in the order of a network's inputs; None for an optional input that is left out."""
Choice = Sequence[int | str | None]
"""Positions from 0 or names of channels; None for an optional input that is left out."""
COLOURS = 3
"""Inputs of a network that reads red, green and blue."""
OPTIONAL = "(optional)"


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a network: what it shows, and whether the network also works without it."""

    name: str = ""
    optional: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the input that "cells" or "nuclei (optional)" names."""
        name = text.strip()
        optional = name.endswith(OPTIONAL)
        return cls(name.removesuffix(OPTIONAL).strip(), optional)

    def __str__(self) -> str:
        return f"{self.name} {OPTIONAL}" if self.optional else self.name


def single(channel: int | None) -> Channels | None:
    """Return a choice of one channel, None for no choice."""
    return None if channel is None else (channel,)


def unnamed(count: int) -> tuple[Input, ...]:
    """Return so many inputs of which nothing is known."""
    return (Input(),) * count


def resolve_channels(
    lengths: Mapping[str, int],
    inputs: int | Sequence[Input],
    chosen: Choice | None,
    names: Sequence[str] = (),
) -> Channels | None:
    """Return the positions that a network reads, in the order of its inputs.

    Parameters
    ----------
    lengths
        Length by axis of the image.
    inputs
        What the network reads, or how many channels.
    chosen
        Positions from 0 along C, or among the colours red, green and blue where there is no C, or names; None for
        no choice: by the names of the inputs where the image has them, else in order.
    names
        Names along C.

    Returns
    -------
    tuple of int or None, or None
        None reads all samples of an RGB image, of which one input makes grey. A single position feeds every input
        of a network that reads colours. Optional inputs for which nothing is chosen are None.

    Raises
    ------
    UnetError
        If a channel does not exist, or the channels are more or fewer than the network reads.
    """
    wanted = unnamed(inputs) if isinstance(inputs, int) else tuple(inputs)
    if chosen is None:
        return _unchosen(lengths, wanted, names)
    found = channel_positions(chosen, _count(lengths, channel_axis(lengths)), names)
    if not _feeds(len(found), wanted):
        found += tuple(None for one in wanted[len(found) :] if one.optional)
    if not _feeds(len(found), wanted):
        count = len(wanted)
        raise UnetError(f"the model reads {count} channels{_named(wanted)}, got {len(found)}: choose {count}")
    for one, channel in zip(wanted, found, strict=False):
        if channel is None and not one.optional:
            raise UnetError(f"the model needs its input {one.name or 'image'}: choose a channel for it")
    if all(channel is None for channel in found):
        raise UnetError(f"no channel is chosen: the model reads {_list(wanted)}, choose one at least")
    return found


def channel_positions(chosen: Choice, count: int, names: Sequence[str] = ()) -> Channels:
    """Return channels as positions, where they may be named; UnetError where the image has no such channel."""
    return tuple(channel if channel is None else _position(channel, count, names) for channel in chosen)


def _position(channel: int | str, count: int, names: Sequence[str]) -> int:
    """Return the position of a channel; a number that is none may be a name, as 488 is of a laser line."""
    if not isinstance(channel, str) and 0 <= channel < count:
        return int(channel)
    text = str(channel).strip().casefold()
    matching = [number for number, name in enumerate(names[:count]) if name.strip().casefold() == text]
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise UnetError(f"several channels are called {channel}: give the number of one, from 0")
    known = f"channels 0 to {count - 1}" if count > 1 else "one channel, 0"
    listed = f" ({', '.join(names)})" if names else ""
    raise UnetError(f"channel {channel} does not exist: the image has {known}{listed}")


def _feeds(channels: int, inputs: Sequence[Input]) -> bool:
    """Whether so many channels can feed a network; a single one feeds networks that read colours, as grey does."""
    return channels == len(inputs) or (channels == 1 and _reads_colours(inputs))


def _reads_colours(inputs: Sequence[Input]) -> bool:
    return len(inputs) == COLOURS and not any(one.name for one in inputs)


def channel_axis(lengths: Mapping[str, int]) -> str:
    """Return the axis along which channels are chosen: C, or S where there is no choice along C."""
    return "S" if "S" in lengths and lengths.get("C", 1) == 1 else "C"


def _count(lengths: Mapping[str, int], axis: str) -> int:
    return min(lengths["S"], 3) if axis == "S" else lengths.get("C", 1)  # alpha is no intensity


def _unchosen(lengths: Mapping[str, int], inputs: tuple[Input, ...], names: Sequence[str]) -> Channels | None:
    """Return the positions where no channel was chosen; UnetError where a choice is needed."""
    count = lengths.get("C", 1)
    if "S" in lengths:
        if count > 1:
            raise UnetError(f"the image has {count} channels of RGB: say which channel, 0 to {count - 1}")
        return None
    if (matched := match_names(inputs, names)) is not None:
        return matched
    known = f" ({', '.join(names)})" if names else ""
    if len(inputs) == 1 and count > 1:
        raise UnetError(
            f"the image has {count} channels{known}, the model takes one: say which channel, 0 to {count - 1}"
        )
    if _feeds(count, inputs):
        return tuple(range(count))
    needed = [number for number, one in enumerate(inputs) if not one.optional]
    if count == len(needed) < len(inputs):
        return tuple(needed.index(number) if number in needed else None for number in range(len(inputs)))
    if count > len(inputs):
        raise UnetError(
            f"the image has {count} channels{known}, the model takes {len(inputs)}{_named(inputs)}: "
            f"say which, for example {','.join(map(str, range(len(inputs))))}"
        )
    plural = "s" * (count != 1)
    raise UnetError(
        f"the image has {count} channel{plural}{known}, the model takes {len(inputs)}{_named(inputs)}: "
        "choose another model"
    )


def match_names(inputs: Sequence[Input], names: Sequence[str]) -> Channels | None:
    """Return the channels that are called as the inputs are; None where one that is needed is not among them."""
    folded = [name.strip().casefold() for name in names]
    found = tuple(
        folded.index(wanted) if (wanted := one.name.casefold()) and folded.count(wanted) == 1 else None
        for one in inputs
    )
    missing = any(channel is None and not one.optional for one, channel in zip(inputs, found, strict=True))
    return None if missing or all(channel is None for channel in found) else found


def _named(inputs: Sequence[Input]) -> str:
    return f" ({_list(inputs)})" if any(one.name for one in inputs) else ""


def _list(inputs: Iterable[Input]) -> str:
    return ", ".join(str(one) or "image" for one in inputs)
