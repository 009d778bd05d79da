"""The two bureaus as processes of their own: what they keep and refuse, and what the hall makes of their bad days."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import httpx2
import msgspec
import pysqlite3.dbapi2 as sqlite
import pytest

from demo.hall_server import BureauServer, command
from demo.processes import wait_until
from hall.bureaus.bench import BadCommand, BureauBench, NoBureau
from hall.bureaus.books import Books
from hall.bureaus.client import Absent, BureauClient, BureauSilent, Received, RefusedBy, Silent
from hall.bureaus.contract import (
    NOT_FOUND,
    Declaration,
    DeclaredLine,
    Entry,
    EntryLine,
    LedgerEntry,
    LedgerReturn,
    Receipt,
    Refusal,
    entry_key,
)
from hall.bureaus.faults import Action, Kind, On
from hall.bureaus.folder import read_or_make_token, read_token, url_file
from kiosk.domain.day import HALL_ZONE
from kiosk.domain.filing import Bureau, Form, Levy

T = TypeVar("T")

#: Seconds for an answer that will come, and patience with one that will not.
SOON, PATIENCE = 20.0, 0.8

AT = datetime(2026, 11, 24, 10, 30, 15, 123456, tzinfo=HALL_ZONE)


class TriedBureau(BureauServer):
    """A bureau that the hall's own client talks to; it may die and be started again at the same address."""

    def __init__(self, bureau: Bureau, data: Path, host: str = "127.0.0.1") -> None:
        super().__init__(bureau, data, data.with_name(f"{data.name}-{bureau}.log"))
        self.known_as = bureau
        self._host = host

    def words(self) -> list[str]:
        return [*super().words(), "--host", self._host]

    def start_again_if_dead(self) -> None:
        if self.process.exit_code is not None:
            self.process.kill()
            self.start()

    def start_again(self) -> None:
        """After it has killed itself."""
        wait_until(lambda: self.process.exit_code is not None, 20, "the bureau dies")
        self.start_again_if_dead()

    def client(self) -> BureauClient:
        return BureauClient(self.known_as, self.url, read_token(self.token_file))

    def bench(self) -> BureauBench:
        return BureauBench.at(self.known_as, self.data)

    def talk(self, talk: Callable[[BureauClient], Awaitable[T]]) -> T:
        """One exchange of the hall's, from an event loop of its own."""

        async def talked() -> T:
            client = self.client()
            try:
                return await talk(client)
            finally:
                await client.close()

        return asyncio.run(talked())

    def declare(self, declaration: Declaration, timeout_s: float = SOON) -> Received | RefusedBy | Silent:
        return self.talk(lambda client: client.declare(declaration, timeout_s))

    def ask(self, key: str) -> Received | Absent | Silent:
        return self.talk(lambda client: client.ask_return(key, SOON))

    def enter(self, entry: Entry, timeout_s: float = SOON) -> Received | RefusedBy | Silent:
        return self.talk(lambda client: client.enter(entry, timeout_s))

    def ask_entry(self, key: str) -> Received | Absent | Silent:
        return self.talk(lambda client: client.ask_entry(key, SOON))

    def returns(self, taxpayer: str, day: date | None = None) -> list[LedgerReturn]:
        ledger = self.talk(lambda client: client.ledger(day, SOON))
        return [row for row in ledger.returns if row.taxpayer == taxpayer]

    def entries(self, filing: str, day: date | None = None) -> list[LedgerEntry]:
        ledger = self.talk(lambda client: client.ledger(day, SOON))
        return [row for row in ledger.entries if row.filing == filing]


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TriedBureau]:
    server = TriedBureau(Bureau.STATE, tmp_path_factory.mktemp("bureaus") / "data")
    server.start()
    yield server
    server.process.kill()


@pytest.fixture
def bureau(standing: TriedBureau) -> TriedBureau:
    """In good health. Its books are those of the tests before: every test brings taxpayers of its own."""
    standing.start_again_if_dead()
    standing.bench().heal()
    return standing


def new_key() -> str:
    return secrets.token_hex(16)


def new_taxpayer() -> str:
    return f"1350{secrets.randbelow(10**16):016d}"


def declaration(
    taxpayer: str | None = None,
    key: str | None = None,
    payable: int = 30_000,
    form: Form = Form.VAT_SMALL_SCALE,
    corrects: str | None = None,
    month: int = 9,
) -> Declaration:
    return Declaration(
        key=key or new_key(),
        hall="zz-longwen",
        taxpayer=taxpayer or new_taxpayer(),
        form=form,
        lines=[
            DeclaredLine(Levy.VAT, due=payable, relief=0, payable=payable, rule="VR-1-2026"),
            DeclaredLine(Levy.UMCT, due=2_100, relief=1_050, payable=1_050, rule="UM-1"),
            DeclaredLine(Levy.EDUCATION, due=900, relief=900, payable=0, rule="ED-1"),
        ],
        declared_at=AT,
        period_start=date(2026, month - 2, 1) if form is Form.VAT_SMALL_SCALE else None,
        period_end=date(2026, month, 28) if form is Form.VAT_SMALL_SCALE else None,
        corrects=corrects,
    )


