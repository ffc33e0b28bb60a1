"""Intensities over labels: each channel of an image, or of several, read where it is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.object_figures import Channel
from napari_unet.arrays.source import Source

COLOURS = 3
"""Samples that are measured: alpha is no intensity."""


@dataclass(frozen=True, slots=True, eq=False)
class ImageChannel:
    """One channel of an image, along whose other axes labels lie."""

    suffix: str
    source: Source
    axis: str = ""
    """C or S, along which the image has several channels; empty where it has but one."""
    number: int = 0

    def at(self, place: Mapping[str, int], spatial: str) -> Channel:
        """Return the channel in one plane or volume: `place` says the position along the other axes."""
        index = {**place, **({self.axis: self.number} if self.axis else {})}
        left = [axis for axis in self.source.axes if axis not in index]
        order = [left.index(axis) for axis in spatial]

        def read(part: slice) -> NDArray[Any]:
            key = tuple(part if axis == spatial[0] else index.get(axis, slice(None)) for axis in self.source.axes)
            return np.asarray(self.source.array[key]).transpose(order)

        return Channel(self.suffix, read)


def image_channels(sources: Mapping[str, Source]) -> Iterator[ImageChannel]:
    """Yield the channels of images by name: "-0", "-1" of one image with several, "-NAME" of several images."""
    for name, source in sources.items():
        named = f"-{name}" if len(sources) > 1 else ""
        axis = next((letter for letter in "CS" if letter in source.axes), "")
        if not axis:
            yield ImageChannel(named, source)
            continue
        count = source.lengths[axis] if axis == "C" else min(source.lengths[axis], COLOURS)
        for number in range(count):
            yield ImageChannel(f"{named}-{number}", source, axis, number)
