"""The loss by hand, and nothing from pixels that nobody annotated."""

import pytest
import torch

from napari_unet.nets.loss import anchor_loss, weighted_cross_entropy
from tests.nets.small import noise


def example(classes=3, annotated=0.3):
    logits = noise(2, classes, 6, 7).requires_grad_()
    target = noise(2, 6, 7, seed=1).mul(10).long().abs() % classes
    weights = noise(2, 6, 7, seed=2).abs() * (torch.rand(2, 6, 7, generator=torch.manual_seed(3)) < annotated)
    return logits, target, weights


@pytest.mark.parametrize("classes", [2, 3])
def test_the_loss_is_the_weighted_mean_of_the_negative_log_probability(classes):
    logits, target, weights = example(classes)
    wrong = -torch.log_softmax(logits.double(), 1).gather(1, target[:, None])[:, 0]
    by_hand = (weights * wrong).sum() / weights.sum()
    torch.testing.assert_close(weighted_cross_entropy(logits, target, weights).double(), by_hand)


def test_unannotated_pixels_have_zero_gradient():
    logits, target, weights = example()
    weighted_cross_entropy(logits, target, weights).backward()
    gradient = logits.grad.abs().sum(1)
    assert (gradient[weights == 0] == 0).all()
    assert (gradient[weights > 0] > 0).all()


def test_a_batch_without_annotation_has_no_loss_and_zero_gradient():
    logits, target, weights = example(annotated=0)
    loss = weighted_cross_entropy(logits, target, weights)
    loss.backward()
    assert loss == 0
    assert (logits.grad == 0).all()


def test_the_loss_does_not_depend_on_the_size_of_the_weights():
    logits, target, weights = example()
    loss = weighted_cross_entropy(logits, target, weights)
    torch.testing.assert_close(weighted_cross_entropy(logits, target, 7 * weights), loss)


def test_volumes_and_16_bit_logits_are_taken_too():
    logits = noise(1, 2, 3, 4, 5).to(torch.bfloat16)
    loss = weighted_cross_entropy(logits, torch.zeros(1, 3, 4, 5, dtype=torch.long), torch.ones(1, 3, 4, 5))
    assert loss.dtype == torch.float32


def test_the_anchor_is_lowest_and_flat_where_predictions_are_as_before():
    logits, _, weights = example()
    previous = torch.softmax(logits.detach(), 1)
    same = anchor_loss(logits, previous, weights)
    same.backward()
    torch.testing.assert_close(logits.grad, torch.zeros_like(logits), atol=1e-6, rtol=0)
    assert anchor_loss(logits.detach() + noise(2, 3, 6, 7, seed=5), previous, weights) > same


def test_the_anchor_holds_only_where_it_has_weight():
    logits, _, weights = example()
    previous = torch.softmax(noise(2, 3, 6, 7, seed=5), 1)
    anchor_loss(logits, previous, weights).backward()
    assert (logits.grad.abs().sum(1)[weights == 0] == 0).all()
    assert anchor_loss(logits, previous, torch.zeros_like(weights)) == 0


def test_the_index_beyond_the_classes_means_any_object():
    """-log(p1 + p2) where a scribble says object, but not which of its classes."""
    logits = torch.randn(1, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    either = torch.full((1, 4, 5), 3)
    expected = -torch.log(torch.softmax(logits, 1)[:, 1:].sum(1)).mean()
    torch.testing.assert_close(weighted_cross_entropy(logits, either, torch.ones(1, 4, 5)), expected)
