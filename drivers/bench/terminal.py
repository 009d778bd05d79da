"""A simulated payment terminal: the other side of docs/pos-protocol.md, with a payer's hands, a bank and its bad days.

It keeps what it has decided (``terminal_journal``), so that it still knows after a kill; what it is about to decide it
forgets, as a terminal does whose bank was not yet asked.
"""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from drivers.bench.device import Action, BadAction, Device, Reply
from drivers.bench.terminal_journal import Record, TerminalJournal

_HEAD, _TAIL = b"\x55\xaa", b"\xcc\x33"
_HEARTBEAT, _HANDSHAKE, _CONFIRM = 0x00, 0x01, 0x02
_SALE, _QUERY, _REVERSE, _CANCEL, _TOTALS, _JOURNAL, _STATE, _PROGRESS = *range(0x10, 0x17), 0x20
_LONGEST_DATA = 1014

TERMINAL = "35060201"
ENTRIES_A_PAGE = 6
#: A sale that shows and whose host has fallen silent is called off: nobody would learn of its end.
HOST_SILENCE_S = 10.0
#: With *auto*, the payer's hands.
AUTO_S = 1.0


class Behaviour(StrEnum):
    """How the next sale goes once the card is in."""

    APPROVE = "approve"
    REFUSE = "refuse"
    SLOW = "slow"
    """Approves, so many seconds later."""
    LOSE_ANSWER = "lose_answer"
    """Approves; its answer is lost, and all else is well."""
    SILENT_AFTER_APPROVAL = "silent_after_approval"
    """Approves, and falls silent: no answer, no heartbeat, until a handshake wakes it."""
    DIE_BEFORE_APPROVAL = "die_before_approval"
    """Starts anew with no record of the sale."""
    ANSWER_TWICE = "answer_twice"
    OTHER_AMOUNT = "other_amount"
    """Approves, and its answer speaks of one fen more."""
    OTHER_KEY = "other_key"
    """Approves, and its answer bears another key."""


REASONS = ("declined", "no_funds", "wrong_pin", "card_expired")


@dataclass
class _Sale:
    """On the terminal's screen. Times are the monotonic clock's."""

    key: str
    fen: int
    number: int
    """The id its answer will bear."""
    shown_at: float
    beat_at: float
    how: Behaviour
    extra_s: float = 0.0
    reason: str = ""
    card: str = ""
    stage: str = "present_card"
    stage_ends: float = 0.0


