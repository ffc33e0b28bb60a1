"""Learning from strokes: what must be learnt, and what must not be touched."""

import numpy as np
import pytest
import torch

from napari_unet.arrays.annotations import corrected, painted
from napari_unet.errors import UnetError
from napari_unet.finetuning import fine_tune, fine_tune_steps
from napari_unet.models.model import Model
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.architectures import build_net
from napari_unet.progress import finish
from napari_unet.segmentation import segment
from napari_unet.settings.finetuning import FineTuningSettings
from tests.teaching.small import (
    QUICK,
    image_and_truth,
    small_model,
    strokes,
)

LONGER = QUICK.replace(
    iterations=100, anchor=0, score_every=50, optimization=QUICK.optimization.replace(learning_rate=5e-3)
)
"""Until a small network knows what it was shown; to score it more often would take as long as to teach it."""


@pytest.fixture
def model():
    return small_model()


def test_a_model_learns_from_strokes_alone(model):
    image, truth = image_and_truth()
    result = finish(fine_tune_steps(model, [(image, strokes(truth))], settings=LONGER))
    assert result.held_out
    assert result.improved
    assert "better" in result.sentence()
    other, other_truth = image_and_truth(1)
    found = segment(other, result.model) > 0
    assert (found & (other_truth > 0)).sum() / (found | (other_truth > 0)).sum() > 0.6


def test_until_the_first_score_that_of_the_old_model_counts(bright_model):
    image, truth = image_and_truth()
    steps = fine_tune_steps(bright_model, [(image, strokes(truth))], settings=QUICK.replace(score_every=20))
    scores = [step.figures["score"] for step in steps if "score" in step.figures]
    assert len(set(scores[:8])) == 1


def test_the_given_model_is_left_as_it_was(model):
    before = {name: value.clone() for name, value in model.net.state_dict().items()}
    image, truth = image_and_truth()
    fine_tune(model, [(image, strokes(truth))], settings=QUICK.replace(iterations=5))
    for name, value in model.net.state_dict().items():
        torch.testing.assert_close(value, before[name])


def test_batch_norm_statistics_stay_frozen(model):
    image, truth = image_and_truth()
    result = finish(fine_tune_steps(model, [(image, strokes(truth))], settings=QUICK.replace(iterations=5)))
    for (name, old), new in zip(model.net.named_buffers(), result.model.net.buffers(), strict=True):
        torch.testing.assert_close(old, new, msg=name)


def test_the_same_seed_gives_the_same_weights_on_the_cpu(model):
    image, truth = image_and_truth()
    first, second = (
        finish(fine_tune_steps(model, [(image, strokes(truth))], settings=QUICK.replace(iterations=10))).model.net
        for _ in range(2)
    )
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_right_model_stays_right_away_from_one_wrong_stroke(bright_model):
    bright = bright_model
    image, truth = image_and_truth()
    image = 220 - image  # bright discs, as the model knows them
    layer = np.zeros(truth.shape, np.int32)
    layer[18:23, 14:27] = 1  # wrong: a cell called background
    layer[56:64, 26:35] = 2
    settings = QUICK.replace(iterations=40, held_out=0.0)
    taught = finish(fine_tune_steps(bright, [(image, layer)], settings=settings)).model
    found = segment(image, taught) > 0
    unpainted_patch_share = np.ones(truth.shape, bool)
    unpainted_patch_share[5:36, 5:36] = False
    right = (found == (truth > 0))[unpainted_patch_share]
    assert right.mean() > 0.97


def test_when_nothing_was_gained_the_old_model_is_returned(bright_model):
    image, truth = image_and_truth()
    layer = strokes(truth)
    bright_image = 220 - image
    settings = QUICK.replace(iterations=1, optimization=QUICK.optimization.replace(learning_rate=1e-9))
    assert fine_tune(bright_model, [(bright_image, layer)], settings=settings) is bright_model


def test_lineage_and_figures_are_in_the_model(model, tmp_path):
    image, truth = image_and_truth()
    result = finish(fine_tune_steps(model, [(image, strokes(truth))], settings=QUICK.replace(iterations=10)))
    saved = result.model.save(tmp_path / "mine.safetensors")
    assert saved.spec.parent == "abc"
    learnt = saved.spec.training["fine_tuning"]
    assert learnt["annotated_pixels"] == painted(strokes(truth)).pixels
    assert learnt["score_before"] == pytest.approx(result.before, abs=1e-4)


def test_few_strokes_are_said_to_be_too_few(model):
    layer = np.zeros((96, 96), np.int32)
    layer[18:23, 14:27], layer[40:43, 5:60] = 2, 1
    image, _ = image_and_truth()
    result = finish(fine_tune_steps(model, [(image, layer)], settings=QUICK.replace(iterations=2)))
    assert not result.held_out
    assert "Too few to trust" in result.sentence()


