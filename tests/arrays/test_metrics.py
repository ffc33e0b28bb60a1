"""Every score on pictures that can be checked by eye, against scikit-image, and at its limits."""

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.metrics import adapted_rand_error

from napari_unet.arrays import metrics
from napari_unet.arrays.contingency import contingency
from napari_unet.errors import UnetError
from napari_unet.evaluation import evaluate


def drawn(text):
    """Labels (Y, X) from a drawing: '.' is background, a letter is an object."""
    return np.array([[0 if c == "." else ord(c) for c in line] for line in text.split()])


# a: found, 9 of 12 pixels. b, c: touching cells, one prediction over both. d: cut in two halves. e: missed.
TRUTH = drawn("""
    aaaa........
    aaaa..bbbccc
    aaaa..bbbccc
    ......bbbccc
    ............
    dddddd......
    dddddd...ee.
    .........ee.
""")
PREDICTED = drawn("""
    aaa.........
    aaa...mmmmmm
    aaa...mmmmmm
    ......mmmmmm
    ............
    xxxyyy......
    xxxyyy......
    ............
""")

labels_of_two = st.tuples(*[arrays(np.int32, (6, 7), elements=st.integers(0, 5)) for _ in range(2)])


def test_drawn_example_has_the_scores_that_the_eye_counts():
    # IoU: a 9/12; b and m 9/18; c and m 9/18; d and x 6/12; d and y 6/12. Matches at 0.5: a, m with b or c,
    # x or y with d = 3 of 4 predictions and of 5 true objects.
    table = contingency(PREDICTED, TRUTH)
    assert (table.n_predicted, table.n_truth) == (4, 5)
    assert table.average_precision(0.5) == 3 / (3 + 1 + 2)
    assert table.average_precision(0.55) == table.average_precision(0.75) == 1 / (1 + 3 + 4)
    assert table.average_precision(0.8) == 0
    assert table.precision(0.5) == 3 / 4
    assert table.recall(0.5) == 3 / 5
    assert table.f1(0.5) == 6 / 9
    assert table.foreground_iou() == 39 / 46
    assert table.seg() == pytest.approx((9 / 12 + 1 / 2 + 1 / 2 + 0 + 0) / 5)  # x and y cover half, not more
    assert table.merges_per_100() == 20  # m covers b and c
    assert table.splits_per_100() == 20  # x and y share d


def test_iou_pairs_name_the_ids_of_the_labels():
    predicted, truth, iou = metrics.iou_pairs(PREDICTED, TRUTH)
    found = {(chr(p), chr(t)): value for p, t, value in zip(predicted, truth, iou, strict=True)}
    assert found == {("a", "a"): 0.75, ("m", "b"): 0.5, ("m", "c"): 0.5, ("x", "d"): 0.5, ("y", "d"): 0.5}


def test_contingency_counts_every_pixel_once():
    table = contingency(PREDICTED, TRUTH)
    assert table.counts.sum() == TRUTH.size
    assert table.counts[0, 0] == np.sum((PREDICTED == 0) & (TRUTH == 0))
    assert table.counts[1, 1] == 9


def test_functions_of_labels_equal_the_methods_of_their_table():
    table = contingency(PREDICTED, TRUTH)
    for name in ("average_precision", "f1", "precision", "recall"):
        assert getattr(metrics, name)(PREDICTED, TRUTH, 0.75) == getattr(table, name)(0.75)
    for name in ("foreground_iou", "seg", "v_rand"):
        assert getattr(metrics, name)(PREDICTED, TRUTH) == getattr(table, name)()


def test_perfect_prediction_scores_one_and_has_no_merge_or_split():
    scores = evaluate(TRUTH, TRUTH)
    assert set(scores.average_precision.values()) == {1.0}
    figures = scores.as_dict()
    assert figures.pop("n_predicted") == figures.pop("n_truth") == 5
    assert figures.pop("merges_per_100") == figures.pop("splits_per_100") == 0
    assert set(figures.values()) == {1.0}
    assert contingency(TRUTH, TRUTH).v_info() == pytest.approx(1)


def test_objects_near_several_others_are_matched_as_often_as_possible():
    # IoU: 5 with 1 is 1/2, 5 with 2 is 1/4, 6 with 2 is 2/3.
    table = contingency(np.array([5, 5, 6, 6]), np.array([1, 2, 2, 2]))
    assert table.matches(0.5) == 2
    assert table.matches(0.25) == 2  # 5 must take 1, although 2 is near enough too
    # IoU: 7 with 1 and 7 with 2 are 1/2, 8 with 2 is 1/4.
    table = contingency(np.array([7, 7, 7, 7, 8]), np.array([1, 1, 2, 2, 2]))
    assert table.matches(0.2) == 2


