"""Which process wrote a file: this one runs, one that is gone does not, of other machines nothing is known."""

import psutil
import pytest

from napari_unet.files.processes import is_running, process_mark


def test_this_process_runs_however_the_clock_was_set_meanwhile(monkeypatch):
    mark, create_time = process_mark(), psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: create_time(process) + 3600)
    assert is_running(mark)


def test_a_number_that_another_process_has_by_now_is_not_running():
    host, pid, started = process_mark().split("-")
    assert not is_running(f"{host}-{pid}-{int(started) - 3600}")
    assert is_running(f"0badcafe-{pid}-1"), "of another machine"


def test_a_text_that_is_no_mark_is_refused():
    with pytest.raises(ValueError, match="unpack"):
        is_running("a-b")
