"""Selection: what of an image a model is to see, checked against both before anything is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from napari_unet.arrays.axes import Region, require_axes
from napari_unet.arrays.channels import Channels, Choice, channel_positions, resolve_channels
from napari_unet.arrays.source import Source
from napari_unet.errors import UnetError
from napari_unet.models.spec import ModelSpec
from napari_unet.settings.segmentation import JOINABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which channels are the model's inputs, which part of the image, and through which axes objects go on."""

    channels: Channels | None = None
    """Positions in the order of the model's inputs, None for one that is left out; or None: all samples of an RGB
    image."""
    region: Region = field(default_factory=dict)
    """(start, stop) in pixels by axis; axes that are not named are whole."""
    join: str = ""
    """Axes out of Z and T along which objects that overlap from plane to plane are one."""


def select(
    source: Source,
    spec: ModelSpec,
    *,
    channels: Choice | None = None,
    region: Region | None = None,
    join: str = "",
) -> Selection:
    """Return what a model is to see of an image.

    Raises
    ------
    UnetError
        If the image lacks an axis of the model, the channels do not fit its inputs, or nothing can be joined.
    """
    require_axes(source.axes, spec.axes)
    _require_joinable(join, source.label_axes, spec)
    chosen = resolve_channels(source.lengths, spec.reads, channels, source.channel_names)
    return Selection(channels=chosen, region=dict(region or {}), join="".join(a for a in JOINABLE if a in join))


def agreed_channels(chosen: Choice | None, images: Sequence[Source]) -> Choice | None:
    """Return channels as positions that are the same in all images, where they are named."""
    if chosen is None or all(one is None or isinstance(one, int) for one in chosen):
        return chosen
    found = {channel_positions(chosen, image.channels, image.channel_names) for image in images}
    if len(found) > 1:
        named = ", ".join(str(one) for one in chosen)
        raise UnetError(f"{named} are other channels in some images than in others: give images of one kind")
    return found.pop()


def _require_joinable(join: str, axes: str, spec: ModelSpec) -> None:
    """Refuse to join classes, or along an axis that does not separate planes."""
    if join and spec.gives_image:
        raise UnetError(f"{spec.name} gives an image, which has no objects to join through {join}: leave join out")
    if join and spec.is_semantic:
        raise UnetError(f"{spec.name} gives classes, which have no objects to join through {join}: leave join out")
    missing = [axis for axis in join if axis not in axes or axis in spec.axes]
    if missing:
        raise UnetError(
            f"objects cannot be joined through {missing[0]}: the planes of {axes} are {spec.axes}, leave join out"
        )
