"""The forecast follows the last run: what is read and measured stays, the tiles grow with the pixels."""

import re

import pytest

from napari_unet.models.library import SHIPPED
from napari_unet.models.spec import read_spec
from napari_unet.progress import Progress
from napari_unet.settings.prediction import PredictionSettings
from napari_unet.widgets.segment import duration
from napari_unet.widgets.segment.duration import Duration, Stopwatch
from napari_unet.widgets.segment.preflight import SpeedRecord

SPEC = read_spec(SHIPPED / "nuclei.safetensors")
CPU = PredictionSettings(device="cpu")


def forecast(record, pixels, settings=CPU):
    return record.forecast(SPEC, "nuclei", settings, pixels)


def test_a_stack_takes_as_many_tiles_as_it_has_planes():
    record = SpeedRecord()
    record.remember("nuclei", CPU, "CPU, 2 threads", 10**6, Duration(fixed=3.0, tiles=4.0))
    assert forecast(record, 10**6) == "Runs on CPU, 2 threads, about 7 s."
    assert forecast(record, 20 * 10**6) == "Runs on CPU, 2 threads, about 83 s."
    other = PredictionSettings(device="cpu", rotations=True)
    assert "7 s" not in forecast(record, 10**6, other)


def test_before_the_first_run_it_is_a_guess():
    assert re.fullmatch(r"Runs on the CPU, about \d+ s on a CPU\.", forecast(SpeedRecord(), 10**7))


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(duration.time, "monotonic", lambda: now[0])
    return now


def test_reading_and_measuring_are_told_from_the_tiles(clock):
    watch = Stopwatch()
    for at, done, total in ((1, 0, 0), (3, 0, 0), (5, 1, 4), (6, 0, 0), (11, 4, 4)):
        clock[0] = at
        watch.see(Progress(done=done, total=total))
    assert watch.duration() == Duration(fixed=3, tiles=8)
