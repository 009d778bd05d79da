"""Questions to a printer over one open transport, and its answers as they come in."""

from __future__ import annotations

import time
from typing import Protocol

from drivers.contract import TimedOut
from drivers.printer.replies import Cleared, InOrder, ProcessEnded, Reply, ReplyReader, Status, Word
from drivers.printer.status import ERROR_CAUSE, OFFLINE_CAUSE, PAPER, PRINTER, Look, read_look

ANSWER_S = 0.25
"""How long a real-time question may go unanswered. A printer answers within milliseconds, even while it prints."""
CLEAR_S = 0.4
"""How long emptying the buffers may take."""
QUIET_S = 0.3
"""After an in-order answer nothing stands between it and the next one: silence means that there is no next one."""

ASK_IN_ORDER = b"\x1dr\x01"
"""``GS r 1``: answered when the printer gets there."""

_CLEAR = b"\x10\x05\x02" + b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08"
"""Real-time, obeyed while offline: ``DLE ENQ 2`` ends a cutter error, ``DLE DC4 8`` empties both buffers."""


def ask_process_id(process_id: bytes) -> bytes:
    """``GS ( H`` function 48: echo these four bytes when everything before is printed."""
    return b"\x1d(H\x06\x00\x30\x30" + process_id


class Port(Protocol):
    """What this file needs of a transport (``drivers.transport.Transport``)."""

    def write(self, data: bytes, timeout: float) -> None: ...
    def read_some(self, timeout: float) -> bytes: ...
    def discard_input(self) -> None: ...
    def close(self) -> None: ...


class Conversation:
    """Raises NotConnected when the line goes away, TimedOut where an answer or a write does not come to its end."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._reader = ReplyReader()
        self._heard: list[Reply] = []

    def send(self, data: bytes, timeout: float) -> None:
        self._port.write(data, timeout)

    def close(self) -> None:
        self._port.close()

    def forget(self) -> None:
        """Drop what the printer said so far: late answers to questions of earlier jobs."""
        self._port.discard_input()
        self._reader = ReplyReader()
        self._heard.clear()

    def look(self) -> Look:
        """Ask for the status. An online printer is asked twice, one that cannot print four times, to say why."""
        printer, paper = self._status(PRINTER), self._status(PAPER)
        look = read_look(printer, paper)
        if look.reason is None:
            return look
        return read_look(printer, paper, self._status(OFFLINE_CAUSE), self._status(ERROR_CAUSE))

    def replies(self, timeout: float) -> list[Word]:
        """What came in that answers no status question; waits up to ``timeout`` seconds for the first of it."""
        ends = time.monotonic() + timeout
        while True:
            heard, self._heard = self._heard, []
            replies = [reply for reply in heard if not isinstance(reply, Status)]
            left = ends - time.monotonic()
            if replies or left <= 0:
                return replies
            self._listen(left)

    def clear(self) -> bool:
        """Empty the printer's buffers. True when it says that they are empty.

        Known: Epson and Citizen obey and answer, offline too (their references). Assumed: what does not answer does
        not know the command, or is gone.
        """
        self.forget()
        self.send(_CLEAR, ANSWER_S)
        ends = time.monotonic() + CLEAR_S
        while (left := ends - time.monotonic()) > 0:
            if any(isinstance(reply, Cleared) for reply in self.replies(left)):
                return True
        return False

    def fence(self, requests: bytes, process_id: bytes) -> tuple[bool, bool]:
        """Let every answer still owed come in now, so that none is taken for one to a later job: (echoed, settled).

        ``requests`` ask for an in-order answer and, before it, the echo of ``process_id``. Echoed: the printer echoes,
        and old answers do not matter. Settled: the last question is answered, and then there was silence; answers
        that have not come are lost, for example with the printer's power.
        """
        self.send(requests, ANSWER_S)
        settled = False
        while replies := self.replies(QUIET_S if settled else CLEAR_S):
            if ProcessEnded(process_id) in replies:
                return True, True
            settled = settled or any(isinstance(reply, InOrder) for reply in replies)
        return False, settled

    def _status(self, n: int) -> int:
        """One byte. A first byte may be lost on a port that was just opened, so the question is put twice."""
        for _ in range(2):
            self._heard = [reply for reply in self._heard if not isinstance(reply, Status)]
            self.send(b"\x10\x04" + bytes((n,)), ANSWER_S)
            ends = time.monotonic() + ANSWER_S
            while (left := ends - time.monotonic()) > 0:
                self._listen(left)
                for reply in self._heard:
                    if isinstance(reply, Status):
                        self._heard.remove(reply)
                        return reply.value
        raise TimedOut(f"no answer to DLE EOT {n}")

    def _listen(self, timeout: float) -> None:
        try:
            data = self._port.read_some(timeout)
        except TimedOut:
            return
        self._heard += self._reader.feed(data)
