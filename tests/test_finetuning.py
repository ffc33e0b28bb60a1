"""Learning from strokes: what must be learnt, and what must not be touched."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.arrays.annotations import corrected, painted
from napari_unet.arrays.axes import planes
from napari_unet.arrays.intensities import measure_intensity
from napari_unet.arrays.normalization import Normalization
from napari_unet.arrays.strokes import hold_out
from napari_unet.errors import UnetError
from napari_unet.finetuning import fine_tune, fine_tune_steps
from napari_unet.models.library import entries, load_model
from napari_unet.models.model import Model
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.architectures import build_net
from napari_unet.nets.augmentation import AugmentationSettings
from napari_unet.nets.loss import anchor_loss, weighted_cross_entropy
from napari_unet.nets.optimization import OptimizationSettings, mix_weights
from napari_unet.progress import finish
from napari_unet.segmentation import segment
from napari_unet.teaching.learning import Companion, FineTuned, Learning
from napari_unet.teaching.lessons import Lesson, painted_planes, prepare_lessons, replay_lessons, upright
from napari_unet.teaching.marks import FIRMEST, firmness, score_lessons
from napari_unet.teaching.settings import FineTuningSettings
from napari_unet.teaching.views import Views

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


@pytest.fixture
def model():
    torch.manual_seed(0)
    arguments = {"base_channels": 4, "levels": 2}
    return Model(
        net=build_net("padded", arguments).eval(),
        spec=ModelSpec(name="fresh", architecture="padded", arguments=arguments),
        sha256="abc",
    )


def test_a_model_learns_from_strokes_alone(model):
    image, truth = image_and_truth()
    result = finish(
        fine_tune_steps(model, [(image, strokes(truth))], settings=replace(QUICK, iterations=150, anchor=0))
    )
    assert result.held_out
    assert result.improved
    assert "better" in result.sentence()
    other, other_truth = image_and_truth(1)
    found = segment(other, result.model) > 0
    assert (found & (other_truth > 0)).sum() / (found | (other_truth > 0)).sum() > 0.6


def test_until_the_first_score_that_of_the_old_model_counts(bright_model):
    image, truth = image_and_truth()
    steps = fine_tune_steps(bright_model, [(image, strokes(truth))], settings=replace(QUICK, score_every=20))
    scores = [step.figures["score"] for step in steps if "score" in step.figures]
    assert len(set(scores[:8])) == 1


def test_the_given_model_is_left_as_it_was(model):
    before = {name: value.clone() for name, value in model.net.state_dict().items()}
    image, truth = image_and_truth()
    fine_tune(model, [(image, strokes(truth))], settings=replace(QUICK, iterations=5))
    for name, value in model.net.state_dict().items():
        torch.testing.assert_close(value, before[name])


def test_batch_norm_statistics_stay_frozen(model):
    image, truth = image_and_truth()
    result = finish(fine_tune_steps(model, [(image, strokes(truth))], settings=replace(QUICK, iterations=5)))
    for (name, old), new in zip(model.net.named_buffers(), result.model.net.buffers(), strict=True):
        torch.testing.assert_close(old, new, msg=name)


def test_the_same_seed_gives_the_same_weights_on_the_cpu(model):
    image, truth = image_and_truth()
    first, second = (
        finish(fine_tune_steps(model, [(image, strokes(truth))], settings=replace(QUICK, iterations=10))).model.net
        for _ in range(2)
    )
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)


def planes_of(model, pairs):
    return finish(painted_planes(model.spec, pairs, axes=None, channel=None))


def lessons_of(model, pairs, settings):
    return finish(prepare_lessons(model, planes_of(model, pairs), settings))


def views_of(model, annotation, settings=QUICK):
    image, _ = image_and_truth()
    lessons = lessons_of(model, [(image, annotation)], settings)
    return lessons, Views(lessons, [], model, settings)


def test_a_long_stack_is_read_sparsely_and_seen_as_segmentation_sees_it(model):
    stack = np.random.default_rng(0).random((150, 32, 32)) * np.arange(1, 151)[:, None, None]
    layer = np.zeros(stack.shape, np.int32)
    layer[70, 4:9, 4:9], layer[70, 20:25, 4:9] = 1, 2
    counted = Counted(stack)
    [plane] = finish(painted_planes(model.spec, [(counted, painted(layer))], axes="ZYX", channel=None))
    assert plane.place[0] == 70
    assert len(counted.read) <= 64
    whole = list(planes(stack, "ZYX", spatial="YX", channels=1))
    assert plane.plane.intensity == finish(measure_intensity(whole, model.spec.normalization))


class Counted:
    """A lazy array that remembers which planes were asked for."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.read = array, array.shape, array.dtype, set()

    def __getitem__(self, key):
        self.read.add(key[0])
        return self.array[key]