class SimulatedTerminal(Device):
    """``folder``: where ``<name>-journal.jsonl`` is. ``pay_s``: seconds from the card to the bank's answer."""

    def __init__(
        self,
        folder: Path,
        name: str = "pos",
        pay_s: float = 2.0,
        baudrate: int | None = 115200,
        clock: Callable[[], datetime] = lambda: datetime.now(ZoneInfo("Asia/Shanghai")),
    ) -> None:
        self.name = name
        self.baudrate = baudrate
        self.journal = TerminalJournal(folder / f"{name}-journal.jsonl")
        self._pay_s = pay_s
        self._clock = clock
        self._auto = False
        self._sale: _Sale | None = None
        self._awake = False
        self._out: list[Reply] = []
        self.power_on()
        self.resume()

    def power_on(self) -> None:
        """The plug on this line is the cable's: the terminal runs on its own power, and goes on meanwhile."""
        self._go_on(time.monotonic())
        self._heard = b""
        self._out.clear()

    def resume(self) -> None:
        self._next = Behaviour.APPROVE
        self._next_extra_s, self._next_reason = 0.0, ""
        self._stale = self._keeps_money = False
        self._kept: bytes | None = None

    # ---- what a person does ----------------------------------------------------------------------------------------

    def actions(self) -> Mapping[str, Action]:
        return {
            "insert": self._insert,
            "refuse": self._refuse,
            "cancel": self._press_cancel,
            "behaviour": self._behave,
            "auto": self._set_auto,
            "pay-time": self._set_pay_time,
            "no-reversal": self._set_no_reversal,
            "stale": self._answer_late,
            "journal": lambda _: [vars(record) for record in self.journal.records],
            "shown": self._shown,
        }

    def _insert(self, what: object) -> None:
        """A card, for the sale that shows: no argument, a behaviour, or ``{"card": …, "behaviour": …}``."""
        sale = self._before_card()
        words = what if isinstance(what, dict) else {"behaviour": what}
        if unknown := set(words) - {"card", "behaviour"}:
            raise BadAction(f"a card is inserted with 'card' and 'behaviour', not with {sorted(unknown)}")
        if (behaviour := words.get("behaviour")) is not None:
            sale.how, sale.extra_s, sale.reason = _behaviour(behaviour)
        self._put_card_in(sale, time.monotonic(), str(words.get("card", _CARD)))

    def _refuse(self, reason: object) -> None:
        """A card that the bank refuses: put in now, or in already."""
        wanted = _reason(reason.get("reason") if isinstance(reason, dict) else reason)
        sale = self._on_screen()
        sale.how, sale.reason = Behaviour.REFUSE, wanted
        if sale.stage == "present_card":
            self._put_card_in(sale, time.monotonic(), _CARD)

    def _press_cancel(self, _: object) -> None:
        """The red key, until the PIN is in."""
        sale = self._on_screen()
        if sale.stage == "asking_bank":
            raise BadAction("the bank is being asked: too late")
        self._refuse_now(sale, "cancelled")

    def _behave(self, what: object) -> None:
        """The next sale's: a word, or one with its argument: ``{"slow": 5}``, ``{"refuse": "no_funds"}``."""
        self._next, self._next_extra_s, self._next_reason = _behaviour(what)

    def _set_auto(self, on: object) -> None:
        """A payer who is always there, as the demonstration needs one."""
        if on not in (None, True, False, "on", "off"):
            raise BadAction(f"auto is on or off, not {on!r}")
        self._auto = on not in (False, "off")

    def _set_pay_time(self, seconds: object) -> None:
        self._pay_s = _seconds(seconds)

    def _set_no_reversal(self, on: object) -> None:
        """The bank gives nothing back (no argument: from now on)."""
        self._keeps_money = on is not False

    def _answer_late(self, _: object) -> None:
        """Every answer is the one to the question before."""
        self._stale = True

    def _shown(self, _: object) -> dict[str, object] | None:
        """The sale on its screen."""
        self._go_on(time.monotonic())
        if self._sale is None:
            return None
        return {"key": self._sale.key, "fen": self._sale.fen, "stage": self._sale.stage}

    def _on_screen(self) -> _Sale:
        self._go_on(time.monotonic())
        if self._sale is None:
            raise BadAction("no sale is shown")
        return self._sale

    def _before_card(self) -> _Sale:
        sale = self._on_screen()
        if sale.stage != "present_card":
            raise BadAction("a card is in already")
        return sale

    # ---- time ------------------------------------------------------------------------------------------------------

    def due(self) -> float | None:
        ends = self._next_step()
        return None if ends is None else max(0.0, ends - time.monotonic())

    def _next_step(self) -> float | None:
        if self._sale is None:
            return None
        if self._sale.stage != "present_card":
            return self._sale.stage_ends
        silent = self._sale.beat_at + HOST_SILENCE_S
        return min(silent, self._sale.shown_at + AUTO_S) if self._auto else silent

    def _go_on(self, now: float) -> None:
        """Everything that was due by now, in its order, however late we are asked."""
        while (sale := self._sale) is not None and (at := self._next_step()) is not None and at <= now:
            match sale.stage:
                case "present_card" if at >= sale.beat_at + HOST_SILENCE_S:
                    self._refuse_now(sale, "cancelled")
                case "present_card":
                    self._put_card_in(sale, at, _CARD)
                case "enter_pin":
                    self._enter("asking_bank", at + self._pay_s / 2 + sale.extra_s)
                case _:
                    self._decide(sale)

    def _put_card_in(self, sale: _Sale, now: float, number: str) -> None:
        sale.card = f"{number[:6]}******{number[-4:]}"
        self._enter("enter_pin", now + self._pay_s / 2)

    def _enter(self, stage: str, ends: float) -> None:
        if self._sale is not None:
            self._sale.stage, self._sale.stage_ends = stage, ends
            self._show_progress(self._sale)

    def _show_progress(self, sale: _Sale) -> None:
        self._say(_PROGRESS, 0, sale.number, {"key": sale.key, "waits_for": sale.stage})

    # ---- decisions: on disk before they are said -------------------------------------------------------------------

    def _decide(self, sale: _Sale) -> None:
        if sale.how is Behaviour.DIE_BEFORE_APPROVAL:
            self._sale, self._awake = None, False
            return
        if sale.how is Behaviour.REFUSE:
            self._refuse_now(sale, sale.reason)
            return
        trace, at = self.journal.next_trace(), self._clock()
        record = Record(sale.key, "approved", _iso(at), sale.fen, "", trace, f"{at:%m%d%H}{trace}", sale.card)
        self.journal.add(record)
        self._sale = None
        answer = _outcome(record)
        match sale.how:
            case Behaviour.LOSE_ANSWER:
                return
            case Behaviour.SILENT_AFTER_APPROVAL:
                self._awake = False
                return
            case Behaviour.ANSWER_TWICE:
                self._say(_SALE, 1, sale.number, answer)
            case Behaviour.OTHER_AMOUNT:
                answer["fen"] = sale.fen + 1
            case Behaviour.OTHER_KEY:
                answer["key"] = sale.key[::-1]
        self._say(_SALE, 1, sale.number, answer)

    def _refuse_now(self, sale: _Sale, reason: str) -> None:
        record = Record(sale.key, "refused", _iso(self._clock()), sale.fen, reason)
        self.journal.add(record)
        self._sale = None
        self._say(_SALE, 1, sale.number, _outcome(record))

    # ---- what the host says ----------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> list[Reply]:
        now = time.monotonic()
        self._go_on(now)
        self._heard += data
        while (frame := self._next_frame()) is not None:
            self._hear(*frame, now)
        out, self._out = self._out, []
        return out

    def _next_frame(self) -> tuple[int, int, int, bytes] | None:
        while True:
            start = self._heard.find(_HEAD)
            if start < 0:
                self._heard = self._heard[-1:]
                return None
            self._heard = self._heard[start:]
            # Data is ASCII: where another beginning comes before the end, the end is lost.
            again = self._heard.find(_HEAD, 2)
            if len(self._heard) < 7:
                return None
            kind, ack, number, length = struct.unpack(">BBBH", self._heard[2:7])
            whole = 10 + length
            if length <= _LONGEST_DATA and not 0 < again < whole:
                if len(self._heard) < whole:
                    return None
                body, tail = self._heard[2 : 8 + length], self._heard[8 + length : whole]
                if _xor(body) == 0 and tail == _TAIL:
                    self._heard = self._heard[whole:]
                    return kind, ack, number, body[5:-1]
            self._heard = self._heard[2:]

    def _hear(self, kind: int, ack: int, number: int, data: bytes, now: float) -> None:
        if kind == _HANDSHAKE:
            self._awake = True
            self._out.append(Reply(_frame(_CONFIRM, 0, 0, b"")))
        if not self._awake or ack:
            return
        if kind == _HEARTBEAT:
            if self._sale is not None:
                self._sale.beat_at = now
            self._out.append(Reply(_frame(_HEARTBEAT, 0, 0, b"")))
            return
        try:
            asked = json.loads(data) if data else {}
            answer = self._answer(kind, number, asked, now)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            # No word of ours: nothing in it can be trusted, so nothing can be said to it.
            return
        if answer is not None:
            self._say(kind, 1, number, answer)

    def _answer(self, kind: int, number: int, asked: dict[str, Any], now: float) -> dict[str, object] | None:
        match kind:
            case 0x10:
                return self._sell(_key(asked["key"]), _fen(asked["fen"]), asked["currency"], number, now)
            case 0x11:
                return self._look_up(_key(asked["key"]))
            case 0x12:
                return self._give_back(_key(asked["key"]))
            case 0x13:
                return self._call_off(_key(asked["key"]))
            case 0x14:
                return self._totals(asked["day"])
            case 0x15:
                return self._page(asked["day"], asked["page"])
            case 0x16:
                card = self._sale is not None and self._sale.stage != "present_card"
                return {"terminal": TERMINAL, "busy": self._sale is not None, "card": card}
            case _:
                return None

    def _sell(self, key: str, fen: int, currency: str, number: int, now: float) -> dict[str, object] | None:
        held = self.journal.last(key)
        if self._sale is not None and self._sale.key == key:
            if self._sale.fen != fen:
                return {"key": key, "outcome": "other_amount"}
            # Its host lost sight of it and is here again.
            self._sale.number, self._sale.beat_at = number, now
            self._show_progress(self._sale)
            return None
        if held is not None:
            if held.fen != fen and held.outcome != "closed":
                return {"key": key, "outcome": "other_amount"}
            answer = _outcome(held)
            if held.outcome == "closed":
                answer |= {"outcome": "refused", "reason": "closed"}
            return answer
        if self._sale is not None or currency != "CNY":
            return {"key": key, "outcome": "not_taken"}
        self._sale = _Sale(key, fen, number, now, now, self._next, self._next_extra_s, self._next_reason)
        self._next, self._next_extra_s, self._next_reason = Behaviour.APPROVE, 0.0, ""
        self._show_progress(self._sale)
        return None

    def _look_up(self, key: str) -> dict[str, object]:
        if self._sale is not None and self._sale.key == key:
            return {"key": key, "outcome": "pending"}
        held = self.journal.last(key)
        if held is None:
            held = Record(key, "closed", _iso(self._clock()))
            self.journal.add(held)
        return _outcome(held)

    def _give_back(self, key: str) -> dict[str, object]:
        if self._sale is not None and self._sale.key == key and self._sale.stage == "present_card":
            self._refuse_now(self._sale, "cancelled")
        answer = self._look_up(key)
        held = self.journal.last(key)
        if held is None or held.outcome != "approved":
            # Refused: nothing is charged, so there is nothing to give back.
            return answer if answer["outcome"] in ("reversed", "pending") else {"key": key, "outcome": "not_found"}
        if self._keeps_money:
            return {"key": key, "outcome": "refused", "reason": "declined"}
        back = replace(held, outcome="reversed", at=_iso(self._clock()), trace=self.journal.next_trace())
        self.journal.add(back)
        return _outcome(back)

    def _call_off(self, key: str) -> dict[str, object]:
        sale = self._sale
        taken = sale is not None and sale.key == key and sale.stage == "present_card"
        if sale is not None and taken:
            self._refuse_now(sale, "cancelled")
        return {"key": key, "taken": taken}

    def _of_day(self, day: str) -> list[Record]:
        return [r for r in self.journal.records if r.outcome in ("approved", "reversed") and r.day == day]

    def _totals(self, day: str) -> dict[str, object]:
        sales = [record.fen for record in self._of_day(day) if record.outcome == "approved"]
        back = [record.fen for record in self._of_day(day) if record.outcome == "reversed"]
        return {
            "day": day,
            "sales": len(sales),
            "sales_fen": sum(sales),
            "reversals": len(back),
            "reversals_fen": sum(back),
        }

    def _page(self, day: str, page: int) -> dict[str, object]:
        records = self._of_day(day)
        first = (page - 1) * ENTRIES_A_PAGE
        return {
            "day": day,
            "page": page,
            "pages": max(1, -(-len(records) // ENTRIES_A_PAGE)),
            "entries": [
                [r.key, "sale" if r.outcome == "approved" else "reversal", r.fen, r.trace, r.reference, r.card, r.at]
                for r in records[first : first + ENTRIES_A_PAGE]
            ],
        }

    # ---- what it says ----------------------------------------------------------------------------------------------

    def _say(self, kind: int, ack: int, number: int, words: Mapping[str, object]) -> None:
        if not self._awake:
            return
        said = _frame(kind, ack, number, json.dumps(words, separators=(",", ":")).encode())
        if self._stale and ack:
            kept, self._kept = self._kept, said
            if kept is None:
                return
            said = kept
        self._out.append(Reply(said))


_CARD = "6222020012345678123"


def _outcome(record: Record) -> dict[str, object]:
    if record.outcome == "closed":
        return {"key": record.key, "outcome": "not_found"}
    answer: dict[str, object] = {"key": record.key, "outcome": record.outcome, "fen": record.fen, "currency": "CNY"}
    answer |= {"terminal": TERMINAL, "at": record.at}
    answer |= {name: value for name in ("reason", "trace", "reference", "card") if (value := getattr(record, name))}
    return answer


def _behaviour(what: object) -> tuple[Behaviour, float, str]:
    """Which, how many seconds longer, refused why."""
    word, argument = next(iter(what.items())) if isinstance(what, dict) and len(what) == 1 else (what, None)
    try:
        how = Behaviour(str(word))
    except ValueError:
        raise BadAction(f"a sale goes {', '.join(Behaviour)}; not {word!r}") from None
    if how is Behaviour.SLOW:
        return how, _seconds(5 if argument is None else argument), ""
    return how, 0.0, _reason(argument) if how is Behaviour.REFUSE else ""


def _reason(word: object) -> str:
    if word is None:
        return "declined"
    word = "card_expired" if word == "expired" else word
    if word not in REASONS:
        raise BadAction(f"a bank refuses because of {', '.join(REASONS)}; not {word!r}")
    return str(word)


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 3600:
        raise BadAction(f"{value!r} is no number of seconds")
    return float(value)


def _key(value: object) -> str:
    if not isinstance(value, str) or len(value) != 32 or not set(value) <= set("0123456789abcdef"):
        raise ValueError("no key")
    return value


def _fen(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise ValueError("no amount")
    return value


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _frame(kind: int, ack: int, number: int, data: bytes) -> bytes:
    body = struct.pack(">BBBH", kind, ack, number, len(data)) + data
    return _HEAD + body + bytes([_xor(body)]) + _TAIL


def _xor(data: bytes) -> int:
    result = 0
    for byte in data:
        result ^= byte
    return result
