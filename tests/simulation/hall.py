"""A hall that runs unchanged on the simulated loop: its writer, its settle worker, its web application, its clerks."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import httpx2
from sqlalchemy import event

from hall.app import build
from hall.bureaus.books import Books
from hall.bureaus.client import Absent, Received, RefusedBy, Silent
from hall.bureaus.contract import Declaration, Entry, Ledger, Receipt, Refusal
from hall.queue.desk import StaffSession
from hall.queue.refusal import Refused
from hall.queue.staff import sit_down
from hall.queue.views import ActionReply, ActionRequest, WindowAction
from hall.server import HallServer
from hall.settings import Settings
from hall.store.writer import StorageFailed
from kiosk.domain.filing import Bureau
from tests.simulation.clockwork import PowerCut, Process, owner, pause, point, this_thread

if TYPE_CHECKING:
    from tests.simulation.releases import Press
    from tests.simulation.town import Town

Answer = tuple[int, list[tuple[bytes, bytes]], bytes]


class BureauSystem:
    """One bureau's real books behind a wire that is slow, silent, garbled, or dies between receipt and answer."""

    def __init__(self, town: Town, bureau: Bureau, data: Path, chance: Random) -> None:
        self.town, self.chance = town, chance
        self.books = Books(data, bureau)
        self.down = False
        self.loss = 0.0
        self.slow_s = 0.0

    async def _there(self, timeout_s: float) -> Silent | None:
        """The way to the bureau; what is lost on it was never heard."""
        seconds = self.chance.uniform(0.005, 0.05) + (self.chance.uniform(0, self.slow_s) if self.slow_s else 0)
        if self.down or self.chance.random() < self.loss:
            await asyncio.sleep(min(timeout_s, 2.0))
            return Silent("no answer")
        if seconds > timeout_s:
            # Who has lost patience has not taken anything back: the request goes on its way all the same.
            await asyncio.sleep(timeout_s)
            return Silent("too late")
        await asyncio.sleep(seconds)
        return None

    async def _hand_in(self, act: Callable[[], Receipt | Refusal], timeout_s: float) -> Received | RefusedBy | Silent:
        before = await self._there(timeout_s)
        if before is not None:
            if before.reason == "too late":
                self.town.loop.at(self.slow_s, self._late, act)
            return before
        self.town.count("bureau")
        decided = act()
        if self.chance.random() < 0.03:
            act()
        if self.down or self.chance.random() < self.loss:
            self.town.count_fault("bureau's answer lost")
            await asyncio.sleep(1.0)
            return Silent("the line broke")
        await asyncio.sleep(self.chance.uniform(0.005, 0.03))
        return Received(decided) if isinstance(decided, Receipt) else RefusedBy(decided.problem, decided.key)

    def _late(self, act: Callable[[], Receipt | Refusal]) -> None:
        self.town.count_fault("declared late")
        act()

    async def declare(self, declaration: Declaration, timeout_s: float) -> Received | RefusedBy | Silent:
        return await self._hand_in(lambda: self.books.declare(declaration, self.town.now()), timeout_s)

    async def enter(self, entry: Entry, timeout_s: float) -> Received | RefusedBy | Silent:
        return await self._hand_in(lambda: self.books.enter(entry, self.town.now()), timeout_s)

    async def _ask(self, find: Callable[[], Receipt | None], timeout_s: float) -> Received | Absent | Silent:
        before = await self._there(timeout_s)
        if before is not None:
            return before
        self.town.count("bureau")
        found = find()
        await asyncio.sleep(0.01)
        return Received(found) if found is not None else Absent()

    async def ask_return(self, key: str, timeout_s: float) -> Received | Absent | Silent:
        return await self._ask(lambda: self.books.ask_return(key), timeout_s)

    async def ask_entry(self, key: str, timeout_s: float) -> Received | Absent | Silent:
        return await self._ask(lambda: self.books.ask_entry(key), timeout_s)

    async def ledger(self, day: Any, timeout_s: float) -> Ledger:
        return self.books.ledger(day)

    async def close(self) -> None:
        pass


class HallClock:
    def __init__(self, town: Town, error_s: float) -> None:
        self._town = town
        self.error_s = error_s

    def now(self) -> datetime:
        return self._town.now() + timedelta(seconds=self.error_s)