def test_unannotated_pixels_get_no_gradient_from_labels_and_held_out_ones_none_at_all(model):
    _, truth = image_and_truth()
    lessons, views = views_of(
        model, painted(strokes(truth)), replace(QUICK, augmentation=AugmentationSettings.none())
    )
    batch = views.batch(0, 8, torch.device("cpu"))
    logits = torch.randn(batch.previous.shape, requires_grad=True)
    weighted_cross_entropy(logits, batch.classes, batch.weights).backward()
    assert (logits.grad.abs().sum(1)[batch.weights == 0] == 0).all()
    assert (logits.grad.abs().sum(1)[batch.weights > 0] > 0).all()
    logits.grad = None
    anchor_loss(logits, batch.previous, batch.anchored).backward()
    assert (logits.grad.abs().sum(1)[batch.anchored == 0] == 0).all()
    assert not (batch.anchored * batch.weights).any()
    assert not (batch.blank * batch.weights).any()
    assert (batch.blank >= batch.anchored).all()
    neither = (batch.blank == 0) & (batch.weights == 0)
    assert bool(neither.any()) == bool(lessons[0].held_out.held)


def test_held_out_strokes_never_enter_training(model):
    _, truth = image_and_truth()
    lessons, views = views_of(
        model, painted(strokes(truth)), replace(QUICK, augmentation=AugmentationSettings.none())
    )
    material = views._lessons[0]
    assert not (material.said[1].numpy() > 0)[lessons[0].held_out.mask].any()
    assert not (material.said[2].numpy() > 0)[lessons[0].held_out.mask].any()


def test_a_right_model_stays_right_away_from_one_wrong_stroke(bright_model):
    bright = bright_model
    image, truth = image_and_truth()
    image = 220 - image  # bright discs, as the model knows them
    layer = np.zeros(truth.shape, np.int32)
    layer[18:23, 14:27] = 1  # wrong: a cell called background
    layer[56:64, 26:35] = 2
    settings = replace(QUICK, iterations=40, held_out=0.0)
    taught = finish(fine_tune_steps(bright, [(image, layer)], settings=settings)).model
    found = segment(image, taught) > 0
    elsewhere = np.ones(truth.shape, bool)
    elsewhere[5:36, 5:36] = False
    right = (found == (truth > 0))[elsewhere]
    assert right.mean() > 0.97


def test_two_touching_painted_cells_get_a_ridge(model):
    layer = np.zeros((96, 96), np.int32)
    layer[30:60, 20:45], layer[30:60, 45:70] = 2, 3
    layer[20:25, 10:80] = 1
    settings = replace(QUICK, augmentation=AugmentationSettings.none(), held_out=0.0, patch=64)
    _, views = views_of(model, painted(layer), settings)
    for index in range(20):
        batch = views.batch(index, 1, torch.device("cpu"))
        classes, weights = batch.classes[0].numpy(), batch.weights[0].numpy()
        if (classes[weights > 0] == 1).sum() > 900:
            break
    from scipy import ndimage

    assert ndimage.label(classes * (weights > 0), structure=np.ones((3, 3)))[1] >= 2


def test_when_nothing_was_gained_the_old_model_is_returned(bright_model):
    image, truth = image_and_truth()
    layer = strokes(truth)
    bright_image = 220 - image
    settings = replace(QUICK, iterations=1, optimization=replace(QUICK.optimization, learning_rate=1e-9))
    assert fine_tune(bright_model, [(bright_image, layer)], settings=settings) is bright_model


def test_lineage_and_figures_are_in_the_model(model, tmp_path):
    image, truth = image_and_truth()
    result = finish(fine_tune_steps(model, [(image, strokes(truth))], settings=replace(QUICK, iterations=10)))
    saved = result.model.save(tmp_path / "mine.safetensors")
    assert saved.spec.parent == "abc"
    learnt = saved.spec.training["fine_tuning"]
    assert learnt["annotated_pixels"] == painted(strokes(truth)).pixels
    assert learnt["score_before"] == pytest.approx(result.before, abs=1e-4)


