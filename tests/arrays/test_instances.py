"""From probabilities to instances: parted at the ridge, holes filled, specks dropped."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from skimage.segmentation import expand_labels

from napari_unet.arrays.boundary_weights import carve
from napari_unet.arrays.instances import label_instances
from napari_unet.errors import UnetError
from napari_unet.progress import finish
from napari_unet.settings.instances import InstanceSettings
from tests.conftest import drawn

ALL = InstanceSettings(min_size=1)


def instances(probability, settings=ALL):
    return finish(label_instances(np.asarray(probability, np.uint8), settings))


def as_probability(labels):
    return np.where(labels > 0, 255, 0).astype(np.uint8)


def same_objects(found, expected):
    """Whether two labellings are the same but for their numbers."""
    pairs = np.unique(np.stack([found.ravel(), expected.ravel()]), axis=1)
    return len(set(pairs[0])) == len(set(pairs[1])) == pairs.shape[1]


def numbered_without_gaps(labels):
    ids = np.unique(labels)
    return np.array_equal(ids[ids > 0], np.arange(1, labels.max() + 1))


def test_cells_come_back_from_their_carved_mask(touching_cells):
    found = instances(as_probability(carve(touching_cells)))
    assert found.dtype == np.int32
    assert found.max() == 5
    matched = ndimage.median(found, touching_cells, index=[1, 2, 3, 4, 5]).astype(int)
    assert sorted(matched) == [1, 2, 3, 4, 5]


def test_two_blobs_with_a_ridge_come_out_as_two_and_get_their_ridge_back():
    truth = drawn("""
        ..........
        .11111222.
        .11111222.
        .11111222.
        .11111222.
        ..........
    """)
    found = instances(as_probability(carve(truth)))
    np.testing.assert_array_equal(found[truth > 0], truth[truth > 0])
    assert (found > 0)[truth == 0].sum() <= 4  # the ridge's two ends may stick out by a pixel


def test_a_shallow_saddle_parts_two_blobs():
    y, x = np.mgrid[:30, :50]
    bumps = np.maximum(
        np.exp(-((y - 15) ** 2 + (x - 15) ** 2) / 160), np.exp(-((y - 15) ** 2 + (x - 34) ** 2) / 160)
    )
    found = instances(255 * bumps, InstanceSettings(core_threshold=0.7, edge_threshold=0.5, min_size=16))
    assert ndimage.label(255 * bumps >= 127)[1] == 1
    assert found.max() == 2
    assert found[15, 15] != found[15, 34]


def two_joined(gap, left=30):
    """Probabilities of a square of 20 px and one `left` wide, joined by columns of probability `gap`."""
    image = np.zeros((30, left + 30))
    image[5:25, 2 : left - 1] = image[5:25, left + 2 : left + 22] = 1
    image[5:25, left - 1 : left + 2] = gap
    return 255 * image


@pytest.mark.parametrize(("gap", "count"), [(0.55, 2), (0.8, 2), (0.95, 1)])
def test_objects_that_a_higher_probability_divides_are_two(gap, count):
    settings = InstanceSettings(core_threshold=0.5, edge_threshold=0.4)
    assert instances(two_joined(gap), settings).max() == count
    assert instances(two_joined(gap), settings.replace(min_core_share=1)).max() == 1


def test_three_of_a_size_are_three_but_a_spot_at_the_side_is_none():
    image = np.zeros((30, 70))
    image[5:25, 5:65] = 1
    image[5:25, 24:26] = image[5:25, 44:46] = 0.6
    settings = InstanceSettings(core_threshold=0.5, edge_threshold=0.4)
    assert instances(255 * image, settings).max() == 3
    image[5:25, 24:26] = 1
    image[5:25, 44:46] = 1
    image[5:25, 58:60] = 0.6
    assert instances(255 * image, settings).max() == 1


def test_cores_smaller_than_an_instance_do_not_divide_a_region():
    image = np.full((20, 40), 0.45)
    image[5:15, 5:15] = image[8:10, 30:32] = 0.9
    assert (
        instances(
            255 * image, InstanceSettings(core_threshold=0.5, edge_threshold=0.4, min_mean_probability=0)
        ).max()
        == 1
    )
    image[5:15, 5:15] = 0.45
    assert (
        instances(
            255 * image, InstanceSettings(core_threshold=0.5, edge_threshold=0.4, min_mean_probability=0)
        ).max()
        == 1
    )


def test_instances_that_nothing_is_certain_of_are_dropped():
    image = np.full((20, 40), 0.4)
    image[5:15, 5:15] = 0.55
    image[5:15, 25:35] = 0.7
    settings = InstanceSettings(core_threshold=0.5, edge_threshold=0.45, min_size=1, min_mean_probability=0.6)
    found = instances(255 * image, settings)
    assert found.max() == 1
    assert found[10, 30] == 1
    assert instances(255 * image, settings.replace(min_mean_probability=0)).max() == 2


def test_without_a_ridge_objects_apart_are_not_grown():
    truth = drawn("1.... 1...2 ....2")
    np.testing.assert_array_equal(instances(as_probability(truth)) > 0, truth > 0)


def test_holes_are_filled():
    ring = drawn("""
        .......
        .11111.
        .1...1.
        .1...1.
        .11111.
        .......
    """)
    found = instances(as_probability(ring))
    assert found[1:5, 1:6].all()
    assert found.max() == 1


def test_an_object_inside_the_hole_of_another_is_kept():
    nested = drawn("""
        .........
        .1111111.
        .1.....1.
        .1.222.1.
        .1.222.1.
        .1.....1.
        .1111111.
        .........
    """)
    found = instances(as_probability(nested))
    assert found[1, 1] > 0
    assert found[3, 4] > 0
    assert found[3, 4] != found[1, 1]
    assert numbered_without_gaps(found)


def test_a_core_wrapped_by_another_part_of_its_region_is_kept():
    wrapped = np.full((15, 15), 0, np.uint8)
    wrapped[1:14, 1:14] = 255
    wrapped[4:11, 4:11] = 140  # above mask, below seed: joins ring and core into one region
    wrapped[6:9, 6:9] = 255
    found = instances(wrapped)
    assert found[7, 7] != found[1, 1]
    assert found[7, 7] > 0
    assert numbered_without_gaps(found)


def test_small_objects_are_dropped():
    two = drawn("""
        ........
        .1111...
        .1111..2
        .1111...
    """)
    found = instances(as_probability(two), InstanceSettings(min_size=2))
    assert np.array_equal(found > 0, two == 1)


def test_parts_without_a_core_are_dropped():
    dim = np.zeros((8, 8), np.uint8)
    dim[2:6, 2:6] = 150
    assert not instances(dim).any()


def test_cores_grow_down_to_the_mask_threshold():
    soft = np.array([[0, 100, 128, 200, 150, 126, 0]], np.uint8)
    np.testing.assert_array_equal(instances(soft) > 0, [[0, 0, 1, 1, 1, 0, 0]])


@pytest.mark.parametrize("shape", [(6, 7), (1, 1), (3, 4, 5)])
def test_nothing_gives_no_instances(shape):
    assert not instances(np.zeros(shape)).any()


def test_nothing_gives_no_instances_even_at_the_lowest_thresholds():
    assert not instances(
        np.zeros((6, 7)), InstanceSettings(core_threshold=0.001, edge_threshold=0.001, min_size=0)
    ).any()


def test_everything_is_one_instance():
    assert (instances(np.full((5, 5), 255)) == 1).all()


def test_one_far_and_few_pixels_are_found_in_a_large_image():
    sparse = np.zeros((2000, 2000), np.uint8)
    sparse[3:8, 3:8] = sparse[1990:1995, 1990:1995] = 255
    found = instances(sparse)
    assert (found[5, 5], found[1992, 1992], found.max()) == (1, 2, 2)


def test_volumes_are_parted_too():
    volume = np.zeros((6, 8, 17), np.uint8)
    volume[1:5, 1:7, 1:8] = volume[1:5, 1:7, 9:16] = 255
    found = instances(volume)
    assert found.max() == 2
    assert found[2, 3, 8] > 0


def test_ids_run_from_1_without_gaps():
    rng = np.random.default_rng(0)
    noise = ndimage.gaussian_filter(rng.normal(size=(120, 120)), 2)
    noise = 255 * (noise - noise.min()) / np.ptp(noise)
    found = instances(noise, InstanceSettings(core_threshold=0.6, edge_threshold=0.5, min_size=5))
    assert found.max() > 10
    assert numbered_without_gaps(found)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"core_threshold": 0.3, "edge_threshold": 0.5},
            "edge prob.* must not be above .*core prob",
        ),
        ({"edge_threshold": 0}, r"above 0 and below 1, got 0: leave it out for the default, 0\.5"),
        ({"core_threshold": 1}, "core_threshold .core probability. must be a number above 0 and below 1, got 1"),
        ({"min_size": -1}, "must be a whole number of at least 0 px, got -1"),
        ({"edge_threshold": float("nan")}, "got nan"),
    ],
)
def test_nonsense_thresholds_are_refused(options, sentence):
    with pytest.raises(UnetError, match=sentence):
        InstanceSettings(**options)


def test_labelling_can_be_stopped_midway():
    pairs = np.zeros((120, 60), np.uint8)
    pairs[::3, ::3] = pairs[::3, 2::6] = 255  # two cores in each region
    pairs[::3, 1::6] = 140
    steps = label_instances(pairs, ALL)
    parting = next(step for step in steps if 0 < step.done < step.total)
    assert parting.total == np.count_nonzero(pairs == 140)
    steps.close()
    assert next(steps, None) is None


def test_the_input_is_left_as_it_was(touching_cells):
    probability = as_probability(touching_cells)
    before = probability.copy()
    instances(probability)
    np.testing.assert_array_equal(probability, before)


@given(st.integers(0, 10**6), st.sampled_from([4, 5, 7]), st.sampled_from([(37, 22), (11, 9, 12)]))
def test_bands_of_giving_back_the_ridge_do_not_show(seed, band, shape):
    rng = np.random.default_rng(seed)
    seeds = np.zeros(shape, np.int32)
    seeds[tuple(rng.integers(0, length, 20) for length in shape)] = np.arange(1, 21)
    labels = carve(expand_labels(seeds, distance=4))
    labels[rng.random(shape) < 0.1] = 0
    probability = as_probability(labels)
    whole = instances(probability)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("napari_unet.arrays.instances.BAND_PIXELS", band)
        np.testing.assert_array_equal(instances(probability), whole)
    assert ((whole > 0) & (probability == 0)).any()
