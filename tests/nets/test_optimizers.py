"""Our optimisers compute what those of torch.optim compute, bit for bit, without dynamo and triton."""

import subprocess
import sys

import pytest
import torch

from napari_unet.nets.optimizers import SGD, AdamW
from tests.nets.small import noise, small_net


def trained(net, optimizer_of, rates, side=16):
    optimizer = optimizer_of(net.parameters())
    for number, rate in enumerate(rates):
        net.zero_grad(set_to_none=True)
        net(noise(2, 1, side, side, seed=number)).square().mean().backward()
        if isinstance(optimizer, torch.optim.Optimizer):
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
        else:
            optimizer.step(rate)
    return [value.detach().clone() for value in net.parameters()]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda p: AdamW(p, weight_decay=1e-2), lambda p: torch.optim.AdamW(p, weight_decay=1e-2)),
        (
            lambda p: SGD(p, momentum=0.99, weight_decay=1e-3),
            lambda p: torch.optim.SGD(p, lr=1.0, momentum=0.99, weight_decay=1e-3),
        ),
    ],
)
def test_weights_change_as_with_the_classes_of_pytorch(ours, theirs):
    rates = [1e-2, 3e-3, 1e-3, 1e-3]
    one = trained(small_net("padded", levels=2), ours, rates)
    other = trained(small_net("padded", levels=2), theirs, rates)
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_parameters_without_a_gradient_stay_as_they_are():
    net = small_net("padded", levels=2)
    frozen = net.head.weight.detach().clone()
    net.head.weight.requires_grad_(False)
    trained(net, lambda p: AdamW(p, weight_decay=1e-1), [1e-2])
    assert torch.equal(net.head.weight, frozen)


SESSION = """
import sys
import numpy as np
from napari_unet import FineTuningSettings, fine_tune, load_model, segment
from napari_unet.settings.augmentation import AugmentationSettings
from napari_unet.models.fresh import fresh_model
from napari_unet.models.training_image import training_images_of
from napari_unet.progress import finish
from napari_unet.training import Training
from napari_unet.settings.training import TrainingSettings

image = np.random.default_rng(0).normal(100, 3, (96, 96))
image[20:40, 20:40] += 300
paint = np.zeros((96, 96), np.uint8)
paint[25:30, 25:35], paint[60:65, 10:80] = 2, 1
model = load_model("nuclei")
segment(image, model)
fine_tune(model, [(image, paint)], settings=FineTuningSettings(
    seconds=None, iterations=2, score_every=2, batch=1, patch=32, replay=0
))
fresh = fresh_model()
images = training_images_of("a", image, (image > 200).astype(int), fresh.spec)
finish(Training(fresh.spec, images, [], TrainingSettings(iterations=1, patch=64, batch=1)).steps())
brought = [name for name in ("torch._dynamo", "triton", "torch._inductor") if name in sys.modules]
assert not brought, brought
"""


def test_segmenting_and_learning_import_neither_dynamo_nor_triton():
    """With triton in its process napari dies (SIGSEGV) where Mesa's software or AMD driver draws the window."""
    ended = subprocess.run([sys.executable, "-c", SESSION], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
