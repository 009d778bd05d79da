"""Returns: begun (drafts), confirmed, and answered or left to the journal. Each method is one transaction.

    recorded ─▶ sent ─▶ answered | refused     the hall has said what it thinks of it
       └─────────┴────▶ queued                 it was silent: the journal carries the return there under the same key

A return names people. So its request is erased with the answer or once the journal carries it, and the answer when the
visit ends.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal

import msgspec
from sqlalchemy import Connection, text

from kiosk.domain.filing import FilingMade, FilingRequest, FilingView
from kiosk.store import journal
from kiosk.store.database import Transaction

FilingState = Literal["recorded", "sent", "answered", "queued", "refused"]

DRAFT_KEPT = timedelta(days=30)

_INSERT = text("INSERT INTO filing (key, state, recorded_at, request) VALUES (:key, 'recorded', :at, :request)")
_DROP_DRAFT = text("DELETE FROM draft WHERE holder_ref = :ref AND taxpayer = :taxpayer")
_KEEP_DRAFT = text(
    "INSERT INTO draft VALUES (:ref, :taxpayer, :day, :answers)"
    " ON CONFLICT (holder_ref, taxpayer) DO UPDATE SET saved_on = :day, answers = :answers"
)
_DRAFT = text("SELECT answers FROM draft WHERE holder_ref = :ref AND taxpayer = :taxpayer AND saved_on >= :since")
#: The answer may come after the return was left to the journal: then it is known as well.
_ANSWERED = text(
    "UPDATE filing SET state = 'answered', request = NULL, view = :view"
    " WHERE key = :key AND state IN ('recorded', 'sent', 'queued')"
)
_REFUSED = text(
    "UPDATE filing SET state = 'refused', request = NULL WHERE key = :key AND state IN ('recorded', 'sent')"
)
_SENT = text("UPDATE filing SET state = 'sent' WHERE key = :key AND state = 'recorded'")
_DROP = text("DELETE FROM filing WHERE key = :key AND state = 'recorded'")
_OPEN = text("SELECT request FROM filing WHERE state IN ('recorded', 'sent') AND key = :key")
_ALL_OPEN = text("SELECT key, state FROM filing WHERE state IN ('recorded', 'sent') ORDER BY recorded_at, key")
_QUEUED = text("UPDATE filing SET state = 'queued', request = NULL WHERE key = :key")
_ON_THE_WAY = text(
    "SELECT body FROM journal, mark WHERE seq > high_water AND kind = 'filing_made' ORDER BY seq LIMIT 16"
)
_FORGET = (
    text("DELETE FROM draft WHERE saved_on < :day"),
    text("DELETE FROM filing WHERE state NOT IN ('recorded', 'sent') AND recorded_at < :day"),
)


class FilingLedger:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    # ---- drafts ----------------------------------------------------------------------------------------------------

    def keep_draft(self, holder_ref: str, taxpayer: str, answers: bytes, day: date) -> None:
        """One for each person and taxpayer: the latest."""
        values = {"ref": holder_ref, "taxpayer": taxpayer, "day": day.isoformat(), "answers": answers}
        with self._transaction(False) as connection:
            connection.execute(_KEEP_DRAFT, values)

    def draft(self, holder_ref: str, taxpayer: str, today: date) -> bytes | None:
        """What this person left of a return for this taxpayer; nobody else's, and not for ever."""
        since = (today - DRAFT_KEPT).isoformat()
        with self._transaction(True) as connection:
            row = connection.execute(_DRAFT, {"ref": holder_ref, "taxpayer": taxpayer, "since": since}).one_or_none()
            return bytes(row.answers) if row else None

    def drop_draft(self, holder_ref: str, taxpayer: str) -> None:
        with self._transaction(False) as connection:
            connection.execute(_DROP_DRAFT, {"ref": holder_ref, "taxpayer": taxpayer})

    # ---- returns ---------------------------------------------------------------------------------------------------

    def record(self, request: FilingRequest, now: datetime) -> None:
        """From here on it will be filed, whatever happens; so its draft is over."""
        with self._transaction(False) as connection:
            connection.execute(
                _INSERT, {"key": request.key, "at": now.isoformat(), "request": msgspec.json.encode(request)}
            )
            connection.execute(_DROP_DRAFT, {"ref": request.holder_ref, "taxpayer": request.taxpayer})

    def sent(self, key: str) -> None:
        """The first byte is about to leave: the hall may have it from now on."""
        with self._transaction(False) as connection:
            connection.execute(_SENT, {"key": key})

    def drop(self, key: str) -> None:
        """Its person was told that it was not taken, and it never left: it never was."""
        with self._transaction(False) as connection:
            connection.execute(_DROP, {"key": key})

    def answered(self, view: FilingView) -> None:
        with self._transaction(False) as connection:
            connection.execute(_ANSWERED, {"key": view.key, "view": msgspec.json.encode(view)})

    def refused(self, key: str) -> None:
        """By the hall, for good."""
        with self._transaction(False) as connection:
            connection.execute(_REFUSED, {"key": key})

    def queue(self, key: str, now: datetime) -> FilingState:
        """Leave it to the journal, unless the hall has answered meanwhile; how it stands then. KeyError: unknown."""
        with self._transaction(False) as connection:
            state = _state(connection, key)
            if state in ("recorded", "sent"):
                _queue(connection, key, now)
                return "queued"
            return state

    def on_the_way(self, taxpayer: str) -> list[FilingRequest]:
        """Returns for this taxpayer whose journal rows the hall does not hold yet, oldest first; at most 16."""
        with self._transaction(True) as connection:
            bodies = connection.execute(_ON_THE_WAY).scalars().all()
        made = (msgspec.json.decode(body, type=FilingMade).filing for body in bodies)
        return [request for request in made if request.taxpayer == taxpayer]

    def state(self, key: str) -> FilingState:
        """KeyError: unknown."""
        with self._transaction(True) as connection:
            return _state(connection, key)

    def view(self, key: str) -> FilingView | None:
        """The hall's answer; None without one, and after the visit."""
        with self._transaction(True) as connection:
            view = connection.execute(text("SELECT view FROM filing WHERE key = :key"), {"key": key}).scalar()
            return msgspec.json.decode(view, type=FilingView) if view else None


def queue_open(connection: Connection, now: datetime, *, only_sent: bool) -> int:
    """Leave every return without an answer to the journal: nobody waits for the answer any more. How many.

    ``only_sent``: one that never left may still be dropped by the visit it was made in.
    """
    keys = [row.key for row in connection.execute(_ALL_OPEN) if row.state == "sent" or not only_sent]
    for key in keys:
        _queue(connection, key, now)
    return len(keys)


def forget_answers(connection: Connection) -> None:
    """The visit that the answers were for is over."""
    connection.execute(text("UPDATE filing SET view = NULL WHERE view IS NOT NULL"))


def forget(connection: Connection, day: str) -> None:
    for statement in _FORGET:
        connection.execute(statement, {"day": day})


def _state(connection: Connection, key: str) -> FilingState:
    state: FilingState | None = connection.execute(
        text("SELECT state FROM filing WHERE key = :key"), {"key": key}
    ).scalar()
    if state is None:
        raise KeyError(key)
    return state


def _queue(connection: Connection, key: str, now: datetime) -> None:
    request = connection.execute(_OPEN, {"key": key}).scalar_one()
    journal.append(connection, FilingMade(msgspec.json.decode(request, type=FilingRequest)), now)
    connection.execute(_QUEUED, {"key": key})
