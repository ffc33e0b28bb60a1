"""Running out of memory is one thing, whoever raises the error; labels are the same with less of it."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from napari_unet import memory
from napari_unet.arrays.label_store import fits_memory
from napari_unet.memory import is_out_of_memory
from napari_unet.nets.device import free_memory


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate"), True),
        (RuntimeError("could not create a primitive"), True),
        (RuntimeError("MPS backend out of memory"), True),
        (MemoryError("Unable to allocate 3 GiB for an array"), True),
        (ValueError("out of memory"), False),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
    ],
)
def test_running_out_of_memory_is_told_from_other_errors(error, expected):
    assert is_out_of_memory(error) == expected


def system(folder, group, files):
    """Make a system whose process is in a group, and the files of groups."""
    (folder / "proc/self").mkdir(parents=True)
    (folder / "proc/self/cgroup").write_text(group)
    for name, text in files.items():
        path = folder / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


GIB = 2**30
UNLIMITED = 0x7FFFFFFFFFFFF000
"""What the first version of control groups says where there is no limit."""


@pytest.mark.parametrize(
    ("group", "files", "left"),
    [
        pytest.param(
            "0::/job/step",
            {
                "job/step/memory.max": "max",
                "job/step/memory.current": "5",
                "job/step/memory.stat": "inactive_file 0",
                "job/memory.max": f"{4 * GIB}",
                "job/memory.current": f"{3 * GIB}",
                "job/memory.stat": f"anon 7\ninactive_file {GIB}",
            },
            2 * GIB,
            id="a job of a cluster, limited above its step; what it read of files can be had again",
        ),
        pytest.param(
            "9:name=systemd:/a\n4:cpu,memory:/a\n0::/",
            {
                "memory/a/memory.limit_in_bytes": f"{3 * GIB}",
                "memory/a/memory.usage_in_bytes": f"{GIB}",
                "memory/a/memory.stat": "cache 1\ntotal_inactive_file 0",
                "memory/memory.limit_in_bytes": f"{UNLIMITED}",
                "memory/memory.usage_in_bytes": f"{GIB}",
                "memory/memory.stat": "total_inactive_file 0",
            },
            2 * GIB,
            id="the first version",
        ),
        pytest.param(
            "0::/not/seen/from/here",
            {
                "memory.max": f"{GIB}",
                "memory.current": "0",
                "memory.stat": "inactive_file 0",
            },
            GIB,
            id="a container that sees its own group alone",
        ),
        pytest.param("0::/", {}, None, id="no limit"),
        pytest.param("nonsense:0", {}, None, id="other lines"),
    ],
)
def test_memory_that_a_group_does_not_give_is_not_free(group, files, left, tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "ROOT", system(tmp_path, group, files))
    available = 100 * GIB
    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: SimpleNamespace(available=available))
    assert memory.free_memory() == (available if left is None else left)
    assert free_memory(torch.device("cpu")) == memory.free_memory()
    plenty = left is None
    assert fits_memory((2**14, 2**14), 2**28) == plenty


def test_another_system_has_no_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "ROOT", tmp_path)
    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: SimpleNamespace(available=7))
    assert memory.free_memory() == 7


LIMITED = """
import hashlib, os, resource, sys
from pathlib import Path
import numpy as np
from napari_unet import anywhere
from napari_unet.arrays.source import Source
from napari_unet.progress import finish
from napari_unet.settings.prediction import PredictionSettings
from napari_unet.settings.segmentation import SegmentationSettings
from tests.conftest import make_bright_model

folder, megabytes, group = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
anywhere.user_cache_path = lambda *_, **__: folder
rows, columns = np.mgrid[:50, :50]
image = np.tile(np.where((rows - 25) ** 2 + (columns - 25) ** 2 < 300, 220, 0).astype(np.uint8), (160, 160))
chosen = SegmentationSettings(zoom=1, prediction=PredictionSettings(tile=256))

def segmented(image, name):
    source = Source.of(image, "YX", name=name)
    return finish(anywhere.segment_anywhere(source, make_bright_model(), chosen))

segmented(image[:500, :500].copy(), "loads all that is needed")
taken = next(line for line in open("/proc/self/status") if line.startswith("VmSize")).split()[1]
whole = resource.getrlimit(resource.RLIMIT_AS)
if group:
    (Path(group) / "cgroup.procs").write_text(str(os.getpid()))
elif megabytes:
    resource.setrlimit(resource.RLIMIT_AS, (int(taken) * 1024 + megabytes * 10**6, whole[1]))
result = segmented(image, "image")
resource.setrlimit(resource.RLIMIT_AS, whole)
if group:
    (Path(group).parent / "cgroup.procs").write_text(str(os.getpid()))
digest = hashlib.sha256(np.asarray(result.labels).astype(np.int32).tobytes()).hexdigest()
print(result.count, digest, anywhere.where_it_lies(result))
"""


@contextmanager
def limited_group(megabytes):
    """Make a control group of little memory, as a container has, for a while; skip where that is not allowed."""
    first, second = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
    top, limit = (first, "memory.limit_in_bytes") if first.exists() else (second, "memory.max")
    group = top / f"napari-unet-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    try:
        (group / limit).write_text(str(megabytes * 10**6))
        yield str(group)
    finally:
        group.rmdir()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit the addresses of a process")
def test_a_process_of_little_memory_makes_the_same_labels_on_disk(tmp_path):
    """The map and labels of 8000 x 8000 px alone are 320 MB; what computes a block needs about 350."""

    def run(megabytes, group=""):
        folder = str(tmp_path / f"{megabytes}{bool(group)}")
        arguments = [sys.executable, "-c", LIMITED, folder, str(megabytes), group]
        # glibc reserves 64 MB of addresses for each thread that allocates
        alone = {**os.environ, "MALLOC_ARENA_MAX": "1"}
        done = subprocess.run(arguments, check=True, capture_output=True, text=True, env=alone)
        count, digest, *where = done.stdout.split(maxsplit=2)
        return (int(count), digest), " ".join(where)

    expected, where = run(0)
    assert not where
    found, where = run(500)
    assert found == expected
    assert "do not fit into memory" in where
    with limited_group(500) as group:
        found, where = run(500, group)
    assert found == expected
    assert "do not fit into memory" in where