@pytest.mark.parametrize("flip", [False, True])
def test_two_halves_of_an_object_are_one_match_at_one_half(flip):
    whole, halves = np.ones((4, 4), int), np.repeat([[1, 1, 2, 2]], 4, axis=0)
    predicted, truth = (whole, halves) if flip else (halves, whole)
    assert metrics.average_precision(predicted, truth, 0.5) == 1 / 2
    assert metrics.average_precision(predicted, truth, 0.55) == 0


@pytest.mark.parametrize("pixels", range(10, 20))
def test_iou_of_exactly_the_threshold_is_a_match(pixels):
    truth = np.ones(20, int)
    predicted = (np.arange(20) < pixels).astype(int)
    matched = [evaluate(predicted, truth).average_precision[t] for t in metrics.THRESHOLDS]
    assert sum(matched) == pixels - 9


@given(labels_of_two)
def test_matches_are_the_most_that_any_choice_of_pairs_gives(labels):
    predicted, truth = labels
    p, t, iou = metrics.iou_pairs(predicted, truth)
    edges = [(a, b) for a, b, value in zip(p, t, iou, strict=True) if value >= 0.2]

    def most(edges):
        if not edges:
            return 0
        (a, b), rest = edges[0], edges[1:]
        return max(most(rest), 1 + most([(c, d) for c, d in rest if c != a and d != b]))

    assert contingency(predicted, truth).matches(0.2) == most(edges)


@given(labels_of_two)
def test_v_rand_is_one_minus_the_adapted_rand_error_of_scikit_image(labels):
    predicted, truth = labels
    with np.errstate(invalid="ignore", divide="ignore"):
        error = adapted_rand_error(truth, predicted)[0] if truth.any() else np.nan
    if np.isfinite(error):
        assert metrics.v_rand(predicted, truth) == pytest.approx(1 - error)


def test_v_rand_takes_predicted_background_as_one_segment():
    truth = np.array([1, 1, 1, 1, 0, 0])
    assert metrics.v_rand(np.array([0, 0, 0, 0, 5, 5]), truth) == 1.0
    # 2 + 2 ordered pairs in both, of 4 in the prediction and 12 in the truth
    assert metrics.v_rand(np.array([0, 0, 3, 3, 0, 0]), truth) == 4 / ((4 + 12) / 2)


def test_v_info_tells_half_of_a_cut_object_pair():
    truth, predicted = np.array([1, 1, 2, 2]), np.array([1, 2, 3, 4])
    assert contingency(predicted, truth).v_info() == pytest.approx(1 / ((2 + 1) / 2))  # bits
    assert contingency(np.ones(4, int), truth).v_info() == 0
    assert contingency(np.ones(4, int), np.ones(4, int)).v_info() == 1


def test_one_prediction_over_three_objects_is_two_merges():
    truth, predicted = np.repeat([1, 2, 3, 4], 4), np.repeat([9, 8], [12, 4])
    assert contingency(predicted, truth).merges_per_100() == 50
    assert contingency(predicted, truth).splits_per_100() == 0


def test_object_cut_in_three_is_two_splits_and_no_merge():
    truth, predicted = np.ones(12, int), np.repeat([1, 2, 3], 4)
    assert contingency(predicted, truth).splits_per_100() == 200
    assert contingency(predicted, truth).merges_per_100() == 0


def test_crumb_of_a_tenth_and_neighbour_that_spills_over_are_no_splits():
    truth = np.repeat([1, 2], [20, 40])
    assert contingency(np.repeat([1, 9, 2], [18, 2, 40]), truth).splits_per_100() == 0  # crumb 9
    assert contingency(np.repeat([1, 9, 2], [17, 3, 40]), truth).splits_per_100() == 50
    assert contingency(np.repeat([1, 2], [12, 48]), truth).splits_per_100() == 0  # 2 spills over


@given(labels_of_two, st.lists(st.integers(1, 2**64 - 1), min_size=10, max_size=10, unique=True))
def test_scores_do_not_depend_on_the_ids(labels, ids):
    new_ids = np.array([[0, *ids[:5]], [0, *ids[5:]]], dtype=np.uint64)
    renamed = [new[old] for new, old in zip(new_ids, labels, strict=True)]
    assert evaluate(*renamed).as_dict() == pytest.approx(evaluate(*labels).as_dict())


