"""The network that a training starts with, where none is given."""

from __future__ import annotations

from typing import Literal, Self

from napari_unet.settings.base import Settings, Where, option

SHOWN: tuple[Where, ...] = ("train",)


class NetworkSettings(Settings):
    """Kind and size of a new network; the names are those of its arguments."""

    architecture: Literal["classic", "padded", "vgg16"] = option(
        "padded", "kind of the network; the preset paper takes classic", offered=SHOWN
    )
    in_channels: int = option(
        1, "how many channels the network takes", minimum=1, flag="--channels", offered=SHOWN
    )
    base_channels: int = option(
        16, "width of the first level; the preset paper takes 64", minimum=1, offered=SHOWN
    )
    levels: int = option(4, "how often the resolution is halved", minimum=1, maximum=8, offered=SHOWN)
    skip: Literal["concat", "add"] = option(
        "concat", "how the maps of the contracting path join those of the expanding path", offered=SHOWN
    )
    dropout: float = option(
        0.0,
        "share of the values at the lowest resolution that a step leaves out; the preset paper takes 0.5",
        minimum=0,
        below=1,
        offered=SHOWN,
    )

    @classmethod
    def paper(cls) -> Self:
        """Return the network of Ronneberger et al. 2015."""
        return cls(architecture="classic", base_channels=64, dropout=0.5)