class House:
    """One hall: what is there when its server is dead, and the server while it lives."""

    def __init__(self, town: Town, name: str, data: Path, settings: Settings, chance: Random) -> None:
        self.town, self.name, self.data, self.settings, self.chance = town, name, data, settings, chance
        self.clock = HallClock(town, chance.uniform(-2.0, 2.0))
        self.bureaus = {bureau: BureauSystem(town, bureau, data, chance) for bureau in Bureau}
        self.process: Process | None = None
        self.server: HallServer
        self.answers_calls = False
        self.clerks: list[Clerk] = []
        self.press: Press
        self.down_since: float | None = None
        self.disk_s = 0.0

    # ---- its life --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to start; it answers calls a moment later."""
        process = self.process = Process(self.name, self.town)
        process.on_death.append(self._died)
        self.context = contextvars.copy_context()
        self.context.run(owner.set, process)
        try:
            self.context.run(self._put_together)
        except PowerCut:
            return
        self.town.loop.create_task(self._begin(process), context=self.context)

    def _put_together(self) -> None:
        self.server = HallServer(self.data, self.settings, self.clock)
        event.listen(self.server.database.writer, "begin", self._takes_time, insert=True)
        for engine in (self.server.database.writer, self.server.database.reader):
            event.listen(engine, "before_cursor_execute", lambda *_: point())
        event.listen(self.server.database.writer, "commit", lambda connection: point())
        self.app = build(self.server)
        self.app.middleware_stack = self.app.build_middleware_stack()

    def _takes_time(self, connection: Any) -> None:
        """What a commit takes, spent before the transaction begins: others queue up for it meanwhile."""
        if this_thread() is not None:
            pause(self.disk_s or self.chance.uniform(0.0005, 0.01))
            self.town.count("group commit")

    async def _begin(self, process: Process) -> None:
        await self.server.start()
        if process.alive:
            self.answers_calls = True
            self.down_since = None

    def _died(self) -> None:
        self.answers_calls = False
        self.down_since = self.town.loop.time()
        server = self.server
        server.events.close()
        self.town.loop.at(0.001, server.database.close)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.alive

    # ---- its web application ---------------------------------------------------------------------------------------

    def serve(self, request: httpx2.Request, answered: Callable[[Answer | None], None]) -> None:
        task = self.town.loop.create_task(self._serve(request), context=self.context)

        def over(done: asyncio.Task[Answer]) -> None:
            if done.cancelled() or isinstance(done.exception(), PowerCut):
                answered(None)
            elif (error := done.exception()) is not None:
                self.town.defect(f"{self.name}: {request.url.path}: {type(error).__name__}: {error}")
                answered(None)
            else:
                answered(done.result())

        task.add_done_callback(over)

    async def _serve(self, request: httpx2.Request) -> Answer:
        path, _, query = request.url.raw_path.partition(b"?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": request.url.path,
            "raw_path": path,
            "query_string": query,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("127.0.0.1", 1),
            "server": ("hall", 80),
            "root_path": "",
            "app": self.app,
        }
        body = request.content
        status, headers, parts = 500, [], []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status, headers = message["status"], list(message.get("headers", ()))
            else:
                parts.append(message.get("body", b""))

        await self.app.middleware_stack(scope, receive, send)  # type: ignore[misc]
        if status == 500:
            self.town.defect(f"{self.name} answers 500 to {request.method} {request.url.path}")
        return status, headers, b"".join(parts)


class Clerk:
    """Sits at a window and works through the line, with a screen that may be stale and an answer that may get lost."""

    def __init__(self, house: House, window: str, staff: int, chance: Random) -> None:
        self.house, self.window, self.staff, self.chance = house, window, staff, chance
        self.session: StaffSession | None = None
        self.seen: str | None = None
        """The number on this clerk's screen."""
        self.state = ""
        self.lossy = 0.0

    def begin(self) -> None:
        self.house.town.loop.at(self.chance.uniform(0.5, 5.0), self._work)

    def _work(self) -> None:
        self.house.town.loop.at(self.chance.uniform(2.0, 12.0), self._work)
        if not self.house.answers_calls or self.house.town.closing:
            return
        self.house.town.count("clerk")
        if self.session is None:
            self._do(self._sit())
            return
        self._do(self._act(*self._wanted()))

    def _do(self, coroutine: Any) -> None:
        task = self.house.town.loop.create_task(coroutine, context=self.house.context)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, PowerCut):
            self.house.town.defect(f"window {self.window}: {type(error).__name__}: {error}")

    async def _sit(self) -> None:
        try:
            _, session = await self.house.server.writer.run(
                lambda work: sit_down(work, self.staff, f"clerk {self.window}", self.window)
            )
        except (Refused, StorageFailed):
            return
        self.session = session

    def _wanted(self) -> tuple[WindowAction, ActionRequest]:
        chance, now = self.chance.random(), WindowAction
        if self.seen is None:
            return (now.CALL_NEXT, ActionRequest()) if chance < 0.97 else (now.PAUSE, ActionRequest())
        mine = ActionRequest(number=self.seen)
        if chance < 0.35 and self.state == "called":
            return now.START, mine
        if chance < 0.45:
            return now.RECALL, mine
        if chance < 0.52:
            return now.NO_SHOW, mine
        if chance < 0.58:
            return now.PARK, mine
        if chance < 0.66:
            others = [clerk.window for clerk in self.house.clerks if clerk is not self]
            to = self.chance.choice([None, *others])
            return now.TRANSFER, ActionRequest(number=self.seen, to_window=to)
        if chance < 0.80:
            return now.FINISH, mine
        return now.CALL_NEXT, ActionRequest(finish=True, current=self.seen)

    async def _act(self, action: WindowAction, request: ActionRequest) -> None:
        session = self.session
        assert session is not None
        try:
            reply: ActionReply = await self.house.server.desk.do(session, action, request)
        except Refused as refused:
            if refused.problem == "session_ended":
                self.session = None
            if refused.problem == "window_closed":
                await self._act(WindowAction.OPEN, ActionRequest())
            elif refused.problem not in ("nobody_waiting", "not_allowed"):
                await self._look()
            return
        except StorageFailed:
            return
        if self.chance.random() < self.lossy:
            self.house.town.count_fault("window's answer lost")
            return
        self._sees(reply.current)

    async def _look(self) -> None:
        self._sees(self.house.server.desk.window(self.window).current)

    def _sees(self, current: Any) -> None:
        self.seen, self.state = (current.number, current.state) if current is not None else (None, "")
