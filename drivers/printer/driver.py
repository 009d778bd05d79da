"""A slip printer: look, print, and learn from the printer itself whether the slip came out.

Three outcomes (the print ledger lives on them):

- *done*: the printer said so. Either it echoed this job's process id, which it does when everything before is printed;
  or, where it never echoes, it answered ``GS r 1``, which it does in the order of the data, after the cut.
- *failed*: nothing was sent; or the printer says that it stopped (no paper, cover open, jam) before it said that it had
  come to the cut, which it is asked for just before, and it has forgotten the rest.
- *uncertain*: everything else. A slip may lie in the tray or not, or come out after the refill; only a person can see.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from drivers.contract import DeviceError, DeviceState, DeviceStatus, NotConnected, PaperState, TimedOut
from drivers.printer import composer
from drivers.printer.conversation import ASK_IN_ORDER, Conversation, Port, ask_process_id
from drivers.printer.document import Document
from drivers.printer.profile import PAPER_80, PrinterProfile
from drivers.printer.replies import PROCESS_ID_ALPHABET, PROCESS_ID_LENGTH, InOrder, ProcessEnded
from drivers.printer.status import Look, Reason
from drivers.transport import open_transport


class Outcome(StrEnum):
    DONE = "done"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True)
class PrintResult:
    outcome: Outcome
    reason: Reason | None
    """None when done."""
    paper: PaperState | None
    """As last seen; after a slip it may have become low."""
    elapsed_ms: int


@dataclass(frozen=True)
class Waits:
    """Seconds. Tests shorten them."""

    send: float = 3.0
    """For all bytes to leave: 1 kB takes 0.1 s at 115200 baud, 1 s at 9600."""
    proof: float = 8.0
    """From the last byte to the word that it is printed: 250 mm of paper at 60 mm/s, the slowest, and the cut."""
    poll: float = 0.1
    """Between two looks at the printer while it prints."""
    echo_grace: float = 0.15
    """A printer that echoes does so before it answers ``GS r``; an answer without echo waits so long for one."""
    fault_grace: float = 0.2
    """The paper may end behind a slip that is complete: proof on its way is waited for before a fault is believed."""
    offline: float = 1.0
    """A printer may be offline for a moment (a hot head, the feed button) and go on."""


def _new_process_id() -> bytes:
    """Drawn anew for each job, so that a late echo of the one before, or of a former life, proves nothing."""
    return bytes(secrets.choice(PROCESS_ID_ALPHABET) for _ in range(PROCESS_ID_LENGTH))


@dataclass
class _Job:
    """One sheet on its way."""

    data: bytes
    paper: PaperState
    process_id: bytes = field(default_factory=_new_process_id)
    knife_id: bytes = field(default_factory=_new_process_id)
    """Echoed before the cut: until then no slip can have come out."""
    order_counts: bool = False
    """An answer to ``GS r`` can only be to this job's question."""
    begun: bool = False
    """Its first byte may have left."""
    in_order: int = 0
    """Answers to ``GS r``: one is due before the cut, one after it."""
    at_knife: bool = False


