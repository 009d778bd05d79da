"""Time that goes on only when nothing is left to do now, and threads of which only one runs at a time.

Product code keeps its threads, its queues and its event loop. Here an event loop with a clock of its own decides whose
turn it is, so that one seed gives one history: a thread runs until it waits for something, then hands the turn back.
"""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

#: Enough for SQLAlchemy's deepest call; five hundred threads of the usual eight megabytes would be four gigabytes.
_STACK = 512 * 1024

#: Seconds. Sums of floats are a little off; nothing here lasts less.
_TICK = 1e-5


class PowerCut(BaseException):
    """This process has died. No handler of product code catches it, no ``finally`` gets past the next wait."""


class Deadlock(RuntimeError):
    """Nothing will ever happen again."""


class Process:
    """What dies as a whole: a kiosk's front end, its agent, a hall."""

    def __init__(self, name: str, town: Any) -> None:
        self.name = name
        self.town = town
        self.alive = True
        self.fuse: int | None = None
        """It dies at the so-manieth point from now: a statement, a commit, a byte that leaves, a word of a device."""
        self.threads: list[SimThread] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self.on_death: list[Callable[[], None]] = []
        self.points = 0

    def point(self) -> None:
        """A place at which power may go. Raises PowerCut."""
        if not self.alive:
            raise PowerCut(self.name)
        self.points += 1
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse <= 0:
                self.kill()
                raise PowerCut(self.name)

    def kill(self) -> None:
        if not self.alive:
            return
        self.alive = False
        self.fuse = None
        for thread in self.threads:
            thread.wake()
        for task in self.tasks:
            if not task.done():
                task.cancel()
        for told in self.on_death:
            told()


#: Whose code runs now; None: the world's own.
owner: contextvars.ContextVar[Process | None] = contextvars.ContextVar("owner", default=None)


def point() -> None:
    """Where power may go, of whatever process runs now."""
    process = running()
    if process is not None:
        process.point()


def running() -> Process | None:
    thread = _turn.get(threading.get_ident())
    return thread.process if thread is not None else owner.get()