def test_few_strokes_are_said_to_be_too_few(model):
    layer = np.zeros((96, 96), np.int32)
    layer[18:23, 14:27], layer[40:43, 5:60] = 2, 1
    image, _ = image_and_truth()
    result = finish(fine_tune_steps(model, [(image, layer)], settings=replace(QUICK, iterations=2)))
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
        result = finish(fine_tune_steps(other, [(image, strokes(truth))], settings=replace(QUICK, iterations=3)))
        assert np.isfinite(result.after)


def test_stacks_learn_from_the_planes_that_were_painted(model):
    image, truth = image_and_truth()
    stack, layer = np.stack([image] * 3), np.zeros((3, 96, 96), np.int32)
    layer[1] = strokes(truth)
    result = finish(fine_tune_steps(model, [(stack, layer)], axes="ZYX", settings=replace(QUICK, iterations=3)))
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


def test_memory_that_runs_out_halves_the_batch_and_goes_on(model, monkeypatch):
    from napari_unet.nets.optimization import Optimization

    step, sizes = Optimization.step, []

    def short_of_memory(self, images, loss_of):
        sizes.append(len(images))
        if len(images) > 1:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return step(self, images, loss_of)

    monkeypatch.setattr(Optimization, "step", short_of_memory)
    image, truth = image_and_truth()
    finish(fine_tune_steps(model, [(image, strokes(truth))], settings=replace(QUICK, iterations=3, batch=4)))
    assert sizes[:3] == [4, 2, 1]


def test_a_loss_that_is_no_number_stops_and_keeps_the_best(model):
    image, truth = image_and_truth()
    wild = replace(QUICK.optimization, learning_rate=1e30, optimizer="sgd", warmup=0)
    settings = replace(QUICK, iterations=50, score_every=1, optimization=wild)
    result = finish(fine_tune_steps(model, [(image, strokes(truth))], settings=settings))
    assert "Stopped early" in result.remark


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
    settings = replace(QUICK, iterations=150, anchor=0)
    result = finish(fine_tune_steps(bordered, [(image, layer)], settings=settings))
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
    settings = replace(QUICK, iterations=300, anchor=0)
    result = finish(fine_tune_steps(semantic, [(image, layer), (image.T, layer.T)], settings=settings))
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
        fine_tune_steps(bright_model, [(image, corrected(before, truth))], settings=replace(QUICK, iterations=3))
    )
    assert result.iterations == 3


def test_one_id_in_two_far_places_counts_as_two_objects():
    layer = np.zeros((200, 200), int)
    layer[5:15, 5:15], layer[180:190, 180:190], layer[100] = 2, 2, 1
    assert painted(layer).labels.max() == 2


def test_what_is_visible_may_be_accepted_as_right():
    prediction = np.zeros((40, 40), int)
    prediction[5:10, 5:10], prediction[20:25, 20:25] = 1, 2
    layer = prediction.copy()
    layer[5:10, 5:10] = 0
    said = corrected(prediction, layer, right=(slice(0, 30), slice(0, 40)))
    assert said.annotated[:30].all()
    assert not said.annotated[30:].any()
    assert (said.labels > 0).sum() == 25


def lessons_where(answer, truth, sure=1.0):
    """Return lessons on strokes over a previous model that answers so (True: object), with this probability."""
    said = painted(strokes(truth))
    held = hold_out(said, np.random.default_rng(0), share=0.2)
    high, low = round(255 * sure), round(255 * (1 - sure))
    previous = np.stack([np.where(answer, low, high), np.where(answer, high, low)]).astype(np.uint8)
    image = np.zeros((1, *truth.shape), np.float32)
    return [Lesson(name="one", image=image, annotation=said, held_out=held, previous=previous)]


