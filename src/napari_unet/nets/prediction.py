"""Overlap-tile prediction: mirror the image, then run windows through unpadded convolutions.

The only component that runs a network over an image. Tiled equals whole: every window pools on the grid of the
whole image and nothing in it sees a border, so where the image was cut cannot be read off the result.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_unet.arrays.boxes import Box, moved
from napari_unet.arrays.per_axis import in_words, per_axis
from napari_unet.arrays.tiling import Tile, tile_sides, tiles
from napari_unet.errors import UnetError
from napari_unet.memory import is_out_of_memory, out_of_memory
from napari_unet.nets.device import choose_device, free_memory, half_precision
from napari_unet.nets.unet import UNet
from napari_unet.progress import Progress, Steps
from napari_unet.settings.prediction import PredictionSettings

BYTES_PER_PIXEL_PER_CHANNEL = 20
"""Measured peak of one window: bytes per window pixel and base channel, float32, channels last."""
MAX_TILE = {"cpu": 448, "other": 1536}
"""Larger tiles fall out of a CPU's cache and cost memory; GPUs are fuller with them."""
MAX_WINDOW = 800_000_000
"""Bytes of a window on a CPU, however much memory is free: those of volumes would fill it for little speed."""


class Readable(Protocol):
    """An image as a network wants to see it: `shape` of its spatial axes, windows that may leave it."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the size per spatial axis."""
        ...

    def read(self, window: Box) -> NDArray[np.float32]:
        """Return (C, *window) normalised float32, mirrored beyond the image."""
        ...


CUDNN = Lock()
"""Held while a switch of cuDNN is set: two predictions at once would set it back for each other."""


