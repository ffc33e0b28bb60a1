"""The ridge and the weight map: a drawing, a slow reference that is plainly right, the papers' formulas."""

import numpy as np
import pytest
from scipy import ndimage

from napari_unet.arrays.boundary_weights import boundary_weights, carve, dense_labels, weight_map
from napari_unet.arrays.neighbours import ridge
from napari_unet.errors import UnetError
from napari_unet.settings.weights import WeightSettings
from tests.conftest import drawn

ABUTTING = drawn("""
    .........
    .1111222.
    .1111222.
    .1111222.
    .........
""")


def distances(labels, spacing=None):
    """Distance to every instance, nearest first: one transform a cell, float64, everywhere."""
    cells = [ndimage.distance_transform_edt(labels != i, sampling=spacing) for i in np.unique(labels[labels > 0])]
    return np.sort(np.stack(cells), axis=0)


def reference(labels, w0=10, sigma=5, spacing=None):
    if len(np.unique(labels[labels > 0])) < 2:
        return np.zeros(labels.shape)
    d1, d2 = distances(labels, spacing)[:2]
    return w0 * np.exp(-((d1 + d2) ** 2) / (2 * sigma**2))


def honeycomb(shape, count, seed=0, gap=0.05):
    """`count` cells that touch: nearest of random seeds, with some background punched between them."""
    rng = np.random.default_rng(seed)
    seeds = np.zeros(shape, bool)
    seeds.ravel()[rng.choice(seeds.size, count, replace=False)] = True
    places = ndimage.distance_transform_edt(~seeds, return_distances=False, return_indices=True)
    labels = (np.cumsum(seeds.ravel()).reshape(shape) * seeds)[tuple(places)]
    blots = ndimage.gaussian_filter(rng.normal(size=shape), 3)
    return np.where((blots > np.quantile(blots, 1 - gap * 8)) & ~seeds, 0, labels).astype(np.int32)


@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_windowed_weights_equal_one_distance_transform_per_cell(count):
    labels = honeycomb((110, 90), count) if count else np.zeros((110, 90), np.int32)
    assert len(np.unique(labels[labels > 0])) == count
    np.testing.assert_allclose(boundary_weights(labels), reference(labels), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("w0", "sigma"), [(10, 5), (50, 6), (3, 1.5), (1e-7, 5)])
