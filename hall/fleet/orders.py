"""Orders to a kiosk: signed with the hall's order key, numbered upwards, good for ORDER_MINUTES.

The signature is over the very bytes that the kiosk reads; which kiosk, which number and until when stand inside. So
whoever stands between the two, or holds another kiosk's key, can neither make an order nor use one twice, later, or
elsewhere.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Row

from hall.clock import milliseconds, moment
from hall.fleet import audit
from hall.queue.refusal import Refused
from hall.store import statements as base
from hall.store import statements_fleet as statements
from hall.store.writer import Work
from kiosk.domain.fleet import ORDER_DOMAIN, ORDER_MINUTES, Order, OrderAnswer, SignedOrder, Verb

#: Name of the secret: the seed of the order key, 32 bytes in hex.
KEY = "order_key"

#: Signs of the words that a locked kiosk shows; hours that logs may go back.
MOST_WORDS, MOST_HOURS = 60, 72

#: Logs that were fetched stay for so many days.
LOG_DAYS = 14

#: Orders on a kiosk's page.
_SHOWN = 20

_encode = msgspec.json.Encoder().encode


class Given(msgspec.Struct, frozen=True):
    """One order as it stands. ``state``: waiting, stale, done, refused. ``logs``: its answer carries lines."""

    id: str
    number: int
    verb: str
    argument: str
    by: str
    issued_at: datetime
    state: str
    problem: str
    logs: bool


def key_of(work: Work) -> Ed25519PrivateKey:
    """The hall's order key, made once."""
    work.connection.execute(base.ADD_SECRET, {"name": KEY, "value": secrets.token_hex(32)})
    seed = str(work.connection.execute(base.SECRET, {"name": KEY}).scalar_one())
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))


def public_key(work: Work) -> str:
    """What a kiosk is given when it enrols."""
    return key_of(work).public_key().public_bytes_raw().hex()


def sign(key: Ed25519PrivateKey, order: Order) -> SignedOrder:
    words = _encode(order)
    return SignedOrder(words.decode(), key.sign(ORDER_DOMAIN + words).hex())


def give(work: Work, kiosk: str, verb: Verb, argument: str, by: str) -> Order:
    """Raises Refused: no_such_kiosk (404: not enrolled, or revoked), argument (422)."""
    row = work.connection.execute(statements.ONE_OF_FLEET, {"kiosk": kiosk}).one_or_none()
    if row is None or row.revoked_at is not None:
        raise Refused("no_such_kiosk", 404, "kiosk")
    number = int(work.connection.execute(statements.LAST_ORDER, {"kiosk": kiosk}).scalar_one()) + 1
    until = work.now + timedelta(minutes=ORDER_MINUTES)
    order = Order(secrets.token_hex(16), kiosk, number, verb, _argument(verb, argument), by, work.now, until)
    stored = {
        "id": order.id,
        "kiosk": kiosk,
        "number": number,
        "signed": _encode(sign(key_of(work), order)),
        "verb": verb.value,
        "argument": order.argument,
        "by": by,
        "now": work.now_ms,
        "expires_at": milliseconds(until),
    }
    work.connection.execute(statements.ADD_ORDER, stored)
    audit.add(work, by, f"order_{verb.value}", kiosk, f"#{number} {order.argument}".rstrip())
    return order


def _argument(verb: Verb, argument: str) -> str:
    argument = argument.strip()
    match verb:
        case Verb.LOCK if len(argument) <= MOST_WORDS and (argument.isprintable() or not argument):
            return argument
        case Verb.FETCH_LOGS if argument.isascii() and argument.isdecimal() and 0 < int(argument) <= MOST_HOURS:
            return str(int(argument))
        case Verb.UNLOCK | Verb.RESTART if not argument:
            return ""
    raise Refused("argument", 422, "argument")


def open_orders(connection: Connection, kiosk: str, now_ms: int) -> list[SignedOrder]:
    """What this kiosk has not answered, and may still carry out; in the order of their numbers."""
    rows = connection.execute(statements.OPEN_ORDERS, {"kiosk": kiosk, "now": now_ms})
    return [msgspec.json.decode(row.signed, type=SignedOrder) for row in rows]


def answered(work: Work, kiosk: str, order: str, answer: OrderAnswer) -> None:
    """A repeated answer changes nothing. Raises Refused(not_found, 404): not an order to this kiosk."""
    row = work.connection.execute(statements.ORDER_OF, {"id": order, "kiosk": kiosk}).one_or_none()
    if row is None:
        raise Refused("not_found", 404, "id")
    if row.answered_at is not None:
        return
    told = {"outcome": answer.outcome, "problem": answer.problem[:80], "text": answer.text or None}
    work.connection.execute(statements.ANSWER_ORDER, {"id": order, "now": work.now_ms, **told})
    audit.add(work, kiosk, f"order_{answer.outcome}", kiosk, f"{row.verb} {answer.problem[:80]}".rstrip())


def latest(connection: Connection, kiosk: str, now_ms: int) -> list[Given]:
    """The newest first."""
    rows = connection.execute(statements.ORDERS, {"kiosk": kiosk, "limit": _SHOWN})
    return [_given(row, now_ms) for row in rows]


def logs(connection: Connection, kiosk: str, order: str) -> str | None:
    """The lines that an order fetched; None where there are none, or no more."""
    row = connection.execute(statements.ORDER_TEXT, {"id": order, "kiosk": kiosk}).one_or_none()
    return None if row is None else row.text or ""


def forget_logs(work: Work) -> None:
    """They are for whoever looks into a matter now."""
    work.connection.execute(statements.FORGET_LOGS, {"before": work.now_ms - LOG_DAYS * 86_400_000})


def _given(row: Row[Any], now_ms: int) -> Given:
    state = row.outcome or ("waiting" if row.expires_at > now_ms else "stale")
    issued_at = moment(row.issued_at)
    told = (row.id, row.number, row.verb, row.argument, row.given_by, issued_at, state, row.problem or "")
    return Given(*told, logs=bool(row.size))