class Predictor:
    """A network made ready for tiles: unpadded, batch norm folded, channels last, on its device."""

    def __init__(self, net: UNet, settings: PredictionSettings | None = None) -> None:
        self.settings = settings or PredictionSettings()
        self.device = choose_device(self.settings.device)
        self.geometry = net.geometry
        half = half_precision(self.device) if self.settings.precision == "fast" else None
        self._dtype = half or torch.float32
        self._layout = torch.channels_last if net.dims == 2 else torch.channels_last_3d
        self._net = net.unpadded().to(self.device, self._dtype).to(memory_format=self._layout)  # type: ignore[call-overload]
        width = next(p for p in net.parameters() if p.ndim > 1).shape[0]
        self._bytes_per_pixel = BYTES_PER_PIXEL_PER_CHANNEL * width
        self.tile = self._tile_of((math.inf,) * net.dims)

    @torch.inference_mode()
    def __call__(self, block: NDArray[np.float32]) -> Tensor:
        """Return the logits (K, *output) of a window (C, *window)."""
        if self.device.type != "cuda":
            return self._logits(block)
        exact = self.settings.precision == "exact"
        # NVIDIA's TF32 keeps 10 bits of a float32: fast, but no longer exact; the switch is the whole process's
        with CUDNN, torch.backends.cudnn.flags(enabled=True, allow_tf32=not exact):
            return self._logits(block)

    def _logits(self, block: NDArray[np.float32]) -> Tensor:
        x = torch.from_numpy(block)[None].to(self.device, self._dtype, memory_format=self._layout)
        if not self.settings.rotations:
            logits: Tensor = self._net(x)[0].float()
            return logits
        return mean_of_rotations(self._net, x, quarters=self.geometry[-1] == self.geometry[-2])[0]

    def fitted(self, shape: Sequence[int]) -> Predictor:
        """Return the predictor with the tile that suits an image of this shape."""
        return self._with_tile(self._tile_of(shape))

    def smaller(self) -> Predictor:
        """Return the predictor with half the tile, for when memory ran out."""
        stride = self.geometry.stride
        if all(side <= step for side, step in zip(self.tile, stride, strict=True)):
            raise out_of_memory(f"tiles of {in_words(self.tile)} px")
        return self._with_tile(tuple(max(step, side // 2) for side, step in zip(self.tile, stride, strict=True)))

    def _with_tile(self, tile: tuple[int, ...]) -> Predictor:
        other = copy.copy(self)
        other.tile = tile
        return other

    def _tile_of(self, shape: Sequence[float]) -> tuple[int, ...]:
        """Return the chosen tile, else the largest sensible one whose window fits into a quarter of the memory."""
        if self.settings.tile is not None:
            return per_axis(self.settings.tile, len(shape), "tile")
        longest = MAX_TILE.get(self.device.type, MAX_TILE["other"])
        room = free_memory(self.device) / 4
        if self.device.type == "cpu":
            room = min(room, MAX_WINDOW)
        return tile_sides(
            [int(min(side, longest)) for side in shape],
            self.geometry,
            pixels=room / self._bytes_per_pixel,
            longest=longest,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What of the network's answer is kept: which maps, as what."""

    classes: tuple[int, ...] | None = (1,)
    """Class maps to keep; None keeps all."""
    levels: tuple[float, ...] | None = None
    """Keep one map instead, the probabilities times these: a border between background and inside, say."""
    kind: Literal["probability", "logits", "image", "classes"] = "probability"
    """Softmax probabilities, raw logits, the output as it is (image-to-image networks), or the likeliest class."""
    dtype: Literal["uint8", "float32"] = "uint8"
    """uint8 stores probabilities times 255: a quarter of the memory, errors below 0.002."""


Choose = Callable[[Sequence[Box]], int]
"""Says which of some parts of an image, that are not done yet, is to be next."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PartDone:
    """A part of a map that is ready to be looked at."""

    box: Box
    values: NDArray[Any]
    """(classes, *box)."""


def predict(
    predictor: Predictor,
    source: Readable,
    result: Result | None = None,
    *,
    out: NDArray[Any] | None = None,
    choose: Choose | None = None,
) -> Steps[NDArray[Any]]:
    """Run a network over an image tile by tile, one yield a tile; return (classes, *spatial).

    `out` may be any array of that shape that takes slices (a zarr array, a memory map): tiles are written as
    they come. When memory runs out the tiles are halved and the work goes on, with the same result. With `choose`,
    which says what is next, every step has a `PartDone` for a preview.
    """
    wanted = result or Result()
    shape = tuple(source.shape)
    if 0 in shape:
        raise UnetError(f"the image is empty: its shape is {shape}")
    predictor = predictor.fitted(shape)
    pending = list(tiles(shape, predictor.tile, predictor.geometry))
    done = 0
    while pending:
        number = choose([tile.write for tile in pending]) if choose is not None else 0
        try:
            logits = predictor(source.read(pending[number].read))
            _require_finite(logits, predictor.settings.precision)
            maps = _keep(logits, wanted)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            predictor = predictor.smaller()
            pending = list(_cut(pending, predictor))
            continue
        tile = pending.pop(number)
        kept = maps[(slice(None), *tile.crop)]
        if out is None:
            out = np.zeros((kept.shape[0], *shape), wanted.dtype)
        out[(slice(None), *tile.write)] = kept
        done += 1
        part = PartDone(box=tile.write, values=kept) if choose is not None else None
        yield Progress(done=done, total=done + len(pending), doing="Predicting", preview=part)
    assert out is not None
    return out


def _require_finite(logits: Tensor, precision: str) -> None:
    """Refuse an answer that is none, which would else look as if there was nothing in the image.

    The sum is as little a number as any of its terms, and one pass over them.
    """
    if not torch.isfinite(logits.sum()):
        remedy = "compute in exact precision" if precision == "fast" else "train anew, or take another model"
        raise UnetError(
            f"the network's answer is not finite (NaN or infinite), its weights are too large: {remedy}"
        )


def _keep(logits: Tensor, wanted: Result) -> NDArray[Any]:
    if wanted.kind == "classes":
        return logits.argmax(0, keepdim=True).to(torch.uint8).cpu().numpy()
    maps = torch.softmax(logits, 0) if wanted.kind == "probability" else logits
    if wanted.levels is not None:
        maps = torch.tensordot(maps.new_tensor(wanted.levels), maps, dims=1)[None]
    elif wanted.classes is not None:
        maps = maps[list(wanted.classes)]
    if wanted.dtype == "uint8":
        maps = (maps * 255).round().clamp(0, 255).to(torch.uint8)
    return maps.cpu().numpy()


def _cut(pending: list[Tile], predictor: Predictor) -> Iterator[Tile]:
    """Yield smaller tiles that write what the pending ones would have written."""
    for tile in pending:
        shape = [side.stop - side.start for side in tile.write]
        for part in tiles(shape, predictor.tile, predictor.geometry):
            yield replace(part, read=moved(part.read, tile.write), write=moved(part.write, tile.write))


Turn = tuple[int, bool]


def mean_of_rotations(net: Callable[[Tensor], Tensor], x: Tensor, *, quarters: bool = True) -> Tensor:
    """Return the mean of a network's float32 answers to x (N, C, *spatial) in all rotations and reflections.

    Without `quarters`, as for a network that treats the last two axes differently, only half turns are made.
    """
    turns = _turns(x, 1 if quarters else 2)
    return torch.stack([_turn_back(net(turned).float(), how) for turned, how in turns]).mean(0)


def _turns(x: Tensor, step: int) -> Iterator[tuple[Tensor, Turn]]:
    """Yield the rotations and reflections of the last two axes; the pooling grid keeps its pairs in all."""
    for flip in (False, True):
        for quarter in range(0, 4, step):
            flipped = x.flip(-1) if flip else x
            yield flipped.rot90(quarter, (-2, -1)), (quarter, flip)


def _turn_back(x: Tensor, how: Turn) -> Tensor:
    quarter, flip = how
    back = x.rot90(-quarter, (-2, -1))
    return back.flip(-1) if flip else back
