"""Which channels of an image a network reads: the one place where a choice of channels gets its meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from napari_unet.errors import UnetError

Channels = tuple[int, ...]
"""Positions from 0."""
COLOURS = 3
"""Inputs of a network that reads red, green and blue."""


def single(channel: int | None) -> Channels | None:
    """Return a choice of one channel, None for no choice."""
    return None if channel is None else (channel,)


def resolve_channels(
    lengths: Mapping[str, int], inputs: int, chosen: Sequence[int] | None, names: Sequence[str] = ()
) -> Channels | None:
    """Return the positions that a network with so many inputs reads, in the order of its inputs.

    Parameters
    ----------
    lengths
        Length by axis of the image.
    inputs
        How many channels the network reads.
    chosen
        Positions from 0 along C, or among the colours red, green and blue where there is no C; None for no choice.
    names
        Names along C, for messages.

    Returns
    -------
    tuple of int, or None
        None reads all samples of an RGB image, of which one input makes grey. A single position feeds every input
        of a network that reads colours.

    Raises
    ------
    UnetError
        If a position does not exist, or the channels are more or fewer than the network reads.
    """
    if chosen is None:
        return _unchosen(lengths, inputs, names)
    axis = channel_axis(lengths)
    count = _count(lengths, axis)
    for channel in chosen:
        if not 0 <= channel < count:
            known = f"channels 0 to {count - 1}" if count > 1 else "one channel, 0"
            raise UnetError(f"channel {channel} does not exist: the image has {known}")
    if not _feeds(len(chosen), inputs):
        raise UnetError(f"the model reads {inputs} channels, got {len(chosen)}: choose {inputs}")
    return tuple(int(channel) for channel in chosen)


def _feeds(channels: int, inputs: int) -> bool:
    """Whether so many channels can feed a network; a single one feeds networks that read colours, as grey does."""
    return channels == inputs or (channels == 1 and inputs == COLOURS)


def channel_axis(lengths: Mapping[str, int]) -> str:
    """Return the axis along which channels are chosen: C, or S where there is no choice along C."""
    return "S" if "S" in lengths and lengths.get("C", 1) == 1 else "C"


def _count(lengths: Mapping[str, int], axis: str) -> int:
    return min(lengths["S"], 3) if axis == "S" else lengths.get("C", 1)  # alpha is no intensity


def _unchosen(lengths: Mapping[str, int], inputs: int, names: Sequence[str]) -> Channels | None:
    """Return the positions where no channel was chosen; UnetError where a choice is needed."""
    count = lengths.get("C", 1)
    if "S" in lengths:
        if count > 1:
            raise UnetError(f"the image has {count} channels of RGB: say which channel, 0 to {count - 1}")
        return None
    if inputs == 1 and count > 1:
        known = f" ({', '.join(names)})" if names else ""
        raise UnetError(
            f"the image has {count} channels{known}, the model takes one: say which channel, 0 to {count - 1}"
        )
    if not _feeds(count, inputs):
        plural = "s" * (count != 1)
        raise UnetError(f"the image has {count} channel{plural}, the model takes {inputs}: choose another model")
    return tuple(range(count))
