"""Whatever fails while a file is written: the former one is whole, nothing half written remains, one sentence.

Each operation of each kind of every writer is made to fail in turn.
"""

from __future__ import annotations

import os
import shutil
from functools import cache

import numpy as np
import pytest
import torch
import zarr

from napari_unet import block_planning
from napari_unet.arrays.source import Source
from napari_unet.batch_table import write_batch_table_steps
from napari_unet.block_segmentation import segment_into_zarr
from napari_unet.errors import UnetError
from napari_unet.exchange import export_bioimageio
from napari_unet.files.batch_row import DONE, BatchRow
from napari_unet.files.block_store import unfinished
from napari_unet.files.image_tiff import write_image
from napari_unet.files.label_formats import write_label_file
from napari_unet.files.overlay import write_overlay
from napari_unet.files.session import SavedLayer, Session
from napari_unet.files.table import write_table_steps
from napari_unet.files.tiff import write_labels
from napari_unet.files.training_plots import write_curve, write_montage
from napari_unet.nets.optimization import Optimization, OptimizationSettings
from napari_unet.planning import plan_segmentation
from napari_unet.progress import finish
from napari_unet.provenance import segmentation_provenance
from napari_unet.settings.prediction import PredictionSettings
from napari_unet.settings.segmentation import SegmentationSettings
from tests.conftest import make_bright_model

if os.name == "nt":
    pytest.skip("no limits of files there", allow_module_level=True)

from tests.faults import injected

KINDS = ("open", "write", "fsync", "rename", "link", "mkdir", "allocation")
MOST = 10
"""Places of one kind at which a writer is made to fail; of more, as many evenly spread."""
FEW, LONG = 2, ("curve.png", "montage.png", "package.zip")
"""Places, but for a slow run, of what takes a second to write, and of runs by blocks: the first and the last."""
LABELS = np.arange(64 * 96, dtype=np.uint32).reshape(64, 96)
ODD_NAME = "a$\\frac$\n\x1b[2J.tif"
FACTS = {"model": "nuclei", "command": "x" * 3000}


@cache
def model():
    return make_bright_model()


@cache
def optimization():
    return Optimization(model().net, OptimizationSettings(), iterations=1, device=torch.device("cpu"))


def write_session(path):
    layers = [SavedLayer(key=key, arrays={"values": LABELS}, about={}) for key in ("a", "b")]
    Session(path.parent / "session").write(layers, {"a": {}, "b": {}}, {"seconds": 7})