def test_huge_sparse_ids_in_labels_without_background_need_little_memory():
    ids = np.arange(1, 20_001, dtype=np.uint64) * 2**49
    scores = evaluate(np.repeat(ids, 2), np.repeat(ids[::-1], 2))
    assert (scores.n_predicted, scores.n_truth) == (20_000, 20_000)
    assert scores.mean_average_precision == 1.0


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int32, np.int64, np.uint64])
def test_labels_of_any_integer_type_score_alike(dtype):
    assert evaluate(PREDICTED.astype(dtype), TRUTH.astype(dtype)) == evaluate(PREDICTED, TRUTH)


def test_dimensions_are_data():
    stack = [np.stack([labels, labels]) for labels in (PREDICTED, TRUTH)]
    line = [labels.ravel() for labels in (PREDICTED, TRUTH)]
    for predicted, truth in (stack, line):
        assert metrics.average_precision(predicted, truth) == 1 / 2


def test_two_empty_images_agree_fully():
    empty = np.zeros((4, 4), np.uint16)
    figures = evaluate(empty, empty).as_dict()
    counted = ("merges_per_100", "splits_per_100", "n_predicted", "n_truth")
    assert all(value == (0 if name in counted else 1) for name, value in figures.items())
    assert contingency(empty, empty).v_info() == 1
    assert metrics.average_precision(np.zeros((0, 3), int), np.zeros((0, 3), int)) == 1


def test_empty_image_agrees_not_at_all_with_one_that_has_objects():
    empty = np.zeros_like(TRUTH)
    missed, invented = evaluate(empty, TRUTH).as_dict(), evaluate(TRUTH, empty).as_dict()
    assert missed.pop("V_Rand") > 0  # predicted background is one segment
    for figures in (missed, invented):
        assert (figures.pop("n_predicted"), figures.pop("n_truth")) in ((0, 5), (5, 0))
        assert set(figures.values()) == {0.0}
    assert contingency(TRUTH, empty).v_info() == 0


def test_objects_of_one_pixel_leave_no_pair_to_judge():
    assert metrics.v_rand(np.array([1, 2, 0]), np.array([1, 2, 0])) == 1


def test_scores_have_flat_stable_names_and_survive_json():
    figures = evaluate(PREDICTED, TRUTH).as_dict()
    assert list(figures) == [
        *(f"AP@0.{hundredths}" for hundredths in range(50, 100, 5)),
        *("mean_AP", "F1@0.50", "precision@0.50", "recall@0.50", "IoU", "SEG", "V_Rand", "V_Info"),
        *("merges_per_100", "splits_per_100", "n_predicted", "n_truth"),
    ]
    assert json.loads(json.dumps(figures)) == figures
    assert {type(value) for value in figures.values()} == {float, int}


@pytest.mark.parametrize(
    ("predicted", "truth", "sentence"),
    [
        (np.zeros((3, 4), int), np.zeros((4, 3), int), r"same shape, got \(3, 4\) and \(4, 3\): give"),
        (np.full(3, 0.5), np.zeros(3, int), "predicted labels must be integers, got float64: give"),
        (np.zeros(3, int), np.zeros(3, bool), "true labels must be integers, got bool: give"),
        (np.array([1, -2]), np.array([1, 2]), "predicted labels must not be negative, got -2: use 0"),
    ],
)
def test_wrong_labels_are_refused_in_one_sentence(predicted, truth, sentence):
    with pytest.raises(UnetError, match=sentence):
        evaluate(predicted, truth)


@pytest.mark.parametrize("threshold", [0, -0.5, 1.1, float("nan")])
def test_threshold_outside_of_zero_to_one_is_refused(threshold):
    with pytest.raises(UnetError, match="threshold must be above 0 and at most 1, got"):
        metrics.average_precision(TRUTH, TRUTH, threshold)


@pytest.mark.parametrize("scale", [1, 10**7])
def test_counting_part_by_part_is_counting_at_once(monkeypatch, scale):
    rng = np.random.default_rng(0)
    predicted, truth = scale * rng.integers(0, 9, (50, 60)), scale * rng.integers(0, 7, (50, 60))
    whole = contingency(predicted, truth).counts.toarray()
    monkeypatch.setattr("napari_unet.arrays.contingency.AT_ONCE", 77)
    np.testing.assert_array_equal(contingency(predicted, truth).counts.toarray(), whole)
    expected = [[((predicted == scale * i) & (truth == scale * j)).sum() for j in range(7)] for i in range(9)]
    np.testing.assert_array_equal(whole, expected)


@pytest.mark.parametrize("scale", [1, 10**4])
def test_counting_takes_little_memory_beside_large_labels(scale):
    labels = scale * np.arange(1, 101, dtype=np.int32).repeat(160_000).reshape(4000, 4000)
    tracemalloc.start()
    contingency(labels, labels[::-1].copy())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak / labels.size < 12
