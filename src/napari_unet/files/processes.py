"""Which process made a file, and whether it still runs: a mark in the file's name."""

from __future__ import annotations

import hashlib
import os
import platform
from functools import cache

import psutil

DRIFT = 3
"""Seconds by which the start of a process may seem to move when the clock of the computer is set."""


def process_mark() -> str:
    """Return `machine-process-start` of this process."""
    return f"{machine()}-{os.getpid()}-{_started(os.getpid())}"


def is_running(mark: str) -> bool:
    """Whether the process of a mark runs, as far as can be seen: those of other machines count as running.

    ValueError where the text is no mark.
    """
    host, pid, started = mark.split("-")
    if mark == process_mark():  # whatever became of the clock since it was made
        return True
    if host != machine():
        return True
    try:
        return abs(psutil.Process(int(pid)).create_time() - int(started)) <= DRIFT
    except (psutil.NoSuchProcess, OverflowError):
        return False
    except psutil.AccessDenied:
        return True


@cache
def machine() -> str:
    """Return what tells this machine from others with the same home folder, without a hyphen."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


@cache
def _started(pid: int) -> int:
    """Return when a process started, in seconds; asked by number, since a forked process is another one."""
    return int(psutil.Process(pid).create_time())
