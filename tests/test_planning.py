"""A plan holds all that decides the labels: it can go to another process, and a run reads nothing else."""

import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from napari_unet.arrays.label_store import ArrayStore, MemoryStore
from napari_unet.arrays.source import Source
from napari_unet.errors import UnetError
from napari_unet.files.images import open_image
from napari_unet.models.library import load_model
from napari_unet.planning import plan_segmentation
from napari_unet.progress import finish
from napari_unet.samples import SAMPLES
from napari_unet.segmentation import run_plan, segment, segment_steps
from napari_unet.settings.segmentation import SegmentationSettings
from tests.conftest import make_bright_model

ELSEWHERE = """
import pickle, sys
import numpy as np
from napari_unet.progress import finish
from napari_unet.segmentation import run_plan
with open(sys.argv[1], "rb") as file:
    plan = pickle.load(file)
np.save(sys.argv[2], finish(run_plan(plan)).labels)
"""


def blobs(shape=(40, 50)):
    image = np.full(shape, 10.0)
    image[..., 5:15, 5:15] = image[..., 20:35, 30:45] = 90
    return image


def test_a_plan_made_here_gives_the_same_labels_in_another_process(tmp_path):
    model = load_model("nuclei")
    plan = finish(
        plan_segmentation(
            open_image(SAMPLES[1].path), model, SegmentationSettings(core_threshold=0.6, edge_threshold=0.3)
        )
    )
    (tmp_path / "plan").write_bytes(pickle.dumps(plan))
    subprocess.run([sys.executable, "-c", ELSEWHERE, tmp_path / "plan", tmp_path / "labels.npy"], check=True)
    here = finish(run_plan(plan, model)).labels
    assert here.max() > 20
    np.testing.assert_array_equal(np.load(tmp_path / "labels.npy"), here)


def test_running_a_plan_is_segmenting(bright_model):
    image = blobs((3, 40, 50))
    plan = finish(plan_segmentation(Source.of(image, "ZYX"), bright_model))
    assert plan.shape == (3, 40, 50)
    assert (plan.axes, plan.origin, plan.pixels) == ("ZYX", (0, 0, 0), 6000)
    labels = finish(run_plan(plan, bright_model)).labels
    np.testing.assert_array_equal(labels, segment(image, bright_model, axes="ZYX"))
    assert labels.max() == 6


def test_a_run_reads_the_plan_and_not_the_settings(bright_model):
    plan = finish(plan_segmentation(Source.of(blobs()), bright_model))
    nothing = replace(plan, thresholds=plan.thresholds.replace(min_size=1000))
    assert finish(run_plan(plan, bright_model)).count == 2
    assert finish(run_plan(nothing, bright_model)).count == 0


def test_a_plan_is_refused_with_another_model(bright_model, tmp_path):
    saved = bright_model.save(tmp_path / "bright.safetensors")
    plan = finish(plan_segmentation(Source.of(blobs()), saved))
    with pytest.raises(UnetError, match="made for another bright: plan again"):
        finish(run_plan(plan, load_model("nuclei")))
    unsaved = finish(plan_segmentation(Source.of(blobs()), bright_model))
    with pytest.raises(UnetError, match="has no file: give the model"):
        finish(run_plan(unsaved))


class Counting(MemoryStore):
    """A store that notes what it was asked for."""

    def __init__(self):
        self.asked = []

    def labels(self, shape):
        self.asked.append(tuple(shape))
        return super().labels(shape)

    def map(self, shape, dtype):
        self.asked.append(tuple(shape))
        return super().map(shape, dtype)


def test_every_large_array_comes_from_the_store(bright_model):
    store = Counting()
    plan = finish(
        plan_segmentation(Source.of(blobs((2, 40, 50)), "ZYX"), bright_model, SegmentationSettings(zoom=0.5))
    )
    result = finish(run_plan(plan, bright_model, store=store, keep_probabilities=True))
    assert store.asked[:2] == [(2, 40, 50), (2, 40, 50)]
    assert store.asked[2:] == 2 * [(1, 20, 25), (40, 50)]
    assert result.probabilities.max() > 200


def test_labels_can_go_into_an_array_of_the_callers(bright_model, tmp_path):
    out = np.lib.format.open_memmap(tmp_path / "labels.npy", "w+", np.uint16, (40, 50))
    assert segment(blobs(), bright_model, out=out) is out
    np.testing.assert_array_equal(np.load(tmp_path / "labels.npy"), segment(blobs(), bright_model))
    with pytest.raises(UnetError, match=r"out has shape \(4, 5\), the labels have \(40, 50\)"):
        segment(blobs(), bright_model, out=np.zeros((4, 5), int))


def test_objects_are_joined_in_an_array_that_is_no_numpy_array(bright_model):
    zarr = pytest.importorskip("zarr")
    image = blobs((3, 40, 50))
    out = zarr.zeros((3, 40, 50), chunks=(1, 20, 20), dtype="i4")
    settings = SegmentationSettings(join="Z")
    result = finish(segment_steps(image, bright_model, axes="ZYX", settings=settings, store=ArrayStore(out)))
    assert result.count == 2
    np.testing.assert_array_equal(out[...], segment(image, bright_model, axes="ZYX", settings=settings))


def test_two_channels_are_read_in_the_order_of_the_inputs():
    model = make_bright_model(in_channels=2)
    image = np.stack([blobs(), np.full((40, 50), 10.0), np.zeros((40, 50))])
    plan = finish(plan_segmentation(Source.of(image, "CYX"), model, SegmentationSettings(channels=(1, 0))))
    (plane,) = plan.planes()
    seen = plane.read((slice(0, 40), slice(0, 50)))
    assert seen[1].max() > seen[0].max()
    assert plan.selection.channels == (1, 0)


@pytest.mark.parametrize(
    ("channels", "sentence"),
    [
        ((1,), "the model reads 2 channels, got 1: choose 2"),
        ((0, 3), "channel 3 does not exist: the image has channels 0 to 2"),
        (None, "the image has 3 channels, the model takes 2"),
    ],
)
def test_channels_that_do_not_fit_the_inputs_are_refused(channels, sentence):
    image = np.zeros((3, 40, 50))
    with pytest.raises(UnetError, match=sentence):
        segment(image, make_bright_model(in_channels=2), axes="CYX", channels=channels)


def test_one_channel_does_not_feed_two_inputs():
    with pytest.raises(UnetError, match="the image has 1 channel"):
        segment(blobs(), make_bright_model(in_channels=2))


class Endless:
    """An image that says that it is large and may not be read."""

    dtype = np.dtype(np.uint16)

    def __init__(self, *shape):
        self.shape, self.ndim = shape, len(shape)

    def __getitem__(self, key):
        raise AssertionError("nothing is to be read")


def test_labels_too_large_for_memory_are_refused_before_anything_is_read(bright_model):
    with pytest.raises(UnetError, match=r"labels of 4000000 x 4000000 pixels need .* GB of memory, .* are free"):
        segment(Endless(4_000_000, 4_000_000), bright_model)
    with pytest.raises(UnetError, match=r"labels of 1000000 x 9000 x 9000 pixels need"):
        segment(Endless(1_000_000, 9000, 9000), bright_model, axes="ZYX")