def entry(of: Declaration, payment: str | None = None, bureau: Bureau = Bureau.STATE, late: int = 0) -> Entry:
    paid = payment or new_key()
    lines = [
        EntryLine(line.levy, line.payable, late if line.levy is Levy.VAT else 0) for line in of.lines if line.payable
    ]
    return Entry(
        key=entry_key(paid, of.key, bureau),
        filing=of.key,
        payment=paid,
        lines=lines,
        amount=sum(line.amount + line.late for line in lines),
        paid_at=AT,
        reference="112233445566",
    )


def received(answer: object) -> Receipt:
    assert isinstance(answer, Received), answer
    return answer.receipt


# ---- returns -------------------------------------------------------------------------------------------------------


def test_a_return_is_receipted_and_found_under_its_key(bureau: TriedBureau) -> None:
    filed = declaration()
    assert bureau.ask(filed.key) == Absent()
    receipt = received(bureau.declare(filed))
    assert (receipt.key, receipt.amount) == (filed.key, 31_050)
    assert abs(receipt.at - datetime.now(UTC)) < timedelta(minutes=1)
    assert bureau.ask(filed.key) == Received(receipt)


def test_the_same_declaration_twice_is_one_return_with_one_receipt(bureau: TriedBureau) -> None:
    filed = declaration()
    first = received(bureau.declare(filed))
    bureau.process.kill()
    bureau.start_again_if_dead()
    assert bureau.declare(filed) == Received(first)
    assert [row.receipt for row in bureau.returns(filed.taxpayer)] == [first.receipt]


def test_a_declaration_kept_in_a_database_meanwhile_is_the_same(bureau: TriedBureau) -> None:
    filed = declaration()
    first = received(bureau.declare(filed))
    in_utc = filed.declared_at.astimezone(UTC).replace(microsecond=123_000)
    repeated = msgspec.structs.replace(filed, declared_at=in_utc, lines=filed.lines[::-1])
    assert bureau.declare(repeated) == Received(first)