def write_format(path):
    write_label_file(path, LABELS // 700, axes="YX", pixel_size=(1, 1), provenance=FACTS)


HISTORY = [{"iteration": number, "loss": 1.0, "score": 0.5} for number in range(3)]
WRITERS = {
    "labels.tif": lambda path: write_labels(path, LABELS % 9, axes="YX", pixel_size=(1, 1), provenance=FACTS),
    "labels.ome.tif": lambda path: write_labels(path, LABELS, axes="YX", pixel_size=(1, 1), provenance=FACTS),
    "image.tif": lambda path: write_image(path, LABELS, axes="YX", pixel_size=None, provenance=FACTS),
    "rois.zip": write_format,
    "qupath.geojson": write_format,
    "coco.json": write_format,
    "new.zarr": write_format,
    "overlay.png": lambda path: write_overlay(path, LABELS, LABELS // 500),
    "curve.png": lambda path: write_curve(path, HISTORY, "mean AP"),
    "montage.png": lambda path: write_montage(path, [(ODD_NAME, LABELS, LABELS // 500, LABELS // 500)]),
    "model.safetensors": lambda path: model().save(path),
    "new.safetensors": lambda path: model().save(path, replacing=False),
    "checkpoint.safetensors": lambda path: optimization().save(path, {"notes": 1}),
    "package.zip": lambda path: export_bioimageio(model(), path),
}
"""What writes files, by the name of the file."""


def places(total, most):
    """Return at which of some operations to fail."""
    return sorted({int(at) for at in np.linspace(0, total - 1, min(total, most))}) if total else []


def failures(write, prepare, path, most=MOST):
    """Yield (kind, place) of every fault worth injecting, each after `prepare`."""
    for kind in KINDS:
        prepare()
        with injected(kind) as fault:
            write(path)
        files = [file for file in path.parent.rglob("*") if file.is_file()]
        total = max(file.stat().st_size for file in files) if kind == "write" else fault.seen
        for at in places(total, most):
            prepare()
            yield kind, at


def refusal(write, path, kind, at):
    """Return the sentence with which a writer refuses when an operation fails, "" where that was of no matter."""
    try:
        with injected(kind, at):
            write(path)
    except UnetError as error:
        return str(error)
    return ""


def remove(path):
    """Remove a file or a folder."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def content(path):
    """Return what a file, or all files of a folder, hold; nothing where there is none."""
    if path.is_dir():
        return b"".join(file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file())
    return path.read_bytes() if path.exists() else b""


@pytest.mark.parametrize(
    ("name", "most"),
    [
        *((name, FEW if name in LONG else MOST) for name in WRITERS),
        *(pytest.param(name, MOST, marks=pytest.mark.slow) for name in LONG),
    ],
)
def test_a_writer_that_fails_anywhere_leaves_the_former_file_and_no_other(name, most, tmp_path):
    path, write = tmp_path / name, WRITERS[name]
    former = b"" if name.startswith("new") else b"former" * 3
    remove(path)
    write(path)  # what is loaded at the first time is

    def prepare():
        remove(path)
        if former:
            path.write_bytes(former)

    done = survived = 0
    for kind, at in failures(write, prepare, path, most):
        done += 1
        said = refusal(write, path, kind, at)
        if said:
            assert "\n" not in said
            assert said.startswith("cannot write"), (kind, at, said)
            assert content(path) == former, (kind, at)
        else:  # what failed was of no matter: the file is whole
            assert content(path) not in (b"", former), (kind, at)
            survived += 1
        assert list(tmp_path.iterdir()) == ([path] if path.exists() else []), (kind, at)
    print(f"{name}: {done} faults injected, {done - survived} refused, {survived} of no matter")  # noqa: T201
    assert done > most


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    """The rows of a batch of one image."""
    folder = tmp_path_factory.mktemp("batch")
    write_labels(folder / "mask.tif", LABELS // 500, axes="YX", pixel_size=None, provenance=FACTS)
    write_image(folder / "image.tif", LABELS, axes="YX", pixel_size=None, provenance=None)
    return [BatchRow(image=folder / "image.tif", mask=folder / "mask.tif", state=DONE)]


COLUMNS = {"label": np.arange(2000), "area": np.linspace(0, 1, 2000)}


@pytest.mark.parametrize("whole_batch", [False, True])
def test_a_table_that_fails_anywhere_leaves_the_former_files_whole(whole_batch, batch, tmp_path):
    path, described = tmp_path / "table.csv", tmp_path / "table.json"

    def write(target):
        if not whole_batch:
            finish(write_table_steps(target, COLUMNS, FACTS))
        elif faults := finish(write_batch_table_steps(batch, target)):  # memory failed for this image
            raise UnetError(f"cannot write {faults[0]}")

    write(path)
    whole = path.read_bytes(), described.read_bytes()

    def prepare():
        path.write_bytes(b"former")
        described.write_bytes(b"facts")

    done = 0
    for kind, at in failures(write, prepare, path):
        done += 1
        said = refusal(write, path, kind, at)
        assert said.startswith("cannot write") or not said, (kind, at, said)
        assert path.read_bytes() in (b"former", whole[0]), (kind, at)
        assert described.read_bytes() in (b"facts", whole[1]), (kind, at)
        assert said or (path.read_bytes(), described.read_bytes()) == whole, (kind, at)
        assert sorted(tmp_path.iterdir()) == [path, described], (kind, at)
    print(f"table: {done} faults injected")  # noqa: T201
    assert done > 10


def test_a_session_that_cannot_be_written_keeps_what_it_had(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    path = tmp_path / "x"
    write_session(path)
    done = 0
    for kind, at in failures(write_session, lambda: write_session(path), path):
        done += 1
        assert "\n" not in refusal(write_session, path, kind, at)
        back = Session(tmp_path / "session").read()
        assert [layer.key for layer in back.layers] == ["a", "b"], (kind, at)
        assert back.lost == []
        assert sorted(file.name for file in (tmp_path / "session").iterdir()) == ["a.npz", "b.npz", "session.json"]
    print(f"session: {done} faults injected, {done} survived")  # noqa: T201
    assert done > 10


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "allocation"])
def test_a_run_by_blocks_that_fails_anywhere_goes_on_from_there(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(block_planning, "BLOCK_PIXELS", 500)
    settings = SegmentationSettings(zoom=1, prediction=PredictionSettings(tile=16))
    image = (np.indices((48, 40)).sum(0) // 8 % 2 * 200).astype(np.uint8)
    plan = finish(plan_segmentation(Source.of(image, "YX"), model(), settings))
    facts = segmentation_provenance(plan, source="drawn")

    def write(target):
        finish(segment_into_zarr(plan, model(), target, provenance=facts))

    def labels(target):
        return zarr.open_array(target / "labels" / "segmentation" / "0", mode="r")[...]

    output, whole = tmp_path / "labels.zarr", tmp_path / "whole.zarr"
    with injected(kind) as fault:
        write(whole)
    if kind == "write":
        fault.seen = max(file.stat().st_size for file in whole.rglob("*") if file.is_file())
    done = refused = 0
    for at in places(fault.seen, FEW):
        done += 1
        said = refusal(write, output, kind, at)
        if said:
            refused += 1
            assert "\n" not in said
            assert said.startswith("cannot write"), (kind, at, said)
            assert not output.exists(), (kind, at)
            write(output)  # goes on
        assert np.array_equal(labels(output), labels(whole)), (kind, at)
        assert not unfinished(output).exists()
        remove(output)
    passed = done - refused
    print(f"run by blocks, {kind}: {done} faults injected, {refused} gone on from, {passed} of no matter")  # noqa: T201
