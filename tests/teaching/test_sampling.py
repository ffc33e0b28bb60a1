"""Views: what of a lesson is drawn, what counts in the loss and what holds the anchor."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_unet.arrays.annotations import painted
from napari_unet.models.library import entries, load_model
from napari_unet.nets.architectures import build_net
from napari_unet.nets.loss import anchor_loss, weighted_cross_entropy
from napari_unet.settings.augmentation import AugmentationSettings
from napari_unet.settings.finetuning import FineTuningSettings
from napari_unet.teaching.sampling import BatchSampler
from napari_unet.teaching.training_regions import replay_regions
from tests.teaching.small import (
    QUICK,
    image_and_truth,
    lessons_of,
    small_model,
    strokes,
    views_of,
)


@pytest.fixture
def model():
    return small_model()


def test_unannotated_pixels_get_no_gradient_from_labels_and_held_out_ones_none_at_all(model):
    _, truth = image_and_truth()
    lessons, views = views_of(
        model, painted(strokes(truth)), QUICK.replace(augmentation=AugmentationSettings.none())
    )
    batch = views.batch(0, 8, torch.device("cpu"))
    logits = torch.randn(batch.previous.shape, requires_grad=True)
    weighted_cross_entropy(logits, batch.classes, batch.weights).backward()
    assert (logits.grad.abs().sum(1)[batch.weights == 0] == 0).all()
    assert (logits.grad.abs().sum(1)[batch.weights > 0] > 0).all()
    logits.grad = None
    anchor_loss(logits, batch.previous, batch.blank).backward()
    assert (logits.grad.abs().sum(1)[batch.blank == 0] == 0).all()
    assert not (batch.blank * batch.weights).any()
    neither = (batch.blank == 0) & (batch.weights == 0)
    assert bool(neither.any()) == bool(lessons[0].held_out.held)


def test_held_out_strokes_never_enter_training(model):
    _, truth = image_and_truth()
    lessons, views = views_of(
        model, painted(strokes(truth)), QUICK.replace(augmentation=AugmentationSettings.none())
    )
    material = views._lessons[0]
    assert not (material.said[1].numpy() > 0)[lessons[0].held_out.mask].any()
    assert not (material.said[2].numpy() > 0)[lessons[0].held_out.mask].any()


def test_two_touching_painted_cells_get_a_ridge(model):
    layer = np.zeros((96, 96), np.int32)
    layer[30:60, 20:45], layer[30:60, 45:70] = 2, 3
    layer[20:25, 10:80] = 1
    settings = QUICK.replace(augmentation=AugmentationSettings.none(), held_out=0.0, patch=64)
    _, views = views_of(model, painted(layer), settings)
    for index in range(20):
        batch = views.batch(index, 1, torch.device("cpu"))
        classes, weights = batch.classes[0].numpy(), batch.weights[0].numpy()
        if (classes[weights > 0] == 1).sum() > 900:
            break
    assert ndimage.label(classes * (weights > 0), structure=np.ones((3, 3)))[1] >= 2


def test_replayed_views_teach_no_strokes_and_are_anchored_everywhere():
    model = load_model("nuclei")
    image = np.random.default_rng(0).random((200, 200)).astype(np.float32)
    annotation = np.zeros((200, 200), np.int32)
    annotation[20:40, 20:60], annotation[100:120, 30:80] = 1, 2
    settings = FineTuningSettings(replay=0.5, held_out=0)
    lessons = lessons_of(model, [(image, painted(annotation))], settings)
    batch = BatchSampler(lessons, replay_regions(model), model, settings).batch(0, 4, torch.device("cpu"))
    assert batch.replayed.tolist() == [True, True, False, False]
    assert not batch.weights[:2].any()
    assert batch.blank[:2].all()
    torch.testing.assert_close(batch.previous[:2].sum(1), torch.ones_like(batch.weights[:2]), atol=0.02, rtol=0)
    assert batch.weights[2:].any()


WITHOUT_REPLAY = "nuclei-3d"
WITH_REPLAY = [entry.name for entry in entries() if entry.shipped and entry.name != WITHOUT_REPLAY]


def test_the_network_of_volumes_brings_no_crops_along():
    assert not replay_regions(load_model(WITHOUT_REPLAY))


@pytest.mark.parametrize(
    "name", [entry.name for entry in entries() if entry.shipped and entry.name != WITHOUT_REPLAY]
)
def test_replay_is_held_to_the_shipped_model_however_often_it_was_taught(name):
    shipped = load_model(name)
    taught = replace(shipped, net=build_net(shipped.spec.architecture, shipped.spec.arguments))
    replay = replay_regions(taught)
    assert len(replay) == 24
    for lesson in replay[:3]:
        with torch.inference_mode():
            answer = torch.softmax(shipped.net(torch.from_numpy(lesson.image)[None]), 1)[0]
        assert np.abs(lesson.previous / 255 - answer.numpy()).max() < 0.02


def test_replay_of_other_classes_is_of_no_use():
    shipped = load_model("nuclei")
    two = {"classes": ("background", "cell"), "levels": (0.0, 1.0)}
    spec = replace(shipped.spec, **two, arguments={**shipped.spec.arguments, "out_channels": 2})
    assert replay_regions(replace(shipped, spec=spec)) == []
