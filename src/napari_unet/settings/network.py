"""The network that a training starts with, where none is given."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import field_validator

from napari_unet.errors import UnetError
from napari_unet.settings.base import Settings, Where, option

SHOWN: tuple[Where, ...] = ("train", "Train panel")


class NetworkSettings(Settings):
    """Kind and size of a new network; the names are those of its arguments."""

    architecture: Literal["classic", "padded", "vgg16"] = option(
        "padded", "kind of the network; the preset paper takes classic", label="Network", offered=SHOWN
    )
    in_channels: int = option(
        1, "how many channels the network takes", minimum=1, flag="--channels", label="Channels", offered=SHOWN
    )
    base_channels: int = option(
        16, "width of the first level; the preset paper takes 64", minimum=1, label="Width", offered=SHOWN
    )
    dims: Literal[2, 3] = option(
        2,
        "what a new network sees at once: 2, the planes of a stack one by one, or 3, the stack as a volume",
        label="Dimensions",
        offered=(*SHOWN, "fine-tune"),
    )
    spacing: tuple[float, ...] | None = option(
        None,
        "distances of neighbouring pixels along Z,Y,X, in any unit: the network leaves Z alone until pooling "
        "Y and X has made them about equal",
        must_be="numbers above 0, one per axis, such as 2.5,1,1",
        unset="as the files say; else all the same",
        label="Spacing",
        offered=(*SHOWN, "fine-tune"),
    )
    levels: int = option(
        4, "how often the resolution is halved", minimum=1, maximum=8, label="Levels", offered=SHOWN
    )
    skip: Literal["concat", "add"] = option(
        "concat",
        "how the maps of the contracting path join those of the expanding path",
        label="Skips",
        offered=SHOWN,
    )
    dropout: float = option(
        0.0,
        "share of the values at the lowest resolution that a step leaves out; the preset paper takes 0.5",
        minimum=0,
        below=1,
        step=0.1,
        label="Dropout",
        offered=SHOWN,
    )

    norm: bool = option(
        False,
        "batch norm in the contracting path of the network vgg16, for the weights of vgg16_bn",
        switch=(True, "batch norm"),
        label="VGG16",
        offered=SHOWN,
    )

    @field_validator("spacing", mode="before")
    @classmethod
    def _as_numbers(cls, value: Any) -> Any:
        """Return text as numbers."""
        try:
            return tuple(map(float, value.split(","))) if isinstance(value, str) else value
        except ValueError:
            raise ValueError from None  # the sentence is that of the declaration

    @field_validator("spacing", mode="after")
    @classmethod
    def _above_0(cls, value: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if value is not None and not all(step > 0 for step in value):
            raise ValueError
        return value

    @property
    def axes(self) -> str:
        """Return the axes that the network sees at once."""
        return "ZYX"[-self.dims :]

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the network's constructor, two dimensions and batch norm unsaid where usual."""
        if self.norm and self.architecture != "vgg16":
            raise UnetError(f"`norm` is for `architecture` vgg16, got {self.architecture}: leave it out")
        left_out = {"architecture", "spacing"}
        left_out |= {"dims"} if self.dims == 2 else set()
        left_out |= {"norm"} if self.architecture != "vgg16" else set()
        return self.model_dump(exclude=left_out)

    @classmethod
    def paper(cls) -> Self:
        """Return the network of Ronneberger et al. 2015."""
        return cls(architecture="classic", base_channels=64, dropout=0.5)
