"""Train a network that makes images of images: denoising, label-free prediction.

The same loop as `training`, with other views and another loss. Views are cut, turned and flipped, no more:
any interpolation would change the noise that is to be told from the image, and other intensities what comes out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from napari_unet.nets.intensity_augmentation import leave_out_optional
from napari_unet.nets.loss import regression_loss
from napari_unet.nets.padded import CENTRE
from napari_unet.training import Training


class ImageTraining(Training):
    """A training on images with a target."""

    def _task(self, rng: np.random.Generator) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """Return a batch of images (N, C, *side) and the loss of what the network makes of them."""
        views = [self._pair(rng) for _ in range(self.settings.batch)]
        device = self.optimization.device
        images, targets = (torch.stack(parts).to(device) for parts in zip(*views, strict=True))
        return images, partial(regression_loss, target=targets - CENTRE, squared=self.settings.loss == "l2")

    def _pair(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return a patch of an image (C, *side) and of its target (1, *side), turned and flipped alike."""
        number = int(rng.choice(len(self._images), p=self._chances))
        image = self._images[number]
        assert image.target is not None
        both = np.concatenate([image.image, image.target])
        sides, lengths = self._sides[1], both.shape[1:]
        room = [max(0, length - side) for length, side in zip(lengths, sides, strict=True)]
        corner = [int(rng.integers(free + 1)) for free in room]
        box = tuple(slice(start, start + side) for start, side in zip(corner, sides, strict=True))
        part = both[(slice(None), *box)]
        beyond = [(0, side - length) for side, length in zip(sides, part.shape[1:], strict=True)]
        view = np.pad(part, [(0, 0), *beyond], mode="symmetric")
        for axis in range(1, view.ndim):
            if rng.random() < 0.5:
                view = np.flip(view, axis)
        if sides[-2] == sides[-1]:
            view = np.rot90(view, int(rng.integers(4)), (-2, -1))
        tensor = torch.from_numpy(np.ascontiguousarray(view))
        return leave_out_optional(tensor[:-1].clone(), rng, self.spec.inputs), tensor[-1:]
