"""Training on discs: it learns, it can be interrupted, and it says in a sentence what it cannot do."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from napari_unet.errors import UnetError
from napari_unet.models.model import Model
from napari_unet.models.spec import ModelSpec
from napari_unet.models.training_image import TrainingImage, training_images_of
from napari_unet.nets.architectures import build_net
from napari_unet.progress import finish
from napari_unet.settings.augmentation import AugmentationSettings
from napari_unet.settings.optimization import OptimizationSettings
from napari_unet.settings.training import TrainingSettings
from napari_unet.training import Training

TINY = {"base_channels": 4, "levels": 2}
QUICK = TrainingSettings(
    iterations=6,
    batch=2,
    patch=32,
    device="cpu",
    augmentation=AugmentationSettings(elastic=2, scale=(0.8, 1.2)),
    optimization=OptimizationSettings(half=False, warmup=2, learning_rate=5e-3),
    validate_every=3,
)


def spec(architecture="padded", **arguments):
    return ModelSpec(name="discs", architecture=architecture, arguments={**TINY, **arguments})


def disc_image(seed, side=64):
    """Bright discs on a dark ground with noise, and their labels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    labels = np.zeros((side, side), np.int32)
    for number in range(1, 7):
        centre = rng.uniform(8, side - 8, 2)
        labels[(np.hypot(y - centre[0], x - centre[1]) < 7) & (labels == 0)] = number
    return (100 + 400 * (labels > 0) + rng.normal(0, 40, labels.shape)).astype(np.float32), labels


def discs(count, first=0, wanted=None):
    return [
        labelled
        for seed in range(first, first + count)
        for labelled in training_images_of(f"disc {seed}", *disc_image(seed), wanted or spec())
    ]


def train(settings=QUICK, wanted=None, **options):
    wanted = wanted or spec()
    return Training(wanted, discs(2, wanted=wanted), discs(1, 50, wanted=wanted), settings, **options)


def weights(model):
    return {name: value for name, value in model.net.state_dict().items() if value.is_floating_point()}


def stop_at(steps, iteration):
    while (step := next(steps)).doing != "Training" or step.done < iteration:
        pass
    steps.close()


def same(one, other):
    return all(torch.equal(value, weights(other)[name]) for name, value in weights(one).items())


@pytest.mark.parametrize("architecture", ["padded", "classic", "vgg16"])
def test_training_lowers_the_loss(architecture):
    seen = []
    wanted = spec(architecture, in_channels=1, out_channels=2, base_channels=8, levels=1)
    rate = QUICK.optimization.replace(learning_rate=1e-2)
    plain = AugmentationSettings.none()
    settings = QUICK.replace(iterations=30, validate_every=30, batch=4, optimization=rate, augmentation=plain)
    finish(train(settings, wanted).steps(), lambda step: seen.append(step.figures.get("loss")))
    losses = [loss for loss in seen if loss is not None]
    assert len(losses) == 30
    assert np.mean(losses[-6:]) < 0.8 * np.mean(losses[:6])


def test_an_interrupted_training_gives_the_same_weights_as_an_uninterrupted_one(tmp_path):
    expected = train()
    finish(expected.steps())
    steps = train(checkpoint=tmp_path / "training").steps()
    stop_at(steps, 4)  # the checkpoint is of iteration 3
    resumed = train(checkpoint=tmp_path / "training")
    assert resumed.optimization.iteration == 3
    assert resumed.history == expected.history[:1]
    assert same(finish(resumed.steps()), expected.model())
    assert same(resumed.optimization, expected.optimization)
    assert resumed.history == expected.history


@pytest.mark.parametrize("stop", [2, 3, 6])
def test_between_two_steps_a_training_can_stop_and_lose_nothing(tmp_path, stop):
    """After step 3 and 6 of 6 a validation comes next, which is made up for."""
    stopped = train(checkpoint=tmp_path / "training")
    stop_at(stopped.steps(), stop)
    stopped.save_checkpoint()
    resumed, expected = train(checkpoint=tmp_path / "training"), train()
    assert same(finish(resumed.steps()), finish(expected.steps()))
    assert resumed.history == expected.history


def test_an_interrupted_training_with_dropout_goes_on_the_same_too(tmp_path):
    wanted = spec(dropout=0.5)
    expected = train(wanted=wanted)
    finish(expected.steps())
    stop_at(train(wanted=wanted, checkpoint=tmp_path / "training").steps(), 4)
    resumed = train(wanted=wanted, checkpoint=tmp_path / "training")
    finish(resumed.steps())
    assert same(resumed.optimization, expected.optimization)


def test_the_same_seed_gives_the_same_model():
    settings = QUICK.replace(iterations=3)
    one = finish(train(settings).steps())
    assert same(one, finish(train(settings).steps()))
    assert not same(one, finish(train(settings.replace(seed=1)).steps()))


