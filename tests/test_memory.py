"""Running out of memory is one thing, whoever raises the error; labels are the same with less of it."""

import os
import subprocess
import sys

import pytest
import torch

from napari_unet.memory import is_out_of_memory


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


LIMITED = """
import hashlib, resource, sys
from pathlib import Path
import numpy as np
from napari_unet import anywhere
from napari_unet.arrays.source import Source
from napari_unet.progress import finish
from napari_unet.settings.prediction import PredictionSettings
from napari_unet.settings.segmentation import SegmentationSettings
from tests.conftest import make_bright_model

folder, megabytes = Path(sys.argv[1]), int(sys.argv[2])
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
if megabytes:
    resource.setrlimit(resource.RLIMIT_AS, (int(taken) * 1024 + megabytes * 10**6, whole[1]))
result = segmented(image, "image")
resource.setrlimit(resource.RLIMIT_AS, whole)
digest = hashlib.sha256(np.asarray(result.labels).astype(np.int32).tobytes()).hexdigest()
print(result.count, digest, anywhere.where_it_lies(result))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit the addresses of a process")
def test_a_process_of_little_memory_makes_the_same_labels_on_disk(tmp_path):
    """The map and labels of 8000 x 8000 px alone are 320 MB; what computes a block needs about 350."""

    def run(megabytes):
        arguments = [sys.executable, "-c", LIMITED, str(tmp_path / str(megabytes)), str(megabytes)]
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