class SlipPrinter:
    """One printer. The port stays open between jobs. For one thread: its device worker.

    ``url`` as ``drivers.transport.open_transport`` takes it; ``open_port`` for tests that bring their own.
    """

    def __init__(
        self,
        url: str,
        baudrate: int = 115200,
        profile: PrinterProfile = PAPER_80,
        waits: Waits | None = None,
        open_port: Callable[[str, int], Port] = open_transport,
    ) -> None:
        self._url = url
        self._baudrate = baudrate
        self._profile = profile
        self._waits = waits or Waits()
        self._open_port = open_port
        self._line: Conversation | None = None
        self._echoes = False
        """It has echoed a process id once; from then on nothing less is proof."""
        self._speaks = False
        """It has said something in the order of its data: its silence means that it has not come that far."""
        self._answers_owed = True
        """An answer to ``GS r`` of an earlier job may still come in: of this driver's, or of one before a crash."""
        self._fence_due = True
        """That has not been looked into since the line was opened or the last job was given up."""
        self._must_clear = False
        """Part of a slip that was given up may still lie in the printer's buffer."""

    def prepare(self) -> None:
        """Do what takes long before the first visitor comes: an import, opening the line, a first look."""
        composer.prepare()
        self.status()

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def status(self) -> DeviceStatus:
        """One look; at most 1.5 s. A printer that does not answer is offline and its paper unknown, never plenty."""
        try:
            look = self._look()
            if look.reason is None and self._fence_due and self._line is not None:
                # Here rather than before a slip, where a visitor would wait for it.
                self._settle(self._line)
            return look.status
        except NotConnected as error:
            return DeviceStatus(DeviceState.NO_DEVICE, paper=PaperState.UNKNOWN, detail=str(error))
        except DeviceError as error:
            return DeviceStatus(DeviceState.OFFLINE, paper=PaperState.UNKNOWN, detail=str(error))

    def print(self, document: Document, on_sent: Callable[[], None] | None = None) -> PrintResult:
        """Print one sheet. ``on_sent`` is called when all bytes have left, before the wait for proof.

        A printer that cannot print is known within a second (plus the opening of the line), and is sent nothing.
        """
        started = time.monotonic()

        def ended(outcome: Outcome, reason: Reason | None, paper: PaperState | None) -> PrintResult:
            return PrintResult(outcome, reason, paper, round((time.monotonic() - started) * 1000))

        try:
            look = self._look()
        except NotConnected:
            return ended(Outcome.FAILED, Reason.NOT_CONNECTED, PaperState.UNKNOWN)
        except DeviceError:
            return ended(Outcome.FAILED, Reason.OFFLINE, PaperState.UNKNOWN)
        if look.reason is not None:
            return ended(Outcome.FAILED, look.reason, look.paper)
        try:
            job = _Job(composer.compose(document, self._profile), look.paper)
        except ValueError:
            return ended(Outcome.FAILED, Reason.UNPRINTABLE, look.paper)
        try:
            outcome, reason = self._send_and_wait(job, on_sent)
        except DeviceError:
            self._give_up_line()
            job.paper = PaperState.UNKNOWN
            if job.begun:
                # The line went away after the first byte: the printer may have had everything, or half.
                outcome, reason = Outcome.UNCERTAIN, Reason.CONNECTION_LOST
            else:
                outcome, reason = Outcome.FAILED, Reason.NOT_CONNECTED
        return ended(outcome, reason, job.paper)

    # --- looking

    def _look(self) -> Look:
        """A fresh look over an open line. A line that turns out dead is opened anew once: printers drop idle ones."""
        fresh = self._line is None
        try:
            return self._look_once()
        except NotConnected:
            self._give_up_line()
            if fresh:
                raise
        except TimedOut:
            self._give_up_line()
            raise
        try:
            return self._look_once()
        except DeviceError:
            self._give_up_line()
            raise

    def _look_once(self) -> Look:
        if self._line is None:
            self._line = Conversation(self._open_port(self._url, self._baudrate))
            # It may be another printer now.
            self._echoes = self._speaks = False
            self._answers_owed = self._fence_due = True
        self._line.forget()
        if self._must_clear and self._line.clear():
            self._answers_owed = False
        look = self._line.look()
        # It is alive: either it has cleared its buffers, or it does not know how to.
        self._must_clear = False
        return look

    def _give_up_line(self) -> None:
        try:
            self.close()
        except DeviceError:
            self._line = None

    # --- printing

    def _send_and_wait(self, job: _Job, on_sent: Callable[[], None] | None) -> tuple[Outcome, Reason | None]:
        line = self._line
        if line is None:
            raise NotConnected(self._url)
        if self._answers_owed or (self._fence_due and not self._speaks):
            self._settle(line)
        job.order_counts = not self._answers_owed
        self._answers_owed = self._fence_due = job.begun = True
        try:
            sheet = job.data.removesuffix(composer.CUT)
            line.send(
                sheet + self._requests(job.knife_id) + composer.CUT + self._requests(job.process_id), self._waits.send
            )
        except TimedOut:
            # The cut, the last of the job, never left: if the printer forgets the rest, no slip came out.
            return self._stop(line, Reason.TIMED_OUT, job, whole=False)
        if on_sent is not None:
            on_sent()
        return self._wait_for_proof(line, job)

    def _wait_for_proof(self, line: Conversation, job: _Job) -> tuple[Outcome, Reason | None]:
        deadline = time.monotonic() + self._waits.proof
        offline_since: float | None = None
        alive = True
        while time.monotonic() < deadline:
            if self._hears_proof(line, job, self._waits.poll):
                return Outcome.DONE, None
            try:
                look = line.look()
            except TimedOut:
                alive = False
                continue
            alive, job.paper = True, look.paper
            if look.reason is None:
                offline_since = None
                continue
            if look.reason is Reason.OFFLINE:
                offline_since = offline_since or time.monotonic()
                if time.monotonic() - offline_since < self._waits.offline:
                    continue
            if self._hears_proof(line, job, self._waits.fault_grace):
                return Outcome.DONE, None
            return self._stop(line, look.reason, job)
        if alive:
            # It works and does not say. It may still be printing, so nothing is cleared away under it.
            return Outcome.UNCERTAIN, Reason.NO_PROOF
        job.paper = PaperState.UNKNOWN
        return self._stop(line, Reason.TIMED_OUT, job)

    def _hears_proof(self, line: Conversation, job: _Job, wait: float) -> bool:
        """Does the printer say within ``wait`` seconds that this job, and not an earlier one, is printed?"""
        for reply in line.replies(wait):
            match reply:
                case ProcessEnded(process_id) if process_id == job.knife_id:
                    self._echoes = self._speaks = job.at_knife = True
                case ProcessEnded(process_id) if process_id == job.process_id:
                    self._echoes = self._speaks = True
                    return self._proven(line, job)
                case InOrder() if job.order_counts and not self._echoes:
                    self._speaks = job.at_knife = True
                    job.in_order += 1
                    if job.in_order == 2 and not reply.paper_out:
                        return self._lives(line, job)
        return False

    def _lives(self, line: Conversation, job: _Job) -> bool:
        """Is an in-order answer the printer's own, and not the zero byte that a serial line gives when power goes?

        A printer that also echoes is found out here: from then on only its echo counts.
        """
        echoed = ProcessEnded(job.process_id) in line.replies(self._waits.echo_grace)
        self._echoes = self._echoes or echoed
        return self._proven(line, job)

    def _proven(self, line: Conversation, job: _Job) -> bool:
        try:
            job.paper = line.look().paper
        except TimedOut:
            if not self._echoes:
                return False
        except NotConnected:
            # An echo stands, whatever becomes of the line behind it; a mere in-order answer does not.
            if not self._echoes:
                raise
            self._give_up_line()
        self._answers_owed = self._fence_due = False
        return True

    def _settle(self, line: Conversation) -> None:
        """After a job without proof its late answer must come in first, or it would prove the next one."""
        self._fence_due = False
        process_id = _new_process_id()
        echoes, settled = line.fence(self._requests(process_id), process_id)
        self._echoes = self._echoes or echoes
        self._speaks = self._speaks or settled
        self._answers_owed = not settled

    def _requests(self, process_id: bytes) -> bytes:
        return (ask_process_id(process_id) if self._profile.echoes else b"") + ASK_IN_ORDER

    def _stop(self, line: Conversation, reason: Reason, job: _Job, whole: bool = True) -> tuple[Outcome, Reason | None]:
        """Give a job up, so that its rest does not come out when the paper is refilled or the cover closed.

        Printers that do not confirm may forget what they hold when told, or when the connection ends, or may not: some
        will still print it, and nobody can say that the slip failed.
        """
        try:
            cleared = line.clear()
        except DeviceError:
            cleared = False
        self._answers_owed = self._fence_due = self._must_clear = not cleared
        if not cleared:
            self._give_up_line()
        if reason is Reason.TIMED_OUT:
            certain = cleared and not whole
        else:
            # It stopped, and would have said if it had come to the cut; and it holds nothing any more that could come
            # out when it goes on.
            certain = cleared and self._speaks and not job.at_knife
        return (Outcome.FAILED if certain else Outcome.UNCERTAIN), reason