def test_the_score_on_held_out_images_is_recorded():
    training = train()
    model = finish(training.steps())
    assert [entry["iteration"] for entry in training.history] == [3, 6]
    assert all(0 <= entry["score"] <= 1 for entry in training.history)
    assert model.spec.training["validation_score"] == round(max(entry["score"] for entry in training.history), 4)
    assert model.spec.training["images"] == 2
    kept = next(entry for entry in training.history if entry["iteration"] == model.spec.training["iterations"])
    assert model.spec.training["loss"] == round(kept["loss"], 4)
    assert not model.net.training


def test_without_validation_images_there_is_no_score_but_a_model():
    model = finish(Training(spec(), discs(1), [], QUICK).steps())
    assert model.spec.training["validation_score"] is None


def test_the_best_weights_are_kept_not_the_last(monkeypatch):
    training = train()
    scores = iter([0.9, 0.1])

    def scored(self, loss):
        yield from real(self, loss)
        score = next(scores)
        if score == 0.9:
            self.best.score = 2.0

    real = Training._validate
    monkeypatch.setattr(Training, "_validate", scored)
    assert finish(training.steps()).spec.training["iterations"] == 3


def test_of_equal_scores_the_later_weights_are_kept(monkeypatch):
    monkeypatch.setattr("napari_unet.models.validation.score_labels", lambda *_: 0.0)
    assert finish(train().steps()).spec.training["iterations"] == 6


def test_a_training_under_way_has_a_model_at_any_time():
    training = train()
    steps = training.steps()
    next(steps)
    model = training.model()
    assert isinstance(model, Model)
    assert model.spec.training["iterations"] == 1
    assert model.spec.training["loss"] > 0
    next(steps)
    assert not same(model, training.model())


def test_the_trained_model_is_the_one_that_its_file_holds(tmp_path):
    model = finish(train().steps())
    assert same(model.save(tmp_path / "m.safetensors"), model)


def test_training_leaves_the_network_it_starts_from_as_it_was():
    net = build_net("padded", TINY)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    next(train(net=net).steps())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_volumes_are_trained_on_too():
    wanted = ModelSpec(name="discs", architecture="padded", arguments={**TINY, "levels": 1, "dims": 3}, axes="ZYX")
    rng = np.random.default_rng(0)
    labels = np.zeros((8, 24, 24), np.int32)
    labels[2:6, 4:12, 4:12] = 1
    images = training_images_of("volume", labels + rng.random(labels.shape), labels, wanted, axes="ZYX")
    model = finish(Training(wanted, images, images, QUICK.replace(iterations=2, patch=8)).steps())
    assert model.net.dims == 3


def test_the_papers_recipe_takes_changes():
    settings = TrainingSettings.paper(iterations=7)
    assert (settings.optimization.optimizer, settings.batch, settings.iterations) == ("sgd", 1, 7)


# Images and labels


def test_every_plane_of_a_stack_is_a_training_image():
    image, labels = disc_image(0)
    planes = training_images_of("stack", np.stack([image] * 3), np.stack([labels] * 3), spec(), axes="TYX")
    assert len(planes) == 3
    assert planes[2].image.shape == (1, 64, 64)
    assert planes[2].image.min() >= 0
    np.testing.assert_array_equal(planes[2].labels > 0, labels > 0)


def test_colour_images_have_labels_without_colours():
    image, labels = disc_image(0)
    (plane,) = training_images_of("rgb", np.stack([image] * 3, axis=-1), labels, spec(), axes="YXS")
    assert plane.image.shape == (1, 64, 64)


@pytest.mark.parametrize("axes", ["XY", "XTY"])
def test_labels_turn_with_the_image_whatever_the_order_of_axes(axes):
    labels = np.zeros((16, 24) if axes == "XY" else (16, 2, 24), np.int32)
    labels[3:5] = 1
    for plane in training_images_of("turned", labels.astype(float), labels, spec(), axes=axes):
        assert plane.image[0].shape == plane.labels.shape == (24, 16)
        np.testing.assert_array_equal(plane.image[0] > 0.5, plane.labels > 0)


def test_labels_of_another_shape_are_one_sentence():
    with pytest.raises(
        UnetError, match=r"cells: the image is \(8, 9\) and its labels are \(9, 8\): they must match"
    ):
        training_images_of("cells", np.zeros((8, 9)), np.zeros((9, 8), int), spec())


def test_no_images_are_one_sentence():
    with pytest.raises(UnetError, match="there are no training images"):
        Training(spec(), [], [], QUICK)


def test_an_image_without_cells_trains_without_a_fault():
    empty = TrainingImage(name="e", image=np.zeros((1, 40, 40), np.float32), labels=np.zeros((40, 40), np.int32))
    finish(Training(spec(), [empty], [empty], QUICK.replace(iterations=2)).steps())


