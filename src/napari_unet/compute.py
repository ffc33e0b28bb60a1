"""Where tasks are computed: in this process, or on the workers of a dask scheduler, of one machine or of many.

A task is a function that takes a job, which all tasks share, and a call's arguments, and returns steps. Here they
run one after another; on a cluster each runs to its end on a worker, is tried again where a worker was lost, and
the steps count finished tasks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Lock
from time import sleep
from typing import Any, Protocol
from uuid import uuid4

from napari_unet.errors import UnetError, first_line
from napari_unet.progress import Progress, Steps, finish, map_progress

Task = Callable[..., Steps[Any]]
WatchedTask = Callable[[Any, Callable[[], bool]], Steps[Any]]
"""Takes a job, and what says whether to end early."""
STEPS = 100
"""Into how many steps a task counts: a percent is as fine as a bar shows."""
RETRIES = 3
"""How often a task is tried again that failed on a worker: its disk or memory may be short for a moment."""
POLL = 0.2
"""Seconds between looks at the scheduler: the time that a Cancel takes."""


class Compute(Protocol):
    """What runs tasks."""

    where: str
    """In words, for who waits: the page of a scheduler; empty for this process."""

    def run(self, task: Task, job: Any, calls: Sequence[tuple[Any, ...]], doing: str) -> Steps[list[Any]]:
        """Run a task for every call, in any order, and return the results in the order of the calls.

        The step that ends a task has its result for a `preview`. Without `doing` the tasks say what they do.
        """
        ...


class Here:
    """The process itself, one task after another."""

    where = ""

    def run(self, task: Task, job: Any, calls: Sequence[tuple[Any, ...]], doing: str) -> Steps[list[Any]]:
        """Run a task for every call."""
        results = []
        for number, call in enumerate(calls):
            share = _share(number, len(calls), doing)
            results.append((yield from map_progress(task(job, *call), share)))
            yield _progress(number + 1, len(calls), doing, results[-1])
        return results


def _share(number: int, count: int, doing: str) -> Callable[[Progress], Progress]:
    """Return how the progress of one task counts among that of all."""

    def share(step: Progress) -> Progress:
        part = min(1.0, step.done / step.total) if step.total else 0.0
        return _progress(number + part, count, doing or step.doing, step.preview)

    return share


def _progress(done: float, count: int, doing: str, result: Any = None) -> Progress:
    return Progress(done=int(STEPS * done), total=STEPS * count, doing=doing, preview=result)


class Cluster:
    """The workers of a dask scheduler."""

    def __init__(self, client: Any) -> None:
        self._client = client
        page = client.dashboard_link
        self.where = f"the scheduler's page: {page}" if page else ""

    def run(self, task: Task, job: Any, calls: Sequence[tuple[Any, ...]], doing: str) -> Steps[list[Any]]:
        """Run a task for every call on the workers; closing the steps takes back what has not begun.

        What a lost worker took with it, the job that was sent there among it, is sent again.
        """
        results: dict[int, Any] = {}
        for _ in range(1 + RETRIES):
            yield _progress(len(results), max(1, len(calls)), doing)
            left = [number for number in range(len(calls)) if number not in results]
            yield from self._round(task, job, {number: calls[number] for number in left}, doing, results)
            if len(results) == len(calls):
                return [results[number] for number in range(len(calls))]
        raise UnetError("workers were lost again and again: look at the scheduler's page, then run it again")

    def follow(self, task: WatchedTask, job: Any, stopped: Callable[[], bool]) -> Steps[Any]:
        """Run one task on a worker and yield its steps as they come, without previews; return its result.

        The task ends early once `stopped` returns True, and when the steps are closed.
        """
        from distributed import Event

        told: SimpleQueue[dict[str, Any]] = SimpleQueue()
        topic = f"napari-unet-{uuid4().hex}"
        self._client.subscribe_topic(topic, lambda event: told.put(event[1]["step"]))
        ended = Event(topic, client=self._client)
        future = self._client.submit(_telling, task, job, topic, pure=False)
        step = Progress(done=0, total=0, doing="Waiting for a worker")
        try:
            while future.status == "pending" or not told.empty():
                step = Progress(**told.get()) if not told.empty() else step
                yield step
                if stopped() and not ended.is_set():
                    ended.set()
                if told.empty():
                    sleep(POLL)
            if future.status != "finished":
                raise _failure(future)
            return future.result()
        finally:
            ended.set()
            self._client.unsubscribe_topic(topic)
            self._client.cancel([future])

    def _round(
        self, task: Task, job: Any, calls: dict[int, tuple[Any, ...]], doing: str, results: dict[int, Any]
    ) -> Steps[None]:
        """Run a task for some calls, and enter in `results` what comes of those that are not lost."""
        total = len(results) + len(calls)
        shared = self._client.scatter(job, broadcast=True, hash=False)
        numbers = {
            self._client.submit(
                _finished, task, shared, call, pure=False, retries=RETRIES, priority=-number
            ): number
            for number, call in calls.items()
        }
        try:
            pending = set(numbers)
            while pending:
                done = {future for future in pending if future.status != "pending"}
                pending -= done
                for future in done:
                    if future.status == "error":
                        raise _failure(future)
                    if future.status == "finished":
                        results[numbers[future]] = future.result()
                        yield _progress(len(results), total, doing, results[numbers[future]])
                yield _progress(len(results), total, doing)
                if not done:  # not distributed.wait: it sets dask's scheduler for all threads of the process
                    sleep(POLL)
        finally:
            self._client.cancel(list(numbers))


def _telling(task: WatchedTask, job: Any, topic: str) -> Any:
    """Run one task to its end, on a worker, and tell of its steps."""
    from distributed import Event, get_worker

    def tell(step: Progress) -> None:
        said = {"done": step.done, "total": step.total, "doing": step.doing, "figures": dict(step.figures)}
        get_worker().log_event(topic, {"step": said})

    ended = Event(topic)
    ended.is_set()  # the first time, this makes distributed's scheduler that of dask, which _ALONE then replaces
    with _ALONE:
        return finish(task(job, ended.is_set), tell)


def _finished(task: Task, job: Any, call: tuple[Any, ...]) -> Any:
    """Run one task to its end, on a worker."""
    with _ALONE:
        return finish(task(job, *call))


class _Alone:
    """While any task runs here, an image that is a dask array is computed by the thread that reads it.

    dask's settings are those of the whole process, and a worker may have several threads: the first task to begin
    sets them, the last one to end takes them back.
    """

    def __init__(self) -> None:
        self._lock, self._tasks = Lock(), 0
        self._setting: Any = None

    def __enter__(self) -> None:
        import dask

        with self._lock:
            self._tasks += 1
            if self._tasks == 1:
                self._setting = dask.config.set(scheduler="synchronous")

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._tasks -= 1
            if self._tasks == 0:
                self._setting.__exit__(None, None, None)


_ALONE = _Alone()


def _failure(future: Any) -> Exception:
    """Return why a task failed: our own sentence, or that of the worker."""
    error = future.exception()
    if isinstance(error, UnetError):
        return error
    return UnetError(f"a worker failed ({first_line(error)}): look at the scheduler's page, then run it again")


LOCAL = re.compile(r"local(?::([1-9]\d*))?")


@contextmanager
def computing_on(where: str | None) -> Iterator[Compute]:
    """Yield what computes: this process for None, else the workers that `workers_of` gives."""
    if where is None:
        yield Here()
    else:
        with workers_of(where) as cluster:
            yield cluster


@contextmanager
def workers_of(where: str) -> Iterator[Cluster]:
    """Yield N processes of this computer for "local:N", else the workers of the scheduler at an address.

    Raises
    ------
    UnetError
        dask.distributed is not installed, or no scheduler answers.
    """
    client, cluster = _connected(where)
    try:
        yield Cluster(client)
    finally:
        client.close()
        if cluster is not None:
            cluster.close()


def _connected(where: str) -> tuple[Any, Any]:
    """Return the client of a scheduler, and the cluster that was started for it, if any."""
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise UnetError(
            "other processes and machines need dask.distributed: pip install napari-unet-interactive[distributed]"
        ) from None
    local = LOCAL.fullmatch(where)
    is_address = "://" in where or (re.fullmatch(r"[\w.-]+:\d+", where) and not where.startswith("local:"))
    if local is None and not is_address:
        raise UnetError(
            f"a scheduler is named local, local:N, or by its address as tcp://HOST:PORT, got {where!r}"
        )
    try:
        if local is None:
            return Client(where, timeout="10s", set_as_default=False), None
        count = int(local[1]) if local[1] else None
        cluster = LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=":0")
        return Client(cluster, set_as_default=False), cluster
    except RuntimeError as error:
        raise UnetError(
            f"worker processes do not start ({first_line(error)}): a script that asks for them needs "
            'if __name__ == "__main__": before its first line that does something'
        ) from None
    except (OSError, ValueError, TimeoutError) as error:
        raise UnetError(
            f"no scheduler answers at {where} ({first_line(error)}): start one with dask scheduler"
        ) from None