def test_a_model_is_held_on_to_as_far_as_it_was_right_on_the_strokes(model):
    _, truth = image_and_truth()
    blind = lessons_where(np.zeros(truth.shape, bool), truth)
    half = truth > 0
    half[: truth.shape[0] // 2] = False
    nothing = firmness(blind, model.spec)
    between = firmness(lessons_where(half, truth, sure=0.6), model.spec)
    right = firmness(lessons_where(truth > 0, truth, sure=0.6), model.spec)
    assert 1 / blind[0].held_out.count <= nothing < 0.5 < between < right
    assert right == FIRMEST


def test_a_model_that_is_sure_of_its_objects_is_held_on_to_even_where_it_is_corrected(model):
    _, truth = image_and_truth()
    half = truth > 0
    half[: truth.shape[0] // 2] = False
    unsure, sure = (firmness(lessons_where(half, truth, sure=p), model.spec) for p in (0.6, 0.95))
    assert unsure < 0.5 * sure


def test_without_strokes_a_model_is_held_on_to(model):
    assert firmness([], model.spec) == FIRMEST


def test_a_firm_anchor_asks_the_previous_model_about_the_view_itself():
    """What it said of the image would come stretched with the view, and pull a model away from what it knows."""
    shipped = load_model("nuclei")
    image, truth = image_and_truth()
    warped = AugmentationSettings(
        scale=(0.5, 2), elastic=5, gamma=(1, 1), contrast=(1, 1), noise=0, blur=0, offset=0
    )
    settings = replace(QUICK, anchor=FIRMEST, augmentation=warped, replay=0.0)
    given = [(255 - image, painted(strokes(truth)))]
    lessons = finish(
        prepare_lessons(shipped, finish(painted_planes(shipped.spec, given, axes=None, channel=None)), settings)
    )
    learning = Learning(shipped, lessons, settings, Companion(), before=0.0)
    views = Views(lessons, [], shipped, settings).batch(0, 4, torch.device("cpu"))
    answer = torch.softmax(shipped.net.eval()(views.images), 1)
    torch.testing.assert_close(learning.expected(views), answer, atol=1e-4, rtol=0)
    assert (views.previous - answer).abs().max() > 0.1


def test_rare_objects_outweigh_background_in_the_anchor(model):
    image, truth = image_and_truth()
    small = np.zeros(truth.shape, bool)
    small[40:48, 40:48] = True
    [lesson] = lessons_where(small, truth)
    lesson = replace(lesson, image=image[None])
    settings = replace(QUICK, anchor=1.0, elsewhere=0.99, augmentation=AugmentationSettings.none(), patch=64)
    views = Views([lesson], [], model, settings)
    batch = views.batch(0, 8, torch.device("cpu"))
    held = batch.anchored > 0
    weights = batch.anchored[held], (1 - batch.previous[:, 0])[held]
    torch.testing.assert_close(weights[0], 1 + 4 * weights[1])


@pytest.mark.parametrize("name", [entry.name for entry in entries() if entry.shipped])
def test_replay_is_held_to_the_shipped_model_however_often_it_was_taught(name):
    shipped = load_model(name)
    taught = replace(shipped, net=build_net(shipped.spec.architecture, shipped.spec.arguments))
    replay = replay_lessons(taught)
    assert len(replay) == 24
    for lesson in replay[:3]:
        with torch.inference_mode():
            answer = torch.softmax(shipped.net(torch.from_numpy(lesson.image)[None]), 1)[0]
        assert np.abs(lesson.previous / 255 - answer.numpy()).max() < 0.02


def test_replay_of_other_classes_is_of_no_use():
    shipped = load_model("nuclei")
    assert replay_lessons(replace(shipped, spec=replace(shipped.spec, classes=("background", "cell")))) == []


def test_replayed_views_teach_no_strokes_and_are_anchored_everywhere():
    model = load_model("nuclei")
    image = np.random.default_rng(0).random((200, 200)).astype(np.float32)
    annotation = np.zeros((200, 200), np.int32)
    annotation[20:40, 20:60], annotation[100:120, 30:80] = 1, 2
    settings = FineTuningSettings(replay=0.5, held_out=0)
    lessons = lessons_of(model, [(image, painted(annotation))], settings)
    batch = Views(lessons, replay_lessons(model), model, settings).batch(0, 4, torch.device("cpu"))
    assert batch.replayed.tolist() == [True, True, False, False]
    assert not batch.weights[:2].any()
    assert batch.anchored[:2].all()
    torch.testing.assert_close(batch.previous[:2].sum(1), torch.ones_like(batch.weights[:2]), atol=0.02, rtol=0)
    assert batch.weights[2:].any()


def test_images_are_no_longer_turned_over_where_that_makes_painted_objects_dark(bright_model):
    spec = bright_model.spec
    turning = replace(bright_model, spec=replace(spec, normalization=Normalization(bright_objects=True)))
    image = np.full((90, 120), 200.0) + np.random.default_rng(0).normal(0, 3, (90, 120))
    image[::30], image[:, ::30] = 20, 20  # dark membranes on a bright ground
    inside, membrane = np.zeros(image.shape, np.int32), np.zeros(image.shape, np.int32)
    inside[5:20, 5:20], inside[30, 5:100] = 2, 1
    membrane[30, 5:100], membrane[5:20, 5:20] = 2, 1
    for layer, turned in ((inside, False), (membrane, True)):
        chosen = upright(turning, planes_of(turning, [(image, painted(layer))]))
        assert chosen.spec.normalization.bright_objects is turned
    dark_ground = upright(turning, planes_of(turning, [(220 - image, painted(membrane))]))
    assert dark_ground is turning
    result = finish(fine_tune_steps(turning, [(image, inside)], settings=QUICK))
    assert not result.model.spec.normalization.bright_objects
    assert result.model.spec.parent == turning.sha256 or turning.sha256 == ""


@given(st.floats(0, 1))
def test_mixed_weights_lie_between_the_new_and_the_old(share):
    torch.manual_seed(0)
    new, old = (build_net("padded", {"base_channels": 2, "levels": 1}) for _ in range(2))
    fresh = {name: value.clone() for name, value in new.state_dict().items()}
    mix_weights(new, old, share)
    for name, value in new.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(value, torch.lerp(fresh[name], old.state_dict()[name], share))


def test_a_model_that_learnt_before_keeps_a_share_of_its_weights_and_a_new_one_none(bright_model):
    image, truth = image_and_truth()
    settings = replace(QUICK, iterations=10, held_out=0.0)
    for training, share in (({"data": "discs"}, 0.25), ({}, 0.0)):
        model = replace(bright_model, spec=replace(bright_model.spec, training=training))
        ends = {}
        for kept in (0.0, 0.25):
            learnt = replace(settings, old_share=kept)
            result = finish(fine_tune_steps(model, [(image, painted(strokes(truth)))], settings=learnt))
            ends[kept] = torch.cat([value.flatten().float() for value in result.model.net.state_dict().values()])
        before = torch.cat([value.flatten().float() for value in model.net.state_dict().values()])
        way = float((ends[0.25] - before).norm() / (ends[0.0] - before).norm())
        assert way == pytest.approx(1 - share, abs=0.05)  # weights are stored in 16 bit


@pytest.mark.parametrize(
    ("everything", "better"), [((0.30, 0.86), True), ((0.86, 0.86), False), ((0.9, 0.5), False)]
)
def test_where_few_held_out_strokes_cannot_tell_all_that_was_painted_does(bright_model, everything, better):
    tuned = FineTuned(
        model=bright_model, before=0.25, after=0.21, held_out=True, pixels=300, strokes=2, iterations=9, seconds=1,
        painted=everything,
    )  # fmt: skip
    assert tuned.improved is better
    assert "0.25 before, 0.21 after; too close to tell" in tuned.sentence()
    assert f"{everything[0]:.2f} before, {everything[1]:.2f} after" in tuned.sentence()
    assert ("the old model stays" in tuned.sentence()) is not better


def test_a_clear_loss_on_held_out_strokes_is_no_gain_whatever_was_learnt_by_heart(bright_model):
    image, truth = image_and_truth()
    image = 220 - image  # the model is right about every stroke
    wrong = strokes(truth)
    said = painted(np.where(wrong > 1, 1, np.where(wrong == 1, 2, 0)))  # and is taught the opposite
    held = replace(QUICK, held_out=0.3, iterations=60, anchor=0)
    lessons = lessons_of(bright_model, [(image, said)], held)
    truthful = [
        replace(one, annotation=replace(one.annotation, labels=np.where(
            one.held_out.mask, truth[one.place] > 0, one.annotation.labels
        ).astype(np.int32), complete=np.zeros(99, bool)))
        for one in lessons
    ]  # fmt: skip
    before = score_lessons(bright_model, truthful, "cpu")
    learning = Learning(bright_model, truthful, held, Companion(), before=before)
    finish(learning.steps())
    result = learning.result()
    assert result.after < before - 0.1
    assert result.painted is None
    assert not result.improved
    assert "not better" in result.sentence()


@pytest.mark.parametrize(
    ("image", "said"), [(np.zeros((9, 9), complex), "real numbers"), (np.zeros((0, 9)), "is empty")]
)
def test_what_is_no_image_is_refused_as_segment_does(model, image, said):
    with pytest.raises(UnetError, match=said):
        fine_tune(model, [(image, np.ones(image.shape, np.uint8))])


def test_lists_are_images_too(model):
    image, truth = image_and_truth()
    settings = replace(QUICK, iterations=2)
    assert isinstance(fine_tune(model, [(image.tolist(), strokes(truth))], settings=settings), Model)
