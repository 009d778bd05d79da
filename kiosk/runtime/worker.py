"""A thread with a line of jobs: one for each thing that can be slow, so that no hung device delays another."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

import structlog

log = structlog.get_logger()

Job = Callable[[], None]


class Worker:
    """Does its jobs one after the other; ``idle`` is called whenever there was none for ``idle_every_s`` seconds."""

    def __init__(self, name: str, idle: Job | None = None, idle_every_s: float = 1.0) -> None:
        self.name = name
        self._idle = idle
        self._idle_every_s = idle_every_s
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def lives(self) -> bool:
        return self._thread.is_alive()

    def submit(self, job: Job) -> None:
        self._jobs.put(job)

    def stop(self, timeout: float) -> bool:
        """No further jobs; True when the thread ended in time. A hung device keeps its thread: it is a daemon."""
        self._jobs.put(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        if self._idle is not None:
            self._guard(self._idle)
        while True:
            try:
                job = self._jobs.get(timeout=self._idle_every_s if self._idle else None)
            except queue.Empty:
                job = self._idle
            if job is None:
                return
            self._guard(job)
            # A job may hold a person; none is kept while the next one is waited for.
            del job

    def _guard(self, job: Job) -> None:
        try:
            job()
        except Exception:
            # A defect of ours: the job's deadline tells the visit; the thread goes on with the next job.
            log.exception("job-failed", worker=self.name)
