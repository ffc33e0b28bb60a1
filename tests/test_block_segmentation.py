"""Labels written block by block into OME-Zarr: those of memory, whatever interrupts the run, wherever it runs."""

import copy
import hashlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
import yaozarrs
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet import anywhere, block_planning, block_segmentation
from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.arrays.source import Source
from napari_unet.block_segmentation import segment_into_zarr, segment_to_zarr
from napari_unet.cli import main
from napari_unet.compute import Here, computing_on
from napari_unet.errors import UnetError
from napari_unet.files.block_store import unfinished
from napari_unet.files.images import open_image, read_image
from napari_unet.files.ome_zarr_labels import halved
from napari_unet.planning import plan_segmentation
from napari_unet.progress import finish
from napari_unet.provenance import segmentation_provenance
from napari_unet.segmentation import run_plan
from napari_unet.settings.prediction import PredictionSettings
from napari_unet.settings.segmentation import SegmentationSettings
from tests.arrays.test_block_instances import blobs
from tests.conftest import make_bright_model
from tests.hostile.corpus import npy

SETTINGS = SegmentationSettings(zoom=1, prediction=PredictionSettings(tile=12))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(block_planning, "BLOCK_PIXELS", 500)


def planned(image, axes="YX", chosen=SETTINGS, region=None, dims="YX"):
    """Return the model, the plan of an image, and what its output says of it."""
    model = make_bright_model(axes=dims)
    source = Source.of(image, axes, pixel_size=PixelSize.known({"Y": 0.5, "X": 0.25}))
    plan = finish(plan_segmentation(source, model, chosen, region=region))
    return model, plan, segmentation_provenance(plan, source="drawn")


def run_until(running, doing):
    """Return the first step of a kind."""
    while (step := next(running)).doing != doing:
        pass
    return step


def written(output):
    return zarr.open_array(output / "labels" / "segmentation" / "0", mode="r")[...]


@pytest.mark.parametrize(
    ("shape", "axes", "dims", "region"),
    [
        ((70, 51), "YX", "YX", None),
        ((90, 71), "YX", "YX", {"Y": (20, 70), "X": (8, 60)}),
        ((2, 30, 40), "ZYX", "YX", None),
        ((2, 3, 30, 40), "TZYX", "YX", {"T": (1, 2)}),
        ((40, 50, 2), "YXC", "YX", None),
        ((14, 30, 26), "ZYX", "ZYX", None),
        ((2, 7, 15, 26), "TZYX", "ZYX", None),
    ],
)
def test_the_labels_are_those_of_memory(tmp_path, shape, axes, dims, region):
    chosen = SETTINGS.replace(channels=(1,)) if "C" in axes else SETTINGS
    model, plan, provenance = planned(blobs(shape, 1, 1.5), axes, chosen, region, dims)
    expected = finish(run_plan(plan, model))
    output = tmp_path / "labels.zarr"
    count = finish(segment_into_zarr(plan, model, output, provenance=provenance))
    np.testing.assert_array_equal(written(output), expected.labels)
    assert count == expected.count > 3
    assert not unfinished(output).exists()


@pytest.mark.parametrize(
    ("shape", "axes", "zoom"), [((90, 71), "YX", (0.5, 2.0)), ((14, 50, 44), "ZYX", (1.0, 0.5, 0.5))]
)
def test_zoomed_blocks_are_those_of_memory_too(tmp_path, shape, axes, zoom):
    chosen = SETTINGS.replace(zoom=zoom)
    model, plan, provenance = planned(blobs(shape, 1, 2.5), axes, chosen, dims=axes)
    expected = finish(run_plan(plan, model))
    output = tmp_path / "labels.zarr"
    running = segment_into_zarr(plan, model, output, provenance=provenance)
    run_until(running, "Predicting")
    running.close()
    assert unfinished(output).exists()
    count = finish(segment_into_zarr(plan, model, output, provenance=provenance))
    np.testing.assert_array_equal(written(output), expected.labels)
    assert count == expected.count > 3


