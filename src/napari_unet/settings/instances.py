"""How a map of probabilities becomes instances."""

from __future__ import annotations

from functools import partial
from typing import Self

from pydantic import model_validator

from napari_unet.errors import UnetError
from napari_unet.settings.base import Settings, option

_threshold = partial(option, above=0, below=1, step=0.05)


class InstanceSettings(Settings):
    """Thresholds between probabilities and instances; chosen on validation images and stored in the model."""

    core_threshold: float = _threshold(
        0.7, "pixels above this probability are the cores of objects", label="Core probability"
    )
    edge_threshold: float = _threshold(
        0.5, "objects grow from their cores down to this probability", label="Edge probability"
    )
    min_size: int = option(
        16,
        "objects of fewer pixels are dropped, and smaller cores do not count",
        minimum=0,
        unit="px",
        label="Smallest object",
    )
    min_core_share: float = option(
        0.75,
        "share of a core that its parts must keep at a higher probability to be cores of their own; 1: never",
        above=0,
        maximum=1,
    )
    min_mean_probability: float = option(
        0.5, "objects of a lower mean probability are dropped; 0 keeps all", minimum=0, maximum=1
    )

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.edge_threshold > self.core_threshold:
            raise UnetError(
                f"edge_threshold (edge probability) must not be above core_threshold (core probability), got "
                f"{self.edge_threshold:g} and {self.core_threshold:g}: lower the first or raise the second"
            )
        return self