def test_every_network_learns(model):
    image, truth = image_and_truth()
    for architecture, levels in (("classic", 2), ("vgg16", 2)):
        arguments = {"in_channels": 1, "out_channels": 2, "base_channels": 4, "levels": levels}
        other = Model(
            net=build_net(architecture, arguments).eval(),
            spec=ModelSpec(name="x", architecture=architecture, arguments=arguments),
        )
        result = finish(fine_tune_steps(other, [(image, strokes(truth))], settings=QUICK.replace(iterations=3)))
        assert np.isfinite(result.after)


def test_stacks_learn_from_the_planes_that_were_painted(model):
    image, truth = image_and_truth()
    stack, layer = np.stack([image] * 3), np.zeros((3, 96, 96), np.int32)
    layer[1] = strokes(truth)
    result = finish(fine_tune_steps(model, [(stack, layer)], axes="ZYX", settings=QUICK.replace(iterations=3)))
    assert result.pixels > 0


def test_bad_input_is_one_sentence(model):
    image, truth = image_and_truth()
    with pytest.raises(UnetError, match=r"\(96, 96\).*\(50, 50\)"):
        fine_tune(model, [(image, np.ones((50, 50), int))])
    with pytest.raises(UnetError, match="only objects"):
        fine_tune(model, [(image, truth + (truth > 0))])
    with pytest.raises(UnetError, match="nothing to learn"):
        fine_tune(model, [])
    with pytest.raises(UnetError, match="empty"):
        fine_tune(model, [(image, np.zeros(image.shape, int))])
    with pytest.raises(UnetError, match="above 0"):
        FineTuningSettings(seconds=0)


def small(**spec):
    torch.manual_seed(0)
    arguments = {"base_channels": 4, "levels": 2, "out_channels": len(spec["classes"])}
    return Model(
        net=build_net("padded", arguments).eval(),
        spec=ModelSpec(name="small", architecture="padded", arguments=arguments, **spec),
    )


def test_a_network_with_a_border_class_learns_from_whole_objects_and_scribbles():
    bordered = small(classes=("background", "object", "border"), levels=(0.0, 1.0, 0.5))
    image, truth = image_and_truth()
    layer = strokes(truth)
    layer[truth == 1] = 2
    layer[10:31, 8:33][truth[10:31, 8:33] == 0] = 1
    result = finish(fine_tune_steps(bordered, [(image, layer)], settings=LONGER))
    assert result.improved
    assert result.after > 0.7


def test_classes_are_learnt_from_strokes_of_several_images():
    semantic = small(classes=("background", "dark", "bright"), levels=())
    rng = np.random.default_rng(0)
    image = rng.normal(100, 5, (64, 96))
    image[:, :32] -= 60
    image[:, 64:] += 60
    layer = np.zeros(image.shape, np.int32)
    for row in (4, 24, 44):
        layer[row : row + 6, 4:28], layer[row : row + 6, 36:60], layer[row : row + 6, 68:92] = 2, 1, 3
    result = finish(fine_tune_steps(semantic, [(image, layer), (image.T, layer.T)], settings=LONGER))
    assert result.after > 0.8
    found = segment(image, result.model)
    assert set(np.unique(found)) == {0, 1, 2}
    assert found[50, 16] == 1
    assert found[50, 80] == 2
    with pytest.raises(UnetError, match="class 3 is painted"):
        fine_tune(semantic, [(image, layer + 1)])
    with pytest.raises(UnetError, match="only dark is painted"):
        fine_tune(semantic, [(image, np.where(layer == 2, 2, 0))])


def test_corrections_of_one_kind_are_enough(bright_model):
    image, truth = image_and_truth()
    before = truth.copy()
    before[85:95, 5:15] = 9
    result = finish(
        fine_tune_steps(bright_model, [(image, corrected(before, truth))], settings=QUICK.replace(iterations=3))
    )
    assert result.iterations == 3


@pytest.mark.parametrize(
    ("image", "said"), [(np.zeros((9, 9), complex), "real numbers"), (np.zeros((0, 9)), "is empty")]
)
def test_what_is_no_image_is_refused_as_segment_does(model, image, said):
    with pytest.raises(UnetError, match=said):
        fine_tune(model, [(image, np.ones(image.shape, np.uint8))])


def test_lists_are_images_too(model):
    image, truth = image_and_truth()
    settings = QUICK.replace(iterations=2)
    assert isinstance(fine_tune(model, [(image.tolist(), strokes(truth))], settings=settings), Model)


@pytest.mark.parametrize(
    ("teach", "said"),
    [
        (lambda model, pair: fine_tune("nuclei", [pair]), "load_model gives one by its name"),
        (fine_tune, r"pairs of an image and its annotation"),
        (lambda model, pair: fine_tune(model, [pair], settings=QUICK.replace(seed=1.5)), "seed must be"),
        (
            lambda model, pair: fine_tune(model, [pair], settings=QUICK.replace(patch=2)),
            "patch must be at least 4",
        ),
    ],
)
def test_what_cannot_be_taught_gets_a_sentence(model, teach, said):
    image, truth = image_and_truth()
    with pytest.raises(UnetError, match=said):
        teach(model, (image, strokes(truth)))
