"""Open the card in a reader, and pass commands to it. URL: ``pcsc://`` for any reader, ``pcsc://NAME`` for one by name.

pcscd's own calls wait as long as reader and card please, and cannot be called off; a card that falls silent would keep
the caller for ever. So each connection has a thread of its own that makes the calls, and the caller waits for it with a
deadline. After a missed one the connection is worth nothing: its thread is left to end by itself, if it ever does.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from smartcard import scard

from drivers.contract import BadAnswer, DeviceError, TimedOut
from drivers.smart_card.apdu import Answer, Command, parse
from drivers.smart_card.errors import BROKE_OFF, NO_READERS, CardRemoved, ReaderGone, check
from drivers.transport import BadUrl

#: A card works on a signature for up to a second; readers give up on a card after about as long.
ANSWER_S = 3.0
OPEN_S = 3.0
#: Fetches of one long answer; a certificate takes eight.
_MOST_PARTS = 64

SCHEME = "pcsc://"

T = TypeVar("T")


class Connection:
    """One card, until it is pulled out. Raises CardRemoved, TimedOut, ServiceGone, ReaderGone, BadAnswer.

    Not for several threads at once, except ``close``.
    """

    def __init__(self, thread: _Thread, context: int, card: int, protocol: int, reader: str) -> None:
        self._thread = thread
        self._context = context
        self._card = card
        self._protocol = protocol
        self.reader = reader

    def exchange(self, command: Command, timeout: float = ANSWER_S) -> Answer:
        """One command and its whole answer, fetched in parts where the card gives it in parts."""
        answer = self._once(command, timeout)
        if answer.right_length is not None:
            again = Command(command.ins, command.p1, command.p2, command.data, answer.right_length, command.cla)
            answer = self._once(again, timeout)
        data = answer.data
        for _ in range(_MOST_PARTS):
            if answer.more is None:
                return Answer(answer.sw, data)
            answer = self._once(Command(0xC0, expected=answer.more, cla=command.cla), timeout)
            data += answer.data
        raise BadAnswer("an answer without an end")

    def _once(self, command: Command, timeout: float) -> Answer:
        raw = list(command.encode())
        result, answer = self._thread.call(
            lambda: scard.SCardTransmit(self._card, self._protocol, raw), timeout, "no answer from the card"
        )
        if result & 0xFFFFFFFF in BROKE_OFF or not (result or answer):
            raise CardRemoved(f"{command.ins:02X}: the card broke off")
        check(result, f"{command.ins:02X}")
        return parse(bytes(answer))

    def close(self) -> None:
        """May be called twice. The card loses its power, and with it whatever it was told."""
        self._thread.end(self.release)

    def release(self) -> None:
        """Give the card back to pcscd; for the connection's own thread."""
        scard.SCardDisconnect(self._card, scard.SCARD_UNPOWER_CARD)
        scard.SCardReleaseContext(self._context)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(url: str = SCHEME, timeout: float = OPEN_S) -> Connection:
    """The card that is in the reader now.

    Raises NoCard, BadCard, CardInUse, ReaderGone, ServiceGone, TimedOut; BadUrl for a URL that is none.
    """
    name = reader_name(url)
    thread = _Thread("smart-card")
    opened: list[Connection] = []

    def open_it() -> Connection:
        opened.append(_connect(thread, name))
        return opened[0]

    def let_go() -> None:
        for connection in opened:
            connection.release()

    try:
        return thread.call(open_it, timeout, "the reader did not open its card")
    except DeviceError:
        # One that opens after all, too late, must not keep the card for itself.
        thread.end(let_go)
        raise


def _connect(thread: _Thread, name: str) -> Connection:
    result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    check(result, "open the service")
    try:
        reader = choose(readers(context), name)
        # For us alone: what one program was allowed by PIN, another one would be too.
        result, card, protocol = scard.SCardConnect(
            context, reader, scard.SCARD_SHARE_EXCLUSIVE, scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        )
        check(result, "open the card")
    except DeviceError:
        scard.SCardReleaseContext(context)
        raise
    return Connection(thread, context, card, protocol, reader)


def reader_name(url: str) -> str:
    """What the reader's name has to contain. Raises BadUrl."""
    if not url.startswith(SCHEME):
        raise BadUrl(f"{url}: not {SCHEME} or {SCHEME}NAME")
    return url.removeprefix(SCHEME)


def readers(context: int) -> list[str]:
    """Raises ServiceGone."""
    result, names = scard.SCardListReaders(context, [])
    if result & 0xFFFFFFFF == NO_READERS:
        return []
    check(result, "list the readers")
    return list(names)


def choose(names: list[str], name: str) -> str:
    """The first whose name contains ``name``. Raises ReaderGone."""
    for reader in names:
        if name in reader:
            return reader
    raise ReaderGone(f"no smart-card reader {name!r} is there" if name else "no smart-card reader is there")


class _Thread:
    """Makes one connection's calls."""

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._lost = False
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def call(self, what: Callable[[], T], timeout: float, late: str) -> T:
        """Raises what ``what`` raises; TimedOut, and from then on CardRemoved: nobody knows what the card did since."""
        if self._lost:
            raise CardRemoved("the card fell silent, or was let go, before")
        answers: queue.SimpleQueue[T | Exception] = queue.SimpleQueue()

        def make() -> None:
            try:
                answers.put(what())
            except Exception as problem:
                answers.put(problem)

        self._calls.put(make)
        try:
            answer = answers.get(timeout=timeout)
        except queue.Empty:
            self._lost = True
            raise TimedOut(late) from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def end(self, last: Callable[[], object]) -> None:
        """After what it is doing now, ``last``; not waited for."""
        self._lost = True
        self._calls.put(last)
        self._calls.put(None)

    def _run(self) -> None:
        while (make := self._calls.get()) is not None:
            with suppress(Exception):
                make()