def test_weights_equal_the_formula_for_other_heights_and_widths(touching_cells, w0, sigma):
    expected = reference(touching_cells, w0, sigma)
    np.testing.assert_allclose(boundary_weights(touching_cells, w0, sigma), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("axis", [0, 1])
def test_fine_pixels_reach_farther_than_coarse_ones(axis):
    """Along an axis of small pixels the border term spans many of them: here 10, at a width of one unit."""
    labels = np.zeros((60, 60), np.int32)
    place = [slice(28, 32), slice(28, 32)]
    for number, start in ((1, 20), (2, 34)):  # 10 px of 0.5 units lie between them
        place[axis] = slice(start, start + 4)
        labels[tuple(place)] = number
    spacing = [4.0, 4.0]
    spacing[axis] = 0.5
    found = boundary_weights(labels, sigma=1.2, spacing=spacing)
    np.testing.assert_allclose(found, reference(labels, sigma=1.2, spacing=spacing), atol=1e-6, rtol=0)
    place[axis] = slice(24, 34)
    assert found[tuple(place)].min() > 1e-4


def test_weights_in_anisotropic_volumes_use_the_pixel_size():
    labels = honeycomb((14, 30, 26), 12)
    spacing = (3.0, 0.5, 0.8)
    expected = reference(labels, spacing=spacing)
    np.testing.assert_allclose(boundary_weights(labels, spacing=spacing), expected, atol=1e-5, rtol=0)
    assert np.abs(boundary_weights(labels) - expected).max() > 0.1


@pytest.mark.parametrize("dtype", [np.uint32, np.int64, np.uint64])
def test_huge_and_sparse_ids_weigh_as_small_ones(touching_cells, dtype):
    huge = np.array([0, 7, 10**9, 2 * 10**9, 3, 12345], dtype)[touching_cells]
    np.testing.assert_array_equal(boundary_weights(huge), boundary_weights(touching_cells))
    np.testing.assert_array_equal(weight_map(huge), weight_map(touching_cells))


def test_ids_beyond_32_bit_are_instances_too(touching_cells):
    beyond = touching_cells.astype(np.int64) * 2**31
    np.testing.assert_array_equal(weight_map(beyond), weight_map(touching_cells))
    np.testing.assert_array_equal(carve(beyond) > 0, carve(touching_cells) > 0)


def test_the_ridge_between_abutting_instances_weighs_9_80():
    on_ridge = boundary_weights(ABUTTING)[ridge(ABUTTING)]
    np.testing.assert_allclose(on_ridge, 10 * np.exp(-1 / 50), rtol=1e-6)
    assert round(float(on_ridge[0]), 2) == 9.80


@pytest.mark.parametrize("labels", [np.zeros((9, 9), int), np.eye(9, dtype=int)])
def test_fewer_than_two_instances_have_no_border_term(labels):
    assert not boundary_weights(labels).any()


def test_weights_peak_between_touching_cells(touching_cells):
    weights = boundary_weights(touching_cells)
    assert ridge(touching_cells)[weights == weights.max()].all()
    assert weights[3, 4] == weights[3, 5] == weights.max()  # 1|2
    assert weights[0, 0] < weights[2, 1] < weights[2, 3] < weights[2, 4]


def test_the_ridge_is_where_two_instances_share_a_neighbourhood():
    assert (ridge(ABUTTING) == (drawn("""
        .........
        ....11...
        ....11...
        ....11...
        .........
    """) > 0)).all()  # fmt: skip


def test_corner_to_corner_is_touching():
    assert ridge(drawn("1. .2")).sum() == 2


def test_carving_separates_touching_cells(touching_cells):
    eight = np.ones((3, 3))
    assert ndimage.label(touching_cells > 0, eight)[1] == 3
    carved = carve(touching_cells)
    assert ndimage.label(carved > 0, eight)[1] == 5
    assert set(np.unique(carved)) == {0, 1, 2, 3, 4, 5}


def test_carving_separates_any_two_instances():
    carved = carve(honeycomb((60, 50), 40, seed=3))
    parts, count = ndimage.label(carved > 0, np.ones((3, 3)))
    for part in range(1, count + 1):
        assert len(np.unique(carved[parts == part])) == 1


def test_a_lone_cell_is_not_carved():
    lone = drawn("... .3. ...")
    np.testing.assert_array_equal(carve(lone), lone)


def test_unannotated_pixels_weigh_nothing(touching_cells):
    annotated = np.zeros((12, 12), bool)
    annotated[2:7, 3:9] = True
    weights = weight_map(touching_cells, annotated=annotated)
    assert not weights[~annotated].any()
    np.testing.assert_array_equal(weights[annotated], weight_map(touching_cells)[annotated])


def test_the_papers_map_is_class_weight_plus_border_term(touching_cells):
    settings = WeightSettings(foreground=2, background=0.5)
    classes = np.where(carve(touching_cells) > 0, 2, 0.5)
    expected = classes + reference(touching_cells)
    np.testing.assert_allclose(weight_map(touching_cells, settings), expected, atol=1e-5)


def test_falks_map_equals_his_formula(touching_cells):
    d1, d2 = distances(touching_cells)[:2]
    background = 0.1 + 50 * np.exp(-((d1 + d2) ** 2) / (2 * 6**2)) + 0.9 * np.exp(-(d1**2) / (2 * 10**2))
    expected = np.where(carve(touching_cells) > 0, 1, background)
    np.testing.assert_allclose(weight_map(touching_cells, WeightSettings.falk()), expected, atol=1e-4)


def test_an_image_without_cells_weighs_as_background():
    weights = weight_map(np.zeros((5, 6), int), WeightSettings.falk())
    np.testing.assert_allclose(weights, 0.1)


def test_labels_without_pixels_give_weights_without_pixels():
    assert boundary_weights(np.zeros((0, 5), int)).shape == (0, 5)


def test_dense_labels_keep_the_order_of_ids():
    dense = dense_labels(np.array([[0, 10**9], [7, 10**9]]))
    assert dense.dtype == np.int32
    np.testing.assert_array_equal(dense, [[0, 2], [1, 2]])


@pytest.mark.parametrize(
    ("labels", "options", "sentence"),
    [
        (np.full((4, 4), 0.5), {}, "whole numbers, got float64"),
        (np.array([[-3, 0]]), {}, "not be negative, got -3"),
        (np.eye(4, dtype=int), {"spacing": (1,)}, "2 numbers above 0"),
        (np.eye(4, dtype=int), {"spacing": (1, 0)}, "2 numbers above 0"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(labels, options, sentence):
    with pytest.raises(UnetError, match=sentence):
        boundary_weights(labels, **options)


@pytest.mark.parametrize(("w0", "sigma"), [(10, 0), (10, -5), (-1, 5)])
def test_a_width_of_zero_and_negative_heights_are_refused(w0, sigma):
    with pytest.raises(UnetError, match=r"sigma|negative"):
        boundary_weights(ABUTTING, w0, sigma)


@pytest.mark.parametrize("options", [{"sigma": 0}, {"near_sigma": -1}, {"w0": -1}, {"background": -0.1}])
def test_weight_settings_refuse_nonsense(options):
    with pytest.raises(UnetError, match=f"{next(iter(options))} must be a number"):
        WeightSettings(**options)


def test_labels_that_cannot_be_written_to_are_labels():
    labels = np.array([[0, 7], [900, 7]])
    labels.flags.writeable = False
    np.testing.assert_array_equal(dense_labels(labels), [[0, 1], [2, 1]])
