"""Let the Nth operation of a kind fail: opening, writing, syncing, renaming or making files, or taking memory."""

from __future__ import annotations

import errno
import os
import resource
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
EVENTS = {"open": "open", "rename": "rename", "link": "link", "mkdir": "mkdir"}
"""Audit events of the operating system that can be made to fail, as the last word of their names."""
ALLOCATING = {
    "astype", "tobytes", "getvalue", "dumps", "asarray", "array", "empty", "zeros", "ones", "empty_like",
    "ascontiguousarray", "frombuffer", "copy", "full", "serialize", "compress", "zlib_encode",
}  # fmt: skip
"""Functions in C that take memory for what is written."""


@dataclass
class Fault:
    """Which operation fails: the `at`th of a kind, from 0; none where `at` is -1. `seen` counts them."""

    kind: str
    at: int = -1
    seen: int = 0
    thread: int = 0

    def met(self):
        """Count one operation, and fail where it is the one."""
        self.seen += 1
        if self.seen - 1 == self.at:
            raise MemoryError if self.kind == "allocation" else OSError(FULL.errno, FULL.strerror)


_active: list[Fault] = []


def _hook(event, arguments):
    if not _active or threading.get_ident() != _active[0].thread:
        return
    fault = _active[0]
    if EVENTS.get(event.rpartition(".")[2]) == fault.kind and not (event == "open" and _only_reads(*arguments)):
        fault.met()


def _only_reads(path, mode, flags):
    return not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) or str(path).endswith((".pyc", "null"))


sys.addaudithook(_hook)


@contextmanager
def injected(kind, at=-1):
    """Within it the `at`th operation of a kind fails; yields the Fault, which counts. For "write", bytes count."""
    fault = Fault(kind, at, thread=threading.get_ident())
    if kind == "write":
        with _limited(at):
            yield fault
        return
    _active.append(fault)
    former = os.fsync
    try:
        if kind == "fsync":
            os.fsync = lambda descriptor: (fault.met(), former(descriptor))[1]
        if kind == "allocation":
            sys.setprofile(lambda _, event, what: _allocates(event, what) and fault.met())
        yield fault
    finally:
        sys.setprofile(None)
        os.fsync = former
        _active.clear()


def _allocates(event, what):
    return event == "c_call" and getattr(what, "__name__", "") in ALLOCATING


@contextmanager
def _limited(size):
    """Let no file grow beyond some bytes, as on a full disk, whoever writes it in whatever language."""
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    if size >= 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
