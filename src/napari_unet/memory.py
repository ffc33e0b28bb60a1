"""Memory: how much is free, how it looks where it ran out, whoever raised the error, and the sentence on it.

A container or a job of a cluster may have less memory than its computer: the limits of its control groups (Linux)
count, because a process that exceeds one is killed without a word.

NumPy raises MemoryError, PyTorch its own OutOfMemoryError on a GPU and a plain RuntimeError on a CPU. All three
take the same ladder: smaller tiles (`nets.prediction`), a smaller batch (`teaching.learning`), then the sentence.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from napari_unet.errors import UnetError

SIGNS = ("out of memory", "can't allocate memory", "not enough memory", "could not create a primitive")
"""What PyTorch says, in lower case, where it could not allocate: CUDA, Linux and macOS, Windows, oneDNN."""

ROOT = Path("/")
"""Where the files of the system lie."""


def free_memory() -> int:
    """Return the bytes that this process can still get: of the computer's, or fewer where its group is limited."""
    return max(0, min([int(psutil.virtual_memory().available), *_left_in_groups(ROOT)]))


def _left_in_groups(root: Path) -> Iterator[int]:
    """Yield what each memory group of this process, and each group that holds it, leaves; nothing elsewhere.

    What a group used for files that were read can be had again. See "Control Group v2" and "Memory Resource
    Controller" of the Linux kernel's documentation.
    """
    groups: list[str] = []
    with suppress(OSError):
        groups = (root / "proc/self/cgroup").read_text().splitlines()
    for line in groups:
        controllers, found, path = line.partition(":")[2].partition(":")
        if not found:
            continue
        if not controllers:
            mounted, limit, used, idle = "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            mounted, limit, used = "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            idle = "total_inactive_file"
        else:
            continue
        top = root / mounted
        inner = top / path.strip("/")
        for folder in (inner, *inner.parents):
            with suppress(OSError, ValueError):  # no such group is seen from here, or it has no limit ("max")
                room = int((folder / limit).read_text()) - int((folder / used).read_text())
                facts = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
                yield room + int(facts.get(idle, 0))
            if folder == top:
                break


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out; PyTorch need not be imported to tell."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in SIGNS)


def out_of_memory(what: str) -> UnetError:
    """Return the error for something, as "tiles of 64 px", that does not fit into memory."""
    return UnetError(f"memory ran out with {what}: close other programs, or choose a part of the image")