@pytest.mark.parametrize(
    "changed",
    [
        {"taxpayer": "13509999999999999999"},
        {"declared_at": AT + timedelta(milliseconds=1)},
        {"lines": [DeclaredLine(Levy.VAT, 30_001, 0, 30_001, "VR-1-2026")]},
        {"corrects": "0" * 32},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_key_used_for_something_else_is_refused(bureau: TriedBureau, changed: dict[str, object]) -> None:
    filed = declaration()
    received(bureau.declare(filed))
    assert bureau.declare(msgspec.structs.replace(filed, **changed)) == RefusedBy("key")
    assert [row.payable for row in bureau.returns(filed.taxpayer)] == [31_050]


def test_one_period_has_one_return_and_the_other_is_named(bureau: TriedBureau) -> None:
    filed = declaration()
    received(bureau.declare(filed))
    assert bureau.declare(declaration(filed.taxpayer)) == RefusedBy("already_filed", filed.key)
    received(bureau.declare(declaration(filed.taxpayer, month=6)))
    assert len(bureau.returns(filed.taxpayer)) == 2


def test_of_twenty_at_once_for_one_period_one_is_filed(bureau: TriedBureau) -> None:
    taxpayer = new_taxpayer()
    rivals = [declaration(taxpayer) for _ in range(20)]

    async def all_at_once(client: BureauClient) -> list[object]:
        return await asyncio.gather(*(client.declare(rival, SOON) for rival in rivals))

    answers = bureau.talk(all_at_once)
    (filed,) = bureau.returns(taxpayer)
    assert sorted(map(repr, answers)) == sorted(
        [repr(Received(received(bureau.ask(filed.key))))] + [repr(RefusedBy("already_filed", filed.key))] * 19
    )


def test_what_was_filed_at_a_window_is_filed(bureau: TriedBureau) -> None:
    at_window = declaration()
    receipt = bureau.bench().file_at_window(at_window)
    assert isinstance(receipt, Receipt)
    assert bureau.declare(declaration(at_window.taxpayer)) == RefusedBy("already_filed", at_window.key)
    (row,) = bureau.returns(at_window.taxpayer)
    assert (row.channel, row.receipt) == ("window", receipt.receipt)


def test_an_occasional_return_may_come_twice_a_day(bureau: TriedBureau) -> None:
    taxpayer = new_taxpayer()
    for _ in range(2):
        received(bureau.declare(declaration(taxpayer, form=Form.STAMP)))
    assert len(bureau.returns(taxpayer)) == 2


def test_every_taxpayer_is_known_but_those_turned_away(bureau: TriedBureau) -> None:
    known, unknown = declaration(), declaration()
    received(bureau.declare(known))
    bureau.bench().turn_away(unknown.taxpayer, "unknown_taxpayer")
    bureau.bench().turn_away(known.taxpayer, "not_registered")
    bureau.process.kill()
    bureau.start_again_if_dead()
    assert bureau.declare(unknown) == RefusedBy("unknown_taxpayer")
    assert bureau.declare(declaration(known.taxpayer, month=6)) == RefusedBy("not_registered")
    assert isinstance(bureau.declare(known), Received), "what is filed stays filed"
    bureau.bench().turn_away(unknown.taxpayer, None)
    received(bureau.declare(unknown))


@pytest.mark.parametrize(
    "wrong",
    [
        {"period_start": None, "period_end": None},
        {"period_start": None},
        {"period_end": date(2026, 6, 30)},
        {"lines": [DeclaredLine(Levy.VAT, 100, 0, 101, "VR")]},
        {"lines": [DeclaredLine(Levy.VAT, 100, 30, 71, "VR")]},
        {"lines": [DeclaredLine(Levy.VAT, -1, 0, -1, "VR")]},
        {"lines": [DeclaredLine(Levy.VAT, 10**19, 0, 10**19, "VR")]},
        {"declared_at": AT.replace(tzinfo=None)},
        {"taxpayer": ""},
        {"key": "not a key"},
    ],
    ids=str,
)
def test_an_impossible_return_is_refused_for_good(bureau: TriedBureau, wrong: dict[str, object]) -> None:
    filed = msgspec.structs.replace(declaration(), **wrong)
    assert bureau.declare(filed) == RefusedBy("invalid")


# ---- corrections ---------------------------------------------------------------------------------------------------


def test_a_correction_takes_the_place_of_the_earlier_return(bureau: TriedBureau) -> None:
    first = declaration()
    receipt = received(bureau.declare(first))
    second = declaration(first.taxpayer, corrects=first.key, payable=40_000)
    received(bureau.declare(second))
    assert [(row.key, row.superseded) for row in bureau.returns(first.taxpayer)] == [
        (first.key, True),
        (second.key, False),
    ]
    assert bureau.declare(first) == Received(receipt), "the same key gets the same answer, whatever happened since"
    assert bureau.enter(entry(first)) == RefusedBy("no_return", second.key)
    received(bureau.enter(entry(second)))


def test_what_is_paid_is_not_corrected(bureau: TriedBureau) -> None:
    first = declaration()
    received(bureau.declare(first))
    received(bureau.enter(entry(first)))
    assert bureau.declare(declaration(first.taxpayer, corrects=first.key)) == RefusedBy("paid_already", first.key)
    assert len(bureau.returns(first.taxpayer)) == 1


def test_a_correction_may_leave_nothing_at_this_bureau(bureau: TriedBureau) -> None:
    """Its part was of a levy that the corrected return no longer has: without this one it would be owed for ever."""
    first = declaration()
    received(bureau.declare(first))
    nothing = msgspec.structs.replace(declaration(first.taxpayer, corrects=first.key), lines=[])
    assert received(bureau.declare(nothing)).amount == 0
    assert [(row.payable, row.superseded) for row in bureau.returns(first.taxpayer)] == [(31_050, True), (0, False)]
    assert bureau.enter(entry(nothing)) == RefusedBy("amount")


@pytest.mark.parametrize("form", [Form.VAT_SMALL_SCALE, Form.STAMP])
def test_a_return_overtaken_by_its_correction_is_history(bureau: TriedBureau, form: Form) -> None:
    late = declaration(form=form)
    correction = declaration(late.taxpayer, corrects=late.key, form=form)
    received(bureau.declare(correction))
    assert bureau.declare(late) == RefusedBy("already_filed", correction.key)
    assert [row.key for row in bureau.returns(late.taxpayer)] == [correction.key]


def test_one_return_is_corrected_once_the_next_correction_corrects_that(bureau: TriedBureau) -> None:
    first = declaration()
    second = declaration(first.taxpayer, corrects=first.key)
    third = declaration(first.taxpayer, corrects=first.key)
    for filed in (first, second):
        received(bureau.declare(filed))
    assert bureau.declare(third) == RefusedBy("already_filed", second.key)
    received(bureau.declare(msgspec.structs.replace(third, corrects=second.key)))


def test_somebody_elses_return_is_not_corrected(bureau: TriedBureau) -> None:
    first = declaration()
    received(bureau.declare(first))
    assert bureau.declare(declaration(corrects=first.key)) == RefusedBy("invalid")
    assert bureau.declare(declaration(first.taxpayer, corrects=first.key, month=6)) == RefusedBy("invalid")
    assert [row.superseded for row in bureau.returns(first.taxpayer)] == [False]


# ---- entries -------------------------------------------------------------------------------------------------------


def test_money_is_entered_once_with_late_surcharge_on_top(bureau: TriedBureau) -> None:
    filed = declaration()
    received(bureau.declare(filed))
    paid = entry(filed, late=375)
    receipt = received(bureau.enter(paid))
    assert (receipt.key, receipt.amount) == (paid.key, 31_425)
    assert bureau.enter(paid) == bureau.ask_entry(paid.key) == Received(receipt)
    assert [(row.amount, row.payment) for row in bureau.entries(filed.key)] == [(31_425, paid.payment)]


def test_no_entry_without_its_return(bureau: TriedBureau) -> None:
    filed = declaration()
    paid = entry(filed)
    assert bureau.enter(paid) == RefusedBy("no_return")
    received(bureau.declare(filed))
    received(bureau.enter(paid))


def test_a_second_payment_for_one_return_is_refused_and_the_first_named(bureau: TriedBureau) -> None:
    filed = declaration()
    received(bureau.declare(filed))
    first = entry(filed)
    assert isinstance(bureau.bench().enter_at_window(first), Receipt)
    assert bureau.enter(entry(filed)) == RefusedBy("paid_already", first.key)
    assert [row.channel for row in bureau.entries(filed.key)] == ["window"]


@pytest.mark.parametrize("fen", [-1, 1])
def test_an_entry_a_fen_off_its_declaration_is_refused(bureau: TriedBureau, fen: int) -> None:
    filed = declaration()
    received(bureau.declare(filed))
    right = entry(filed)
    off = EntryLine(right.lines[0].levy, right.lines[0].amount + fen)
    assert bureau.enter(
        msgspec.structs.replace(right, lines=[off, *right.lines[1:]], amount=right.amount + fen)
    ) == RefusedBy("amount")
    assert bureau.enter(msgspec.structs.replace(right, amount=right.amount + fen)) == RefusedBy("amount")
    received(bureau.enter(right))


def test_late_surcharge_of_a_levy_without_tax_is_refused(bureau: TriedBureau) -> None:
    filed = declaration()
    received(bureau.declare(filed))
    right = entry(filed)
    lines = [*right.lines, EntryLine(Levy.EDUCATION, 0, 5)]
    assert bureau.enter(msgspec.structs.replace(right, lines=lines, amount=right.amount + 5)) == RefusedBy("amount")


def test_the_other_bureaus_entry_does_not_get_into_these_books(bureau: TriedBureau) -> None:
    filed = declaration()
    received(bureau.declare(filed))
    assert bureau.enter(entry(filed, bureau=Bureau.LOCAL)) == RefusedBy("invalid")
    assert bureau.entries(filed.key) == []


def test_an_entry_key_used_for_another_amount_is_refused(bureau: TriedBureau) -> None:
    filed = declaration()
    received(bureau.declare(filed))
    paid = entry(filed)
    received(bureau.enter(paid))
    assert bureau.enter(entry(filed, payment=paid.payment, late=1)) == RefusedBy("key")


# ---- the end of the day --------------------------------------------------------------------------------------------


def test_the_ledger_of_a_day_holds_what_came_in_that_day(bureau: TriedBureau) -> None:
    filed = declaration()
    receipt = received(bureau.declare(filed))
    paid = entry(filed)
    received(bureau.enter(paid))
    today = receipt.at.astimezone(HALL_ZONE).date()
    (row,) = bureau.returns(filed.taxpayer, today)
    assert (row.form, row.payable, row.period_end, row.at) == (filed.form, 31_050, filed.period_end, receipt.at)
    assert [found.key for found in bureau.entries(filed.key, today)] == [paid.key]
    yesterday = today - timedelta(days=1)
    assert bureau.returns(filed.taxpayer, yesterday) == bureau.entries(filed.key, yesterday) == []


def test_a_bureaus_day_ends_at_midnight_of_the_hall(tmp_path: Path) -> None:
    books = Books(tmp_path, Bureau.LOCAL)
    before, after = declaration(), declaration()
    midnight = datetime(2026, 11, 25, tzinfo=HALL_ZONE)
    for filed, at in ((before, midnight - timedelta(milliseconds=1)), (after, midnight)):
        # 16:00 UTC: the day before, for whoever counts by another clock.
        assert isinstance(books.declare(filed, at.astimezone(UTC)), Receipt)
    found = {day: [row.key for row in books.ledger(date(2026, 11, day)).returns] for day in (24, 25)}
    books.close()
    assert found == {24: [before.key], 25: [after.key]}


def test_two_bureaus_share_a_folder_and_no_books(tmp_path: Path) -> None:
    servers = [TriedBureau(bureau, tmp_path / "data") for bureau in Bureau]
    for server in servers:
        server.start()
    try:
        state, local = servers
        filed = declaration()
        receipts = {received(server.declare(filed)).receipt for server in servers}
        assert len(receipts) == 2, "each bureau has numbers of its own"
        paid = entry(filed, bureau=Bureau.LOCAL)
        received(local.enter(paid))
        assert (len(state.entries(filed.key)), len(local.entries(filed.key))) == (0, 1)
        local.known_as = Bureau.STATE
        with pytest.raises(BureauSilent):
            local.entries(filed.key)
    finally:
        for server in servers:
            server.process.kill()


# ---- bad days ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BadDay:
    action: Action
    argument: str | float | None
    stored: bool
    answered: bool = False
    dies: bool = False


BAD_DAYS = [
    BadDay(Action.SLOW, 5.0, stored=False),
    BadDay(Action.SLOW_ANSWER, 5.0, stored=True),
    BadDay(Action.SILENT, None, stored=False),
    BadDay(Action.SILENT_ANSWER, None, stored=True),
    BadDay(Action.DIE_BEFORE, None, stored=False, dies=True),
    BadDay(Action.DIE_AFTER, None, stored=True, dies=True),
    BadDay(Action.ANSWER_TWICE, None, stored=True, answered=True),
    *(BadDay(Action.GARBLE, kind.value, stored=True) for kind in Kind),
]


@pytest.mark.parametrize("day", BAD_DAYS, ids=lambda day: f"{day.action}-{day.argument}")
@pytest.mark.parametrize("kind", ["return", "entry"])
def test_on_a_bad_day_asking_tells_what_became_of_it(bureau: TriedBureau, day: BadDay, kind: str) -> None:
    filed = declaration()
    paid = entry(filed)
    if kind == "entry":
        received(bureau.declare(filed))

    def hand_in(patience: float) -> Received | RefusedBy | Silent:
        return bureau.declare(filed, patience) if kind == "return" else bureau.enter(paid, patience)

    def ask() -> Received | Absent | Silent:
        return bureau.ask(filed.key) if kind == "return" else bureau.ask_entry(paid.key)

    bureau.bench().arm(day.action, day.argument, times=1)
    answer = hand_in(PATIENCE if day.action in IMPATIENT else SOON)
    assert isinstance(answer, Received if day.answered else Silent), answer
    if day.dies:
        bureau.start_again()
    found = ask()
    assert isinstance(found, Received if day.stored else Absent), found
    # Whoever then hands it in once more gets that same receipt, and there is one row.
    again = received(hand_in(SOON))
    assert ask() == Received(again)
    if day.stored:
        assert found == Received(again)
    assert len(bureau.returns(filed.taxpayer)) == 1
    assert len(bureau.entries(filed.key)) == (1 if kind == "entry" else 0)


def test_what_a_slow_bureau_takes_in_behind_our_back_is_still_one_return(bureau: TriedBureau) -> None:
    filed = declaration()
    bureau.bench().arm(Action.SLOW, 2.0, times=1)
    assert isinstance(bureau.declare(filed, PATIENCE), Silent)
    assert bureau.ask(filed.key) == Absent(), "it is on its way, and not there yet"
    again = received(bureau.declare(filed))
    time.sleep(2.2)
    assert bureau.ask(filed.key) == Received(again)
    assert len(bureau.returns(filed.taxpayer)) == 1


def test_an_unanswered_return_arrives_though_nobody_sends_it_again(bureau: TriedBureau) -> None:
    filed = declaration()
    bureau.bench().arm(Action.SLOW, 0.6, times=1)
    assert isinstance(bureau.declare(filed, 0.2), Silent)
    wait_until(lambda: isinstance(bureau.ask(filed.key), Received), 10, "it is in the books")


def test_a_bureau_refuses_as_often_as_it_is_told(bureau: TriedBureau) -> None:
    filed = declaration()
    bureau.bench().arm(Action.REFUSE, "not_registered", times=2)
    answers = [bureau.declare(filed) for _ in range(3)]
    assert answers[:2] == [RefusedBy("not_registered")] * 2
    assert received(answers[2]).key == filed.key


def test_a_fault_of_entries_leaves_returns_alone_until_it_is_healed(bureau: TriedBureau) -> None:
    filed = declaration()
    bureau.bench().arm(Action.SILENT, on=On.ENTRIES)
    received(bureau.declare(filed))
    paid = entry(filed)
    for _ in range(2):
        assert isinstance(bureau.enter(paid, PATIENCE), Silent)
    bureau.bench().heal()
    received(bureau.enter(paid))


def test_a_bureau_may_be_silent_to_questions_too(bureau: TriedBureau) -> None:
    bureau.bench().arm(Action.SILENT, on=On.ALL)
    assert isinstance(bureau.talk(lambda client: client.ask_return(new_key(), PATIENCE)), Silent)
    with pytest.raises(BureauSilent):
        bureau.talk(lambda client: client.ledger(None, PATIENCE))


def test_a_bureau_that_answers_twice_does_not_answer_the_next_request(bureau: TriedBureau) -> None:
    """All over one client, as the hall uses it."""
    filed = [declaration() for _ in range(10)]
    bureau.bench().arm(Action.ANSWER_TWICE, on=On.ALL)

    async def all_in_turn(client: BureauClient) -> list[object]:
        return [await client.declare(one, SOON) for one in filed] + [await client.ask_return(new_key(), SOON)]

    *answers, unknown = bureau.talk(all_in_turn)
    assert [received(answer).key for answer in answers] == [one.key for one in filed]
    assert unknown == Absent()


def test_a_dead_bureau_is_silent_at_once(tmp_path: Path) -> None:
    server = TriedBureau(Bureau.LOCAL, tmp_path / "data")
    server.start()
    server.process.kill()
    assert isinstance(server.declare(declaration()), Silent)
    assert isinstance(server.ask(new_key()), Silent)
    with pytest.raises(NoBureau):
        server.bench().heal()


def test_told_to_stop_it_ends_well_even_with_a_hall_that_waits_in_vain(tmp_path: Path) -> None:
    server = TriedBureau(Bureau.LOCAL, tmp_path / "data")
    server.start()
    server.bench().arm(Action.SILENT)
    answers: list[object] = []
    waiting = threading.Thread(target=lambda: answers.append(server.declare(declaration())))
    waiting.start()
    wait_until(lambda: server.bench() and len(_established(server.port)) > 0, 10, "the hall waits")
    server.process.ask_to_end()
    code = server.process.exit_code
    server.process.kill()
    waiting.join()
    assert code == 0
    assert [type(answer) for answer in answers] == [Silent]


def _established(port: int) -> list[str]:
    suffix = f":{port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return [line for line in lines if line.split()[1].endswith(suffix) and line.split()[3] == "01"]


# ---- who may ask ---------------------------------------------------------------------------------------------------


def test_without_the_token_nothing_is_told_and_nothing_is_filed(bureau: TriedBureau) -> None:
    filed = declaration()

    async def with_a_wrong_token() -> list[object]:
        client = BureauClient(Bureau.STATE, bureau.url, "guessed")
        try:
            return [await client.declare(filed, SOON), await client.ask_return(filed.key, SOON)]
        finally:
            await client.close()

    assert [type(answer) for answer in asyncio.run(with_a_wrong_token())] == [Silent, Silent]
    assert bureau.returns(filed.taxpayer) == []
    for path in ("/bench", "/bureau/v1/ledger", "/nowhere"):
        assert httpx2.get(bureau.url + path, trust_env=False).status_code == 401


def test_the_bench_obeys_its_own_machine_only(tmp_path: Path) -> None:
    address = _address_of_this_machine()
    if address is None:
        pytest.skip("this machine has no address but loopback")
    server = TriedBureau(Bureau.LOCAL, tmp_path / "data", host="0.0.0.0")
    server.start()
    try:
        headers = {"authorization": f"Bearer {read_token(server.token_file)}"}
        for path, status in (("/bench", 404), ("//bench", 404), ("/%62ench", 404), ("/bureau/v1/ledger", 200)):
            # The path as it stands: a client would tidy it up.
            raw = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {headers['authorization']}\r\n\r\n"
            with socket.create_connection((address, server.port), 5) as line:
                line.sendall(raw.encode())
                with line.makefile("rb") as answer:
                    assert answer.readline().split()[1] == str(status).encode(), path
        assert httpx2.get(server.url + "/bench", headers=headers, trust_env=False).status_code == 200
    finally:
        server.process.kill()


def _address_of_this_machine() -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        try:
            peer.connect(("192.0.2.1", 9))
        except OSError:
            return None
        found = str(peer.getsockname()[0])
    return None if found.startswith("127.") else found


def test_a_bureau_writes_no_taxpayer_into_its_log(bureau: TriedBureau) -> None:
    filed = declaration()
    bureau.declare(filed)
    bureau.declare(declaration(filed.taxpayer))
    bureau.declare(msgspec.structs.replace(filed, key=new_key(), period_end=None))
    said = bureau.process.said
    assert "serving" in said
    assert filed.taxpayer not in said
    assert filed.key not in said


# ---- what the hall makes of any peer -------------------------------------------------------------------------------

ASKED = "0123456789abcdef" * 2


def http_answer(status: int, body: bytes | str | object, length: int | None = None) -> bytes:
    content = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else msgspec.json.encode(body)
    size = len(content) if length is None else length
    return f"HTTP/1.1 {status} -\r\nContent-Length: {size}\r\n\r\n".encode() + content


RECEIPT = Receipt(ASKED, "13506032026112401000001", AT, 31_050)

NONSENSE = {
    "nothing": b"",
    "not HTTP": b"\x00\x01\x02 login: ",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "a body cut off": http_answer(200, RECEIPT, length=5_000),
    "a proxy's page": http_answer(200, "<html>200 OK</html>"),
    "a proxy's 404": http_answer(404, "<html>Not Found</html>"),
    "a 404 about another key": http_answer(404, Refusal(NOT_FOUND, "f" * 32)),
    "a 404 without a word": http_answer(404, Refusal("whatever", ASKED)),
    "another key's receipt": http_answer(200, msgspec.structs.replace(RECEIPT, key="f" * 32)),
    "a receipt without a number": http_answer(200, {"key": ASKED, "at": "2026-11-24T10:00:00+08:00"}),
    "bytes that are no text": http_answer(200, b'{"key": "\xff\xfe"}'),
    "nested without end": http_answer(200, b"[" * 100_000),
    "a 201": http_answer(201, RECEIPT),
    "a redirect": b"HTTP/1.1 302 -\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    "a 409 without a word": http_answer(409, "{}"),
    "a 409 of a word nobody knows": http_answer(409, Refusal("maybe")),
    "a 401": http_answer(401, Refusal("token")),
    "a 500 with a receipt": http_answer(500, RECEIPT),
    "a 503": http_answer(503, Refusal("already_filed")),
    "wrongly compressed": b"HTTP/1.1 200 -\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
}


class Peer:
    """Says the same to everybody, then hangs up, or dribbles on for ever."""

    def __init__(self, says: bytes, dribbles: bool = False) -> None:
        self._says, self._dribbles = says, dribbles
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listening.accept()
            except OSError:
                return
            with line:
                line.settimeout(5)
                try:
                    line.recv(65536)
                    line.sendall(self._says)
                    while self._dribbles:
                        line.sendall(b"x")
                        time.sleep(0.02)
                    # Hanging up with something unread would reset the line and take the answer with it.
                    line.shutdown(socket.SHUT_WR)
                    while line.recv(65536):
                        pass
                except OSError:
                    pass

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()


def answers_of(peer: Peer, timeout_s: float = SOON) -> list[object]:
    filed = declaration(key=ASKED)

    async def both() -> list[object]:
        client = BureauClient(Bureau.STATE, peer.url, "token")
        try:
            return [await client.declare(filed, timeout_s), await client.ask_return(ASKED, timeout_s)]
        finally:
            await client.close()

    try:
        return asyncio.run(both())
    finally:
        peer.close()


@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_neither_a_yes_nor_a_no(nonsense: bytes) -> None:
    assert [type(answer) for answer in answers_of(Peer(nonsense))] == [Silent, Silent]


def test_the_peer_of_these_tests_can_say_yes_and_no() -> None:
    assert answers_of(Peer(http_answer(200, RECEIPT))) == [Received(RECEIPT)] * 2
    assert answers_of(Peer(http_answer(422, Refusal("amount"))))[0] == RefusedBy("amount")
    assert answers_of(Peer(http_answer(404, Refusal(NOT_FOUND, ASKED))))[1] == Absent()


def test_a_peer_that_dribbles_is_given_up_in_time() -> None:
    began = time.monotonic()
    answers = answers_of(Peer(http_answer(200, b"", length=10**6), dribbles=True), timeout_s=0.5)
    assert [type(answer) for answer in answers] == [Silent, Silent]
    assert time.monotonic() - began < 3


# ---- the books hold by themselves ----------------------------------------------------------------------------------


@pytest.mark.parametrize("same", ["key", "receipt", "period", "corrects"])
def test_the_file_itself_refuses_a_second_return(tmp_path: Path, same: str) -> None:
    books = Books(tmp_path, Bureau.STATE)
    books.declare(declaration(corrects="c" * 32), AT)
    books.close()
    columns = {
        "key": f"'{new_key()}'",
        "receipt": "'another'",
        "taxpayer": "'another'",
        "corrects": "NULL",
        **{"key": {"key": "key"}, "receipt": {"receipt": "receipt"}, "period": {"taxpayer": "taxpayer"}}.get(same, {}),
        **({"corrects": "corrects"} if same == "corrects" else {}),
    }
    rest = "content, form, periodic, period_start, period_end, lines, payable, channel, hall, declared_at, at, day"
    file = sqlite.connect(str(books.file))
    with pytest.raises(sqlite.IntegrityError):
        file.execute(
            f"INSERT INTO tax_return ({', '.join(columns)}, {rest}) "
            f"SELECT {', '.join(columns.values())}, {rest} FROM tax_return"
        )
    file.close()


# ---- the command line ----------------------------------------------------------------------------------------------


def taxhall(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command("taxhall", *words), capture_output=True, text=True, timeout=60, check=False)


def test_a_bad_day_is_made_from_the_command_line(bureau: TriedBureau) -> None:
    folder = ["--data", str(bureau.data)]
    done = taxhall("bureau", "do", "state", "refuse", "not_registered", "--times", "1", "--on", "returns", *folder)
    assert (done.returncode, json.loads(done.stdout)) == (
        0,
        {"returns": {"action": "refuse", "argument": "not_registered", "left": 1}},
    )
    filed = declaration()
    assert bureau.declare(filed) == RefusedBy("not_registered")
    at_window = msgspec.json.encode(filed).decode()
    done = taxhall("bureau", "do", "state", "window_return", at_window, *folder)
    assert (done.returncode, json.loads(done.stdout)["key"]) == (0, filed.key)
    url = ["--url", bureau.url, "--token-file", str(bureau.token_file)]
    assert taxhall("bureau", "do", "state", "heal", *url).returncode == 0


def test_what_cannot_be_played_is_said_so(bureau: TriedBureau, tmp_path: Path) -> None:
    folder = ["--data", str(bureau.data)]
    for words in (["state", "explode"], ["state", "slow", "soon"], ["state", "refuse", "maybe"], ["north", "heal"]):
        done = taxhall("bureau", "do", *words, *folder)
        assert done.returncode == 2, words
        assert json.loads(done.stderr)["error"]["field"] in ("action", "bureau")
    for problem in ("nan", "-1"):
        with pytest.raises(BadCommand):
            bureau.bench().arm(Action.SLOW, problem)
    assert taxhall("bureau", "do", "state", "heal", "--data", str(tmp_path)).returncode == 1


def test_two_bureaus_started_at_once_make_one_token(tmp_path: Path) -> None:
    file = tmp_path / "new" / "token"
    start = threading.Barrier(8)

    def make() -> str:
        start.wait()
        return read_or_make_token(file)

    with ThreadPoolExecutor(8) as bureaus:
        made = {future.result() for future in [bureaus.submit(make) for _ in range(8)]}
    assert made == {read_token(file)}
    assert [found.name for found in file.parent.iterdir()] == ["token"]


def test_the_token_is_its_owners_only(bureau: TriedBureau) -> None:
    assert bureau.token_file.stat().st_mode & 0o077 == 0
    assert url_file(bureau.data, Bureau.STATE).read_text().strip() == bureau.url


# ---- any order of all of it ----------------------------------------------------------------------------------------

HISTORIES, SEEDS = 50, 4

#: What may befall a hand-in, and how often: dying costs half a second.
LOTS = [
    (Action.DIE_BEFORE, None, 1),
    (Action.DIE_AFTER, None, 2),
    (Action.ANSWER_TWICE, None, 6),
    (Action.SLOW, 0.05, 4),
    (Action.SLOW_ANSWER, 0.05, 4),
    (Action.SILENT, None, 3),
    (Action.SILENT_ANSWER, None, 4),
    *((Action.GARBLE, kind.value, 3) for kind in Kind),
    (None, None, 12),
]


#: Nobody waits for these.
IMPATIENT = (Action.SLOW, Action.SLOW_ANSWER, Action.SILENT, Action.SILENT_ANSWER)


@dataclass
class History:
    """One filing and its payment, handled by a hall with the worst of luck."""

    filed: Declaration
    paid: Entry
    receipts: set[str] = field(default_factory=set)
    entered: set[str] = field(default_factory=set)
    deaths: int = 0


async def live(bureau: TriedBureau, bench: BureauBench, lot: random.Random) -> History:
    filed = declaration()
    history = History(filed, entry(filed))
    client = bureau.client()
    hand_in: Callable[[float], Awaitable[object]] = lambda patience: client.declare(filed, patience)  # noqa: E731
    ask: Callable[[], Awaitable[object]] = lambda: client.ask_return(filed.key, SOON)  # noqa: E731
    history.deaths += await suffer(bureau, bench, lot, hand_in, ask, history.receipts)
    hand_in = lambda patience: client.enter(history.paid, patience)  # noqa: E731
    ask = lambda: client.ask_entry(history.paid.key, SOON)  # noqa: E731
    history.deaths += await suffer(bureau, bench, lot, hand_in, ask, history.entered)
    # All is well again: the hall settles.
    bench.heal()
    history.receipts.add(received(await client.declare(filed, SOON)).receipt)
    history.entered.add(received(await client.enter(history.paid, SOON)).receipt)
    await client.close()
    return history


async def suffer(
    bureau: TriedBureau,
    bench: BureauBench,
    lot: random.Random,
    hand_in: Callable[[float], Awaitable[object]],
    ask: Callable[[], Awaitable[object]],
    told: set[str],
) -> int:
    """Hand in or ask at random, a few times; every receipt that is told is kept. How often the bureau died."""
    deaths = 0
    for _ in range(lot.randint(1, 5)):
        if lot.random() < 0.3:
            answer = await ask()
        else:
            action, argument, _ = lot.choices(LOTS, [often for *_, often in LOTS])[0]
            if action is not None:
                bench.arm(action, argument, times=1)
            answer = await hand_in(0.03 if action in IMPATIENT else SOON)
            if action in (Action.DIE_BEFORE, Action.DIE_AFTER):
                bureau.start_again()
                deaths += 1
        if isinstance(answer, Received):
            told.add(answer.receipt.receipt)
    return deaths


@pytest.mark.parametrize("seed", range(SEEDS))
def test_any_order_of_handing_in_asking_and_dying_keeps_one_return_and_one_entry(tmp_path: Path, seed: int) -> None:
    lot = random.Random(seed)
    server = TriedBureau(Bureau.STATE, tmp_path / "data")
    server.start()
    try:
        bench = server.bench()
        histories = [asyncio.run(live(server, bench, lot)) for _ in range(HISTORIES)]
        ledger = server.talk(lambda client: client.ledger(None, SOON))
    finally:
        server.process.kill()
    assert [row.key for row in ledger.returns] == [history.filed.key for history in histories]
    assert [row.filing for row in ledger.entries] == [history.filed.key for history in histories]
    for history, filed, paid in zip(histories, ledger.returns, ledger.entries, strict=True):
        assert history.receipts == {filed.receipt}
        assert history.entered == {paid.receipt}
    assert sum(history.deaths for history in histories) > 3, "nobody died: nothing was tried"
