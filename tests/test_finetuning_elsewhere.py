"""Fine-tuning on a worker of a scheduler: what this process would learn, told as it goes, stopped when asked."""

import time

import numpy as np
import pytest
import tifffile

from napari_unet.cli import main
from napari_unet.compute import workers_of
from napari_unet.errors import UnetError
from napari_unet.finetuning import fine_tune, fine_tune_steps
from napari_unet.progress import Progress, finish
from napari_unet.teaching.learning import TrainingMonitor
from tests.teaching.small import QUICK, image_and_truth, small_model, strokes

LONG = QUICK.replace(seconds=None, iterations=5000)


@pytest.fixture
def lesson():
    image, truth = image_and_truth()
    return image, strokes(truth)


def test_a_worker_learns_what_this_process_learns(lesson, scheduler):
    settings = QUICK.replace(seconds=None, iterations=6)
    here = finish(fine_tune_steps(small_model(), [lesson], settings=settings))
    told = []
    steps = fine_tune_steps(small_model(), [lesson], settings=settings, scheduler=scheduler)
    there = finish(steps, told.append)
    assert [one["score"] for one in there.history] == [one["score"] for one in here.history]
    for name, value in here.model.net.state_dict().items():
        np.testing.assert_array_equal(there.model.net.state_dict()[name].numpy(), value.numpy())
    losses = [step.figures["loss"] for step in told if "loss" in step.figures]
    assert len(set(losses)) == 6


class StopsAfterSomeSteps(TrainingMonitor):
    """Asks to stop as soon as the learning was seen to run."""

    running = False

    def stopped(self):
        return self.running


def test_stop_keeps_what_the_worker_has_learnt(lesson, scheduler):
    monitor = StopsAfterSomeSteps()

    def see(step):
        monitor.running |= step.done > 3

    steps = fine_tune_steps(small_model(), [lesson], settings=LONG, monitor=monitor, scheduler=scheduler)
    result = finish(steps, see)
    assert 3 < result.model.spec.training["fine_tuning"]["iterations"] + 1 < LONG.iterations


def forever(job, stopped):
    """Run until `stopped` returns True, then write a file."""
    while not stopped():
        yield Progress(done=0, total=1)
        time.sleep(0.01)
    job.write_text("ended")


def test_closing_the_steps_ends_the_task_on_the_worker(tmp_path, scheduler):
    word = tmp_path / "word.txt"
    with workers_of(scheduler) as cluster:
        steps = cluster.follow(forever, word, lambda: False)
        while next(steps).total != 1:
            pass
        steps.close()
        deadline = time.monotonic() + 300
        while not word.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
    assert word.read_text() == "ended"


def failing(job, stopped):
    yield Progress(done=0, total=1)
    raise UnetError(job)


def test_what_fails_on_the_worker_is_its_sentence(scheduler):
    with workers_of(scheduler) as cluster, pytest.raises(UnetError, match=r"^no room: free some$"):
        finish(cluster.follow(failing, "no room: free some", lambda: False))


def test_a_scheduler_that_does_not_answer_is_a_sentence(lesson):
    with pytest.raises(UnetError, match="a scheduler is named"):
        fine_tune(small_model(), [lesson], settings=QUICK, scheduler="lab")


def test_the_command_learns_on_a_worker(tmp_path, lesson, scheduler, capsys):
    image, painted = lesson
    tifffile.imwrite(tmp_path / "image.tif", image.astype(np.float32))
    tifffile.imwrite(tmp_path / "strokes.tif", painted.astype(np.uint16))
    small_model().save(tmp_path / "small.safetensors")
    arguments = ["--model", str(tmp_path / "small.safetensors"), "--output", str(tmp_path / "new.safetensors")]
    pair = [str(tmp_path / "image.tif"), str(tmp_path / "strokes.tif")]
    assert main(["fine-tune", *pair, *arguments, "--iterations", "3", "--scheduler", scheduler]) == 0
    assert "strokes" in capsys.readouterr().out