def test_images_smaller_than_the_patch_are_mirrored():
    small = [replace(one, image=one.image[:, :9, :5], labels=one.labels[:9, :5]) for one in discs(1)]
    finish(Training(spec("classic"), small, [], QUICK.replace(iterations=2)).steps())


@pytest.mark.parametrize("name", ["iterations", "batch", "patch", "validate_every"])
def test_nonsense_is_refused(name):
    with pytest.raises(UnetError, match=f"{name} must be a whole number of at least 1.*, got 0"):
        TrainingSettings(**{name: 0})


@pytest.mark.parametrize("seed", [-1, 2**63, 2**70])
def test_seeds_that_no_draw_takes_are_refused(seed):
    with pytest.raises(UnetError, match=rf"seed must be a whole number from 0 to \d+, got {seed}"):
        TrainingSettings(seed=seed)


@pytest.mark.parametrize(
    ("batch", "patch", "said"),
    [(1, 4, "choose batch 2, or a patch of 8 px"), (1, 7, "leaves one pixel"), (2, 3, "at least 4 px")],
)
def test_patches_too_small_for_the_levels_are_one_sentence(batch, patch, said):
    with pytest.raises(UnetError, match=said):
        train(QUICK.replace(batch=batch, patch=patch))
    for kind, enough in (("padded", (2, 4)), ("padded", (1, 8)), ("classic", (1, 1))):
        settings = QUICK.replace(iterations=1, batch=enough[0], patch=enough[1])
        finish(train(settings, spec(kind)).steps())


def test_another_meaning_of_the_labels_is_another_training(tmp_path):
    stop_at(train(checkpoint=tmp_path / "training").steps(), 4)
    other = [replace(image, labels=(image.labels > 0).astype(np.int32)) for image in discs(2)]
    with pytest.raises(UnetError, match="another training"):
        Training(spec(), other, discs(1, 50), QUICK, checkpoint=tmp_path / "training")
    with pytest.raises(UnetError, match="another training"):
        Training(spec(), discs(2), discs(1, 51), QUICK, checkpoint=tmp_path / "training")
    darker = [replace(image, image=image.image / 2) for image in discs(2)]
    with pytest.raises(UnetError, match="another training"):
        Training(spec(), darker, discs(1, 50), QUICK, checkpoint=tmp_path / "training")
    with pytest.raises(UnetError, match="another training"):
        train(net=build_net("padded", TINY), checkpoint=tmp_path / "training")
    named = replace(spec(), classes=("membrane", "object"))
    with pytest.raises(UnetError, match="another training"):
        Training(named, discs(2), discs(1, 50), QUICK, checkpoint=tmp_path / "training")


def test_stopped_twice_before_the_first_validation_keeps_what_was_learnt(tmp_path):
    settings = QUICK.replace(iterations=6, validate_every=6)
    for stop in (2, 4):
        training = train(settings, checkpoint=tmp_path / "training")
        stop_at(training.steps(), stop)
        training.save_checkpoint()
    again = train(settings, checkpoint=tmp_path / "training")
    stop_at(again.steps(), 5)
    assert same(again.model(), Model(net=again.optimization.averaged, spec=again.spec))


def test_the_recipe_for_sections_takes_what_is_asked_for():
    assert TrainingSettings.em(30).iterations == 1200
    assert TrainingSettings.em(30).validate_every == 60
    assert TrainingSettings.em(30, validate_every=10).validate_every == 10


def test_training_leaves_the_draws_of_the_process_alone():
    torch.manual_seed(5)
    finish(train(QUICK.replace(iterations=1)).steps())
    drawn = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(3))


def test_a_checkpoint_from_before_settings_had_their_present_names_goes_on(tmp_path):
    stop_at(train(checkpoint=tmp_path / "training").steps(), 4)
    with safe_open(tmp_path / "training", framework="pt") as file:
        header = file.metadata()
    tensors = {name: value.clone() for name, value in load_file(tmp_path / "training").items()}
    notes = json.loads(header["notes"])
    del notes["format"]
    notes["of"] = "a digest of the former names"
    save_file(tensors, tmp_path / "training", {**header, "notes": json.dumps(notes)})
    resumed = train(checkpoint=tmp_path / "training")
    assert resumed.optimization.iteration == 3
    assert same(finish(resumed.steps()), finish(train().steps()))


def test_an_image_without_a_chance_is_never_drawn():
    seen = set()
    training = train(chances=(0.0, 1.0))
    draw = training._centres[1].draw
    training._centres[0].draw = lambda rng: seen.add(0)
    training._centres[1].draw = lambda rng: seen.add(1) or draw(rng)
    finish(training.steps())
    assert seen == {1}
