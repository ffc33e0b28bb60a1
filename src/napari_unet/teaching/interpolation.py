"""Where on the line from the old to the new weights a taught model stops: chosen by measurement.

Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022: a mixture of both weights often knows the new
task as well as the new ones, and the old task better.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from napari_unet.models.model import Model
from napari_unet.nets.optimization import mix_weights
from napari_unet.progress import Progress, Steps
from napari_unet.teaching.scores import mean_iou, stroke_tables
from napari_unet.teaching.training_regions import TrainingRegion

SHARES = (0.25, 0.5, 0.75, 1.0)
"""Shares of the new weights that are tried; 0 is the old model, which stays anyway where no share is better."""


def best_mixture(
    old: Model, new: Model, lessons: Sequence[TrainingRegion], replay: Sequence[TrainingRegion], device: str
) -> Steps[tuple[Model, NDArray[np.int64]]]:
    """Return the mixture of two models that is best on strokes and replay together, and its tables of strokes.

    Good is the mean IoU on the scored strokes plus that on the replay crops against the answers of the model that
    learnt them. Without replay crops the new model is returned as it is.
    """
    mixtures = [_mixed(old, new, share) for share in SHARES] if replay else [new]
    tables, worth = [], []
    for mixture in mixtures:
        yield Progress(done=0, total=0, doing="Weighing the new weights against the old ones")
        tables.append((yield from stroke_tables(mixture, lessons, device)))
        worth.append(mean_iou(tables[-1].sum(axis=0)) + (agreement(mixture, replay) if replay else 0.0))
    best = int(np.argmax(worth))
    return mixtures[best], tables[best]


@torch.inference_mode()
def agreement(model: Model, replay: Sequence[TrainingRegion]) -> float:
    """Return the mean IoU of the classes in replay crops: found by a model, and by the one that learnt them."""
    count = len(model.spec.classes)
    table = np.zeros((count, count), np.int64)
    for crop in replay:
        assert crop.previous is not None
        found = model.net(torch.from_numpy(crop.image)[None])[0].argmax(0).numpy()
        np.add.at(table, (crop.previous.argmax(0).ravel(), found.ravel()), 1)
    return mean_iou(table)


def _mixed(old: Model, new: Model, share: float) -> Model:
    net = copy.deepcopy(new.net)
    mix_weights(net, old.net, 1 - share)
    return replace(new, net=net.eval())
