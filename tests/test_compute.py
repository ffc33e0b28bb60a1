"""Tasks on workers: what they set in a process is theirs alone."""

import threading
import time

import dask
import dask.array as da
import numpy as np
import pytest
from distributed import LocalCluster

from napari_unet.compute import workers_of
from napari_unet.progress import Progress, finish


def short(job, call):
    """Take a moment."""
    time.sleep(0.05)
    yield Progress(done=1, total=1)
    return job + call


def test_while_workers_compute_other_threads_keep_their_dask(scheduler):
    """A window that draws a dask array meanwhile would fail: no client is that of its thread."""
    seen, over = set(), threading.Event()

    def look():
        while not over.is_set():
            seen.add(dask.config.get("scheduler", None))
            time.sleep(0.001)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        with workers_of(scheduler) as cluster:
            assert finish(cluster.run(short, 10, [(n,) for n in range(20)], "Adding")) == list(range(10, 30))
    finally:
        over.set()
        looking.join()
    assert "dask.distributed" not in seen


def thread_that_reads(job, stopped):
    """Ask whether to stop, then read a dask array; return this thread and the one that computed the array."""
    stopped()
    yield Progress(done=0, total=1)
    return threading.get_ident(), int(np.asarray(job)[0])


@pytest.fixture
def one_worker():
    """The address of a scheduler with a single worker of a single thread."""
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:
        yield cluster.scheduler_address


def test_a_watched_task_reads_a_dask_array_itself(one_worker):
    """Given to the scheduler, it would be work for others, which the task had to wait for."""
    image = da.map_blocks(lambda block: block + threading.get_ident(), da.zeros(1, dtype=np.int64))
    with workers_of(one_worker) as cluster:
        mine, reader = finish(cluster.follow(thread_that_reads, image, lambda: False))
    assert reader == mine
