"""A small fresh network, discs that it does not know, and strokes on them."""

from dataclasses import replace

import numpy as np
import torch

from napari_unet.arrays.annotations import painted
from napari_unet.arrays.strokes import hold_out
from napari_unet.models.fresh import fresh_model
from napari_unet.models.model import Model
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.architectures import build_net
from napari_unet.progress import finish
from napari_unet.settings.augmentation import AugmentationSettings
from napari_unet.settings.finetuning import FineTuningSettings
from napari_unet.settings.optimization import OptimizationSettings
from napari_unet.teaching.sampling import BatchSampler
from napari_unet.teaching.training_regions import TrainingRegion, painted_planes, prepare_regions

QUICK = FineTuningSettings(
    seconds=None,
    iterations=40,
    batch=2,
    patch=48,
    device="cpu",
    score_every=10,
    augmentation=AugmentationSettings(
        scale=(0.9, 1.1), elastic=1, contrast=(1, 1), gamma=(1, 1), noise=0, blur=0, offset=0
    ),
    optimization=OptimizationSettings(learning_rate=3e-3, warmup=2, falling=False, frozen_norm=True, half=False),
)


def small_model():
    """Return a padded U-Net of two levels that knows nothing."""
    torch.manual_seed(0)
    arguments = {"base_channels": 4, "levels": 2}
    return Model(
        net=build_net("padded", arguments).eval(),
        spec=ModelSpec(name="fresh", architecture="padded", arguments=arguments),
        sha256="abc",
    )


def small_fresh_model(**given):
    """Return a new network as `fresh_model` does, of two levels and four channels."""
    model = fresh_model(**given)
    arguments = {**model.spec.arguments, "base_channels": 4, "levels": 2}
    net = build_net(model.spec.architecture, arguments).eval()
    return replace(model, net=net, spec=replace(model.spec, arguments=arguments))


def image_and_truth(seed=0, side=96):
    """Dark discs on a bright ground: the opposite of what `bright_model` knows."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    truth = np.zeros((side, side), np.int32)
    for number, (row, column) in enumerate([(20, 20), (20, 60), (60, 30), (70, 75), (45, 80)], start=1):
        truth[(rows - row) ** 2 + (columns - column) ** 2 < 81] = number
    return np.where(truth > 0, 20, 200) + rng.normal(0, 5, truth.shape), truth


def strokes(truth):
    layer = np.zeros(truth.shape, np.int32)
    for number in range(1, truth.max() + 1):
        row, column = (int(v.mean()) for v in np.nonzero(truth == number))
        layer[row - 2 : row + 3, column - 5 : column + 6] = number + 1
    for row in (2, 40, 88):
        layer[row : row + 3, 5:90][truth[row : row + 3, 5:90] == 0] = 1
    return layer


def planes_of(model, pairs):
    return finish(painted_planes(model.spec, pairs, axes=None, channels=None))


def lessons_of(model, pairs, settings):
    return finish(prepare_regions(model, planes_of(model, pairs), settings))


def views_of(model, annotation, settings=QUICK):
    image, _ = image_and_truth()
    lessons = lessons_of(model, [(image, annotation)], settings)
    return lessons, BatchSampler(lessons, [], model, settings)


def lessons_where(answer, truth, sure=1.0):
    """Return lessons on strokes over a previous model that answers so (True: object), with this probability."""
    said = painted(strokes(truth))
    held = hold_out(said, np.random.default_rng(0), share=0.2)
    high, low = round(255 * sure), round(255 * (1 - sure))
    previous = np.stack([np.where(answer, low, high), np.where(answer, high, low)]).astype(np.uint8)
    image = np.zeros((1, *truth.shape), np.float32)
    return [TrainingRegion(name="one", image=image, annotation=said, held_out=held, previous=previous)]
