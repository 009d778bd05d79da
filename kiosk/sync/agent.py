"""The sync agent: empties the journal into the hall, batch by batch, for as long as it takes.

Then it asks how the charges stand whose entries are on their way, and hands over the terminal's own days. A process of
its own, so that the screen never waits for it, and the journal is emptied also while nobody stands there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from kiosk.domain.messages import ANOTHER_ROW, JournalBatch
from kiosk.store.database import StoreFailed
from kiosk.store.store import Store
from kiosk.sync.hall_client import HallClient, HallError, HallRefused, HallUnreachable

log = structlog.get_logger()

BATCH_ROWS = 500
"""Measured: larger batches drain no faster, and a lost answer costs more to repeat."""
ANSWER_S = 10.0
LOOK_EVERY_S = 0.25
FIRST_RETRY_S = 0.5
LONGEST_RETRY_S = 15.0
FOLLOW_UP_EVERY_S = 5.0
"""A charge that the hall wants given back is known within this, and given back soon after."""


def drain(store: Store, hall: HallClient, beat: Callable[[], None] = lambda: None) -> int:
    """Send what the hall does not hold yet; returns how many rows it took. Raises HallError, StoreFailed.

    ``beat`` with every batch: emptying the journal of a month is progress, too.
    """
    mark = store.journal_mark()
    sent, copied = 0, False
    while rows := store.journal_after(mark.high_water + sent, BATCH_ROWS):
        beat()
        # A JournalGap means that the hall has lost rows it acknowledged, or that this disk is an old copy. Rows are
        # never renumbered to make it fit: they stay, the log says so, and staff decide.
        reply = hall.send_journal(JournalBatch(mark.incarnation, rows), ANSWER_S)
        for refused in reply.quarantined:
            log.warning("journal-row-quarantined", seq=refused.seq, reason=refused.reason)
        if reply.high_water < rows[-1].seq:
            raise HallRefused(200, "the hall's mark did not move past the batch")
        store.acknowledge(rows[-1].seq)
        if reply.quarantined:
            store.more_set_aside(len(reply.quarantined))
        sent += len(rows)
        copied = copied or any(refused.reason == ANOTHER_ROW for refused in reply.quarantined)
    if copied and store.begin_new_life():
        log.warning("disk-copied", incarnation=mark.incarnation)
    return sent


def follow_up(store: Store, hall: HallClient) -> None:
    """Ask how approved payments stand, and send the terminal's days. Raises HallUnreachable, StoreFailed.

    What the hall wants given back is marked in the store; the front end, which has the terminal, sees it there. A
    refusal concerns one payment or one day: staff find it at the hall, and the others go on.
    """
    for payment in store.payments.open():
        if payment.state == "approved":
            with _each_by_itself():
                store.payments.hall_says(hall.payment(payment.key, ANSWER_S))
    for day in store.payments.terminal_days_to_send():
        with _each_by_itself():
            hall.send_terminal_journal(day, ANSWER_S)
            store.payments.terminal_day_sent(day)


@contextmanager
def _each_by_itself() -> Iterator[None]:
    try:
        yield
    except HallRefused as problem:
        log.warning("follow-up-refused", status=problem.status, reason=problem.problem)


def run(store: Store, hall: HallClient, stop: threading.Event, beat: Callable[[], None] = lambda: None) -> None:
    """Until ``stop``: look, drain, and after a failure wait twice as long each time, up to LONGEST_RETRY_S.

    ``beat`` with every turn: the service manager is told by it that this goes on.
    """
    retry_s = FIRST_RETRY_S
    follow_up_at = float("-inf")
    while not stop.is_set():
        beat()
        try:
            sent = drain(store, hall, beat)
            if time.monotonic() >= follow_up_at:
                follow_up(store, hall)
                follow_up_at = time.monotonic() + FOLLOW_UP_EVERY_S
        except HallUnreachable as problem:
            log.info("hall-silent", reason=str(problem), retry_s=retry_s)
        except (HallError, StoreFailed) as problem:
            log.warning("sync-failed", reason=str(problem), retry_s=retry_s)
        else:
            if sent:
                log.info("journal-drained", rows=sent)
            retry_s = FIRST_RETRY_S
            stop.wait(LOOK_EVERY_S)
            continue
        stop.wait(retry_s)
        retry_s = min(2 * retry_s, LONGEST_RETRY_S)
