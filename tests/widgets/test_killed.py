"""What was painted more than 15 seconds before the process is killed is not lost, and no model is half there."""

import os
import random
import signal
import subprocess
import sys
import time
from functools import partial

import numpy as np
import pytest

from napari_unet.files.session import former_sessions, sessions_folder
from napari_unet.models.library import entries
from napari_unet.widgets.autosave.watcher import EVERY

MAY_BE_LOST = 15
QUICK, SAVES = 1.0, 3
"""Seconds between two looks in a test that is not to take long, and how often the paint is saved in it."""


def kill_while_painting(folder, wait, every):
    """Let the painter paint until `wait` returns, kill it, and return when, and its diary."""
    diary = folder / "diary.txt"
    diary.touch()
    environment = {**os.environ, "XDG_DATA_HOME": str(folder / "data"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.widgets.paint_for_ever", str(diary), str(every)]
    painter = subprocess.Popen(command, env=environment)
    while not diary.read_text():
        assert painter.poll() is None
        time.sleep(0.1)
    wait()
    painter.send_signal(signal.SIGKILL)
    painter.wait()
    killed = time.time()
    lines = [line.split() for line in diary.read_text().splitlines() if line.count(" ") == 2]
    return killed, [(float(at), int(row), int(column)) for at, row, column in lines]


def wait_until_saved(moments):
    """Wait until the paint was saved some times, and append when each time was over."""
    while len(moments) < SAVES:
        time.sleep(0.05)
        for index in sessions_folder().glob("*/session.json"):  # what is written last
            if index.stat().st_mtime not in moments:
                moments.append(index.stat().st_mtime)


def check(killed, strokes, may_be_lost):
    """Compare what is restored with the diary."""
    [session] = former_sessions()
    [saved] = session.read().layers
    values = saved.arrays["values"]
    kept = [values[row, column] > 0 for at, row, column in strokes if killed - at > may_be_lost]
    assert all(kept)
    assert np.count_nonzero(values) > 0
    for entry in entries():
        assert not entry.fault
    return len(kept)


def test_a_killed_window_loses_at_most_seconds(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    moments = []
    _, strokes = kill_while_painting(tmp_path, partial(wait_until_saved, moments), QUICK)
    *_, last_but_one, _ = moments  # the last look began after it, on a machine as busy as may be
    assert check(last_but_one, strokes, 0) > 0


@pytest.mark.slow
@pytest.mark.parametrize("number", range(20))
def test_a_window_killed_at_any_moment_loses_at_most_seconds(tmp_path, monkeypatch, number):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    seconds = random.Random(number).uniform(7, 35)
    check(*kill_while_painting(tmp_path, partial(time.sleep, seconds), EVERY), MAY_BE_LOST)