class Loop(asyncio.BaseEventLoop):
    """An event loop without sockets, whose clock stands still while anything runs."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 1_000.0
        self._selector = self
        self._clock_resolution = _TICK / 10
        self.turns = 0
        self.set_task_factory(_remember_task)

    # ---- what BaseEventLoop wants of a selector ----------------------------------------------------------------------

    def time(self) -> float:
        return self._now

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise Deadlock("nothing is planned any more")
        if timeout > 0:
            self._now += timeout
        return []

    def _process_events(self, event_list: Any) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]
        """``asyncio.to_thread``: done at once, so that it is done in the same order every time."""
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done

    # ---- time ------------------------------------------------------------------------------------------------------

    def skip(self, seconds: float) -> None:
        """Time goes by in which nothing ran; what was due meanwhile is late."""
        self._now += seconds

    def at(self, delay: float, act: Callable[..., None], *args: Any) -> asyncio.TimerHandle:
        """Of the world itself, never of whichever process happens to run."""
        return self.call_at(self._now + delay, act, *args, context=_WORLD)


_WORLD = contextvars.copy_context()


def _remember_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
    task = asyncio.Task(coroutine, loop=loop, **options)
    context = options.get("context")
    process = context.get(owner) if context is not None else running()
    if process is not None:
        if len(process.tasks) > 256:
            process.tasks[:] = [each for each in process.tasks if not each.done()]
        process.tasks.append(task)
    return task


# ---- threads -------------------------------------------------------------------------------------------------------

_turn: dict[int, SimThread] = {}
_loop: Loop | None = None


def use(loop: Loop | None) -> None:
    """The loop that threads and queues made from now on belong to."""
    global _loop
    _loop = loop


def _the_loop() -> Loop:
    if _loop is None:
        raise RuntimeError("no simulation runs")
    return _loop


_idle: list[_Body] = []


class _Body:
    """A real thread that lends itself to one simulated thread after the other."""

    def __init__(self) -> None:
        self.go = threading.Lock()
        self.back = threading.Lock()
        self.go.acquire()
        self.back.acquire()
        self.soul: SimThread | None = None
        threading.stack_size(_STACK)
        threading.Thread(target=self._run, name="simulated", daemon=True).start()
        threading.stack_size(0)

    def _run(self) -> None:
        while True:
            self.go.acquire()
            soul = self.soul
            if soul is not None:
                _turn[threading.get_ident()] = soul
                soul.live()
                del _turn[threading.get_ident()]
                self.soul = None
                del soul
            self.back.release()


class SimThread:
    """``threading.Thread``, as far as product code uses it."""

    def __init__(self, target: Callable[[], None], name: str = "", daemon: bool | None = None) -> None:
        self._target = target
        self.name = name
        self.process = running()
        self._loop = _the_loop()
        self._body: _Body | None = None
        self._ended = False
        self._started = False
        self._planned = False
        self.waiting_for: object = None
        self.problem: BaseException | None = None

    def start(self) -> None:
        self._started = True
        if self.process is not None:
            self.process.threads.append(self)
        self.wake()

    def is_alive(self) -> bool:
        return self._started and not self._ended

    def join(self, timeout: float | None = None) -> None:
        deadline = None if timeout is None else self._loop.time() + timeout
        while self.is_alive() and (deadline is None or self._loop.time() < deadline):
            pause(0.05)

    # ---- whose turn it is --------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """It gets its turn soon; once, however often it is woken before."""
        if not self._planned and not self._ended and self._started:
            self._planned = True
            self._loop.call_soon(self._take_turn, context=_WORLD)

    def _take_turn(self) -> None:
        self._planned = False
        if self._ended:
            return
        self._loop.turns += 1
        if self._body is None:
            self._body = _idle.pop() if _idle else _Body()
            self._body.soul = self
        body = self._body
        body.go.release()
        body.back.acquire()
        if not self.is_alive():
            self._body = None
            _idle.append(body)

    def live(self) -> None:
        try:
            if self.process is None or self.process.alive:
                self._target()
        except PowerCut:
            pass
        except BaseException as error:
            self.problem = error
            if self.process is not None:
                self.process.town.defect(f"thread {self.name} ended by {type(error).__name__}: {error}")
        finally:
            self._ended = True

    def park(self) -> None:
        """Hand the turn back until woken. Raises PowerCut in a process that has died."""
        body = self._body
        if body is None:
            raise RuntimeError("only a running thread waits")
        body.back.release()
        body.go.acquire()
        if self.process is not None and not self.process.alive:
            raise PowerCut(self.process.name)


def this_thread() -> SimThread | None:
    return _turn.get(threading.get_ident())


def pause(seconds: float) -> None:
    """The thread that runs now sleeps; other things happen meanwhile."""
    thread = this_thread()
    if thread is None:
        raise RuntimeError("only threads sleep")
    until = thread._loop.time() + seconds
    thread._loop.call_at(until, thread.wake, context=_WORLD)
    while thread._loop.time() < until - _TICK:
        thread.park()


def wait_until(ready: Callable[[], bool], waiters: list[SimThread], timeout: float | None) -> bool:
    """Park among ``waiters`` until ``ready``, or the time is over."""
    if ready():
        return True
    thread = this_thread()
    if thread is None:
        return False
    loop = thread._loop
    deadline = None if timeout is None else loop.time() + timeout
    handle = None if deadline is None else loop.call_at(deadline, thread.wake, context=_WORLD)
    waiters.append(thread)
    try:
        while True:
            thread.park()
            if ready():
                return True
            if deadline is not None and loop.time() >= deadline - _TICK:
                return False
    finally:
        waiters.remove(thread)
        if handle is not None:
            handle.cancel()


class SimEvent:
    """``threading.Event``."""

    def __init__(self) -> None:
        self._set = False
        self.waiters: list[SimThread] = []

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        self._set = True
        for thread in self.waiters:
            thread.wake()

    def clear(self) -> None:
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        return wait_until(self.is_set, self.waiters, timeout)


class SimQueue:
    """``queue.SimpleQueue``."""

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._waiters: list[SimThread] = []

    def __class_getitem__(cls, item: Any) -> type[SimQueue]:
        return cls

    def put(self, item: Any) -> None:
        self._items.append(item)
        if self._waiters:
            self._waiters[0].wake()

    def qsize(self) -> int:
        return len(self._items)

    def empty(self) -> bool:
        return not self._items

    def get_nowait(self) -> Any:
        if not self._items:
            raise queue.Empty
        return self._items.popleft()

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        if not wait_until(lambda: bool(self._items), self._waiters, timeout):
            raise queue.Empty
        return self._items.popleft()


class ThreadingInstead:
    """Stands where a product module says ``threading``."""

    Thread = SimThread
    Event = SimEvent
    Lock = staticmethod(threading.Lock)
    RLock = staticmethod(threading.RLock)
    get_ident = staticmethod(threading.get_ident)


class QueueInstead:
    """Stands where a product module says ``queue``."""

    SimpleQueue = SimQueue
    Empty = queue.Empty