@pytest.mark.parametrize(("shape", "axes", "join"), [((3, 26, 40), "ZYX", "Z"), ((2, 2, 26, 30), "TZYX", "ZT")])
def test_objects_are_joined_through_planes_as_in_memory(tmp_path, shape, axes, join):
    model, plan, provenance = planned(blobs(shape, 4, 1.5), axes, SETTINGS.replace(join=join))
    expected = finish(run_plan(plan, model))
    output = tmp_path / "labels.zarr"
    count = finish(segment_into_zarr(plan, model, output, provenance=provenance))
    np.testing.assert_array_equal(written(output), expected.labels)
    assert count == expected.count
    apart = finish(run_plan(*reversed(planned(blobs(shape, 4, 1.5), axes)[:2])))
    assert count < apart.count


def test_the_output_is_ome_zarr_with_a_pyramid_and_what_made_it(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_unet.files.ome_zarr_labels.COARSEST", 20)
    model, plan, provenance = planned(blobs((90, 71), 1, 1.5), region={"Y": (20, 70), "X": (8, 60)})
    output = tmp_path / "labels.zarr"
    finish(segment_into_zarr(plan, model, output, provenance=provenance))
    yaozarrs.validate_zarr_store(str(output))
    read = read_image(output)
    assert read.axes == "YX"
    assert read.pixel_size == pytest.approx((0.5, 0.25))
    assert read.metadata["position"] == pytest.approx({"Y": 10.0, "X": 2.0})
    assert read.metadata["provenance"]["model"] == "bright"
    levels = [zarr.open_array(output / "labels" / "segmentation" / str(n), mode="r") for n in range(3)]
    for finer, coarser in itertools.pairwise(levels):
        np.testing.assert_array_equal(coarser[...], halved(finer[...]))


def test_a_block_is_a_file_of_several_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_unet.files.ome_zarr_labels.CHUNK", 12)
    monkeypatch.setattr("napari_unet.files.ome_zarr_labels.MIN_CHUNK", 6)
    model, plan, provenance = planned(blobs((90, 71), 1, 1.5))
    output = tmp_path / "labels.zarr"
    finish(segment_into_zarr(plan, model, output, provenance=provenance))
    stored = zarr.open_array(output / "labels" / "segmentation" / "0", mode="r")
    assert stored.shards is not None
    assert all(
        shard % chunk == 0 and chunk <= 12 for shard, chunk in zip(stored.shards, stored.chunks, strict=True)
    )
    files = [path for path in (output / "labels" / "segmentation" / "0").rglob("*") if path.name != "zarr.json"]
    blocks = -(-90 // stored.shards[0]) * -(-71 // stored.shards[1])
    assert len([path for path in files if path.is_file()]) <= blocks
    np.testing.assert_array_equal(written(output), finish(run_plan(plan, model)).labels)
    yaozarrs.validate_zarr_store(str(output))


@settings(max_examples=10)
@given(steps=st.integers(0, 40), second=st.integers(0, 30))
def test_a_run_that_was_ended_anywhere_goes_on_to_the_same_result(tmp_path_factory, steps, second):
    folder = tmp_path_factory.mktemp("resumed")
    model, plan, provenance = planned(blobs((40, 30), 2, 1.5))
    expected = finish(run_plan(plan, model)).labels
    output = folder / "labels.zarr"
    for count in (steps, second):
        running = segment_into_zarr(plan, model, output, provenance=provenance)
        for _, _step in zip(range(count), running, strict=False):
            pass
        running.close()
        if output.exists():
            break
    if not output.exists():
        finish(segment_into_zarr(plan, model, output, provenance=provenance))
    np.testing.assert_array_equal(written(output), expected)
    shutil.rmtree(folder)


def test_what_is_done_is_not_done_again(tmp_path, monkeypatch):
    model, plan, provenance = planned(blobs((60, 50), 2, 1.5))
    output, calls = tmp_path / "labels.zarr", []

    class Counting(Here):
        def run(self, task, job, calls_, doing):
            calls.append((task.__name__, len(calls_)))
            return super().run(task, job, calls_, doing)

    running = segment_into_zarr(plan, model, output, provenance=provenance)
    run_until(running, "Finding regions")
    running.close()
    finish(segment_into_zarr(plan, model, output, provenance=provenance, compute=Counting()))
    assert dict(calls)["predict_block"] == 0
    assert dict(calls)["separate_objects"] > 3


def test_an_unfinished_run_of_another_plan_is_refused_and_kept(tmp_path):
    model, plan, provenance = planned(blobs((60, 50), 2, 1.5))
    output = tmp_path / "labels.zarr"
    running = segment_into_zarr(plan, model, output, provenance=provenance)
    run_until(running, "Beginning")
    running.close()
    other = SETTINGS.replace(core_threshold=0.8, edge_threshold=0.4)
    model, plan, provenance = planned(blobs((60, 50), 2, 1.5), chosen=other)
    with pytest.raises(UnetError, match="another settings: remove it"):
        finish(segment_into_zarr(plan, model, output, provenance=provenance))
    assert unfinished(output).is_dir()


@pytest.mark.parametrize("held", ["raw.tif", "link", "file"])
def test_what_is_none_of_ours_is_not_removed_for_a_run(tmp_path, held):
    model, plan, provenance = planned(blobs((60, 50), 2, 1.5))
    folder = unfinished(tmp_path / "labels.zarr")
    if held == "raw.tif":
        folder.mkdir()
        (folder / held).write_text("data")
    elif held == "link":
        (tmp_path / "other").mkdir()
        folder.symlink_to(tmp_path / "other")
    else:
        folder.write_text("data")
    with pytest.raises(UnetError, match="unfinished run"):
        finish(segment_into_zarr(plan, model, tmp_path / "labels.zarr", provenance=provenance))
    assert folder.exists()


def other_pixels(image, model):
    """Another image of the same shape and intensities."""
    return image[::-1].copy(), model


def other_weights(image, model):
    """Another model that was never saved, of the same description."""
    net = copy.deepcopy(model.net)
    with torch.no_grad():
        net.head.bias[1] = -19
    return image, replace(model, net=net)


@pytest.mark.parametrize(("change", "what"), [(other_pixels, "image"), (other_weights, "model")])
def test_an_unfinished_run_of_something_that_looks_the_same_is_refused(tmp_path, change, what):
    image = blobs((60, 50), 2, 1.5)
    model, plan, provenance = planned(image)
    running = segment_into_zarr(plan, model, tmp_path / "x.zarr", provenance=provenance)
    run_until(running, "Beginning")
    running.close()
    image, model = change(image, model)
    plan = finish(plan_segmentation(Source.of(image, "YX", pixel_size=plan.source.pixel_size), model, SETTINGS))
    with pytest.raises(UnetError, match=f"another {what}: remove it"):
        finish(segment_into_zarr(plan, model, tmp_path / "x.zarr", provenance=provenance))


def test_an_unfinished_run_of_a_file_that_has_changed_is_refused(tmp_path):
    file, output = tmp_path / "image.zarr", tmp_path / "x.zarr"
    stored = zarr.create_array(file, shape=(60, 50), chunks=(30, 50), dtype=np.float32, dimension_names=("y", "x"))
    stored[...] = blobs((60, 50), 2, 1.5)

    def begun():
        plan = finish(plan_segmentation(open_image(file, axes="YX"), model, SETTINGS))
        return segment_into_zarr(plan, model, output, provenance=segmentation_provenance(plan, source="drawn"))

    model = make_bright_model()
    running = begun()
    next(running)
    running.close()
    next(begun())  # as it was, it goes on
    time.sleep(0.01)
    stored[...] = blobs((60, 50), 2, 1.5)[::-1]
    with pytest.raises(UnetError, match="another image: remove it"):
        next(begun())


def test_labels_lie_where_the_file_says_that_its_image_lies(tmp_path):
    model, plan, provenance = planned(blobs((60, 50), 2, 1.5), region={"Y": (20, 60)})
    plan = replace(plan, source=replace(plan.source, position={"Y": 3.0, "X": -7.5}))
    finish(segment_into_zarr(plan, model, tmp_path / "labels.zarr", provenance=provenance))
    # um: 20 px of 0.5 um beyond where the image begins
    assert read_image(tmp_path / "labels.zarr").metadata["position"] == pytest.approx({"Y": 13.0, "X": -7.5})


@pytest.mark.parametrize("damage", ["{", "[1]", '{"plan": 1}', ""])
def test_an_unfinished_run_that_is_damaged_is_a_sentence(tmp_path, damage):
    model, plan, provenance = planned(blobs((60, 50), 2, 1.5))
    folder = unfinished(tmp_path / "labels.zarr")
    folder.mkdir()
    (folder / "plan.json").write_text(damage)
    with pytest.raises(UnetError, match="remove"):
        finish(segment_into_zarr(plan, model, tmp_path / "labels.zarr", provenance=provenance))


def test_an_output_that_is_there_is_not_replaced(tmp_path):
    model, plan, provenance = planned(blobs((60, 50), 2, 1.5))
    (tmp_path / "labels.zarr").mkdir()
    with pytest.raises(UnetError, match="it exists"):
        finish(segment_into_zarr(plan, model, tmp_path / "labels.zarr", provenance=provenance))


def test_an_output_that_is_there_is_refused_before_anything_is_measured(tmp_path):
    class Unread:
        shape, dtype, ndim = (60, 50), np.dtype(np.uint8), 2

        def __getitem__(self, key):
            raise AssertionError("it was read")

    (tmp_path / "labels.zarr").mkdir()
    with pytest.raises(UnetError, match="it exists"):
        segment_to_zarr(Source(array=Unread(), axes="YX"), make_bright_model(), tmp_path / "labels.zarr")


def test_what_it_takes_is_said_before_and_a_full_disk_refused(tmp_path, monkeypatch):
    model, plan, provenance = planned(blobs((60, 50), 2, 1.5))
    running = segment_into_zarr(plan, model, tmp_path / "x.zarr", provenance=provenance)
    assert "blocks, about 0.0 GB" in run_until(running, "Beginning").preview
    running.close()
    monkeypatch.setattr(block_planning, "BYTES_ON_DISK", 1e15)
    with pytest.raises(UnetError, match="GB are free: choose another folder"):
        finish(segment_into_zarr(plan, model, tmp_path / "y.zarr", provenance=provenance))
    assert not unfinished(tmp_path / "y.zarr").exists()


@pytest.mark.parametrize("shape", [(90, 71), (1, 1, 5000), (3, 40, 50), (7000,)])
def test_an_image_in_memory_is_known_by_its_pixels_however_they_lie(monkeypatch, shape):
    monkeypatch.setattr(block_planning, "PIXELS_A_PIECE", 1000)
    image = np.random.default_rng(0).integers(0, 9000, shape).astype(np.uint16)
    whole = hashlib.sha256(image.tobytes()).hexdigest()
    for array in (image, image.T.copy().T, np.repeat(image, 2, axis=-1)[..., ::2]):
        steps = []
        assert finish(block_planning._sha256(array), steps.append) == whole
        done = [0, *(step.done for step in steps)]
        assert max(np.diff(done)) <= 1000
        assert done[-1] == image.size


def test_an_image_in_memory_is_read_once_to_know_it(tmp_path, monkeypatch):
    monkeypatch.setattr(block_planning, "PIXELS_A_PIECE", 1000)
    monkeypatch.setattr(anywhere, "user_cache_path", lambda *_, **__: tmp_path)
    monkeypatch.setattr(anywhere, "fits_memory", lambda *_: False)
    steps = []
    source = Source.of(blobs((90, 71), 1, 1.5), "YX")
    result = finish(anywhere.segment_anywhere(source, make_bright_model(), SETTINGS), steps.append)
    assert result.levels
    reading = [step.done for step in steps if step.doing == "Reading the image"]
    assert len(reading) > 5
    assert reading == sorted(set(reading))
    assert reading[-1] == 90 * 71


def test_an_image_of_one_value_has_empty_labels(tmp_path):
    model, plan, provenance = planned(np.full((30, 40), 7, np.uint8))
    output = tmp_path / "labels.zarr"
    assert finish(segment_into_zarr(plan, model, output, provenance=provenance)) == 0
    assert written(output).max() == 0


def test_a_scheduler_gives_the_same_labels(tmp_path, scheduler):
    model, plan, provenance = planned(blobs((60, 50), 2, 1.5))
    output = tmp_path / "labels.zarr"
    with computing_on(scheduler) as compute:
        count = finish(segment_into_zarr(plan, model, output, provenance=provenance, compute=compute))
    expected = finish(run_plan(plan, model))
    np.testing.assert_array_equal(written(output), expected.labels)
    assert count == expected.count


def test_a_folder_on_a_scheduler(tmp_path, scheduler, capsys):
    for number in range(3):
        tifffile.imwrite(tmp_path / f"{number}.tif", blobs((40, 50), number, 1.5))
    (tmp_path / "3.tif").write_text("no image")
    make_bright_model().save(tmp_path / "bright.safetensors")
    command = ["segment", *(str(tmp_path / f"{n}.tif") for n in range(4)), "--zoom", "1"]
    command += ["--model", str(tmp_path / "bright.safetensors")]
    assert main([*command, "--output", str(tmp_path / "there"), "--scheduler", scheduler]) == 1
    assert main([*command, "--output", str(tmp_path / "here")]) == 1
    for number in range(3):
        found = [tifffile.imread(tmp_path / where / f"{number}_labels.tif") for where in ("here", "there")]
        np.testing.assert_array_equal(*found)
    assert capsys.readouterr().err.count("3.tif") == 2


def test_a_scheduler_that_would_have_nothing_to_do_is_refused(tmp_path, capsys):
    tifffile.imwrite(tmp_path / "a.tif", blobs((40, 50), 1, 1.5))
    words = ["segment", str(tmp_path / "a.tif"), "--output", str(tmp_path / "b.tif"), "--scheduler", "local:1"]
    assert main(words) != 0
    assert "--scheduler shares out blocks or files" in capsys.readouterr().err


@pytest.mark.parametrize("where", ["nowhere", "local:x", "local:0", "http//a"])
def test_a_scheduler_that_is_none_is_a_sentence(where):
    with pytest.raises(UnetError, match="a scheduler is named"), computing_on(where):
        pass


def test_a_failure_on_a_worker_is_its_own_sentence(tmp_path, scheduler, monkeypatch):
    model, plan, provenance = planned(blobs((60, 50), 2, 1.5))

    def fails(*_):
        raise UnetError("the disk is full: make room")

    monkeypatch.setattr(block_segmentation, "predict_block", fails)
    with computing_on(scheduler) as compute, pytest.raises(UnetError, match="the disk is full"):
        finish(segment_into_zarr(plan, model, tmp_path / "x.zarr", provenance=provenance, compute=compute))


def command_of(folder):
    code = "from napari_unet import block_planning as b; b.BLOCK_PIXELS = 500; from napari_unet.cli import main; "
    words = ["segment", "image.tif", "--model", "bright.safetensors", "--output", "labels.zarr", "--zoom", "1"]
    return [sys.executable, "-c", f"{code}raise SystemExit(main({[*words, '--tile', '12']!r}))"]


def test_a_command_that_is_killed_goes_on(tmp_path):
    tifffile.imwrite(tmp_path / "image.tif", blobs((80, 80), 3, 1.5))
    make_bright_model().save(tmp_path / "bright.safetensors")
    done = unfinished(tmp_path / "labels.zarr") / "done"

    def marks():
        return len(list(done.iterdir())) if done.is_dir() else 0

    started = subprocess.Popen(command_of(tmp_path), cwd=tmp_path, stdout=subprocess.PIPE)
    while started.poll() is None and marks() <= 20:
        time.sleep(0.02)
    os.kill(started.pid, signal.SIGKILL)
    started.communicate()
    assert not (tmp_path / "labels.zarr").exists()
    assert marks() > 20
    assert subprocess.run(command_of(tmp_path), cwd=tmp_path, check=False, capture_output=True).returncode == 0
    model, plan, _ = planned(tifffile.imread(tmp_path / "image.tif"))
    np.testing.assert_array_equal(written(tmp_path / "labels.zarr"), finish(run_plan(plan, model)).labels)


@pytest.mark.slow
def test_a_worker_that_is_killed_changes_nothing(tmp_path):
    from distributed import Client, LocalCluster

    model, plan, provenance = planned(blobs((200, 200), 3, 1.5))
    output = tmp_path / "labels.zarr"
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            victim = next(iter(client.run(os.getpid).values()))
        with computing_on(cluster.scheduler_address) as compute:
            running = segment_into_zarr(plan, model, output, provenance=provenance, compute=compute)
            for step in running:
                if step.done > 500 and victim:
                    os.kill(victim, signal.SIGKILL)
                    victim = 0
    assert not victim
    np.testing.assert_array_equal(written(output), finish(run_plan(plan, model)).labels)


DAMAGES = {
    "no plan": lambda folder: (folder / "plan.json").write_text("{"),
    "a deep plan": lambda folder: (folder / "plan.json").write_text('{"plan":' + "[" * 9999),
    "no sides": lambda folder: _edit(folder / "plan.json", lambda known: known.update(cut=[1])),
    "sides of other kinds": lambda folder: _edit(
        folder / "plan.json", lambda known: known["cut"].update(sides=[0, "a"])
    ),
    "names cut off": lambda folder: _cut(next((folder / "names").glob("*.npy")), 100),
    "names of another kind": lambda folder: np.save(next((folder / "names").glob("*.npy")), np.ones((2, 2))),
    "names that claim a terabyte": lambda folder: next((folder / "names").glob("*.npy")).write_bytes(
        npy("<i8", "(137438953472,)")
    ),
    "an array without a description": lambda folder: (folder / "work" / "map" / "zarr.json").write_text("{}"),
    "an array that is gone": lambda folder: shutil.rmtree(folder / "work" / "parts"),
    "chunks cut off": lambda folder: [
        _cut(file, 5) for file in (folder / "work" / "map" / "c").rglob("*") if file.is_file()
    ],
}


def _edit(path, change):
    known = json.loads(path.read_text())
    change(known)
    path.write_text(json.dumps(known))


def _cut(path, length):
    path.write_bytes(path.read_bytes()[:length])


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_unfinished_run_is_a_sentence_that_says_what_to_remove(tmp_path, what):
    model, plan, provenance = planned(blobs((60, 50), 1, 1.5))
    output = tmp_path / "labels.zarr"
    steps = segment_into_zarr(plan, model, output, provenance=provenance)
    for _ in itertools.takewhile(lambda _: not list(unfinished(output).glob("names/*.npy")), steps):
        pass
    steps.close()
    DAMAGES[what](unfinished(output))
    with pytest.raises(UnetError, match=r"remove"):
        finish(segment_into_zarr(plan, model, output, provenance=provenance))
    assert not output.exists()
