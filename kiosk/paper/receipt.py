"""缴款凭条: what was filed and paid, each levy under the bureau it goes to, and what is still on its way.

One slip for every state of a filing. It says in plain words what the state means for the person who holds it, and never
more than is known: a charge of unknown outcome is neither paid nor unpaid.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from drivers.printer.document import AmountRow, Block, Document, Row, Rule, Text
from kiosk.domain.filing import Bureau, FilingView, Levy, Line
from kiosk.domain.holder import mask_name
from kiosk.domain.money import grouped
from kiosk.domain.papers import ReceiptPaper
from kiosk.domain.texts import Texts
from kiosk.paper.words import bureau_name, clock, percent, period, reprint_mark, short_key

_INDENT = 2


class _Matter(StrEnum):
    """What the slip is about. Texts: ``paper.receipt.title.<value>``."""

    QUEUED = "queued"
    RECEIVED = "received"
    DECLARED = "declared"
    REFUSED = "refused"
    PAID = "paid"
    RETURNED = "returned"


def receipt(paper: ReceiptPaper, texts: Texts, hall_name: str, kiosk: str) -> Document:
    """``texts`` and ``hall_name`` are of one language."""
    filing = paper.filing
    matter = _matter(paper)
    blocks: list[Block] = [
        Text(hall_name, align="center", bold=True),
        Text(texts(f"paper.receipt.title.{matter}"), align="center", bold=True, size=2),
        *reprint_mark(0, paper.reprint, texts),
        Rule(),
        Text(_notice(paper, texts), bold=True),
        Rule(),
        Row(texts("paper.receipt.payer"), _payer(paper)),
        Row(texts("paper.receipt.payer_number"), paper.number_masked),
        Row(texts("paper.receipt.form"), texts(f"paper.form.{filing.form}")),
    ]
    if told := period(filing.period_start, filing.period_end, texts):
        blocks.append(Row(texts("paper.period"), told))
    for bureau in Bureau:
        blocks += _bureau(bureau, paper, texts)
    blocks += [Rule(), *_total(paper, matter, texts), Rule()]
    blocks += [
        *_charge(paper, matter, texts),
        Row(texts("paper.receipt.declared_at"), clock(filing.declared_at), bold=False),
        Row(texts("paper.receipt.done_by"), paper.holder_masked, bold=False),
        Row(texts("paper.business"), short_key(filing.key)),
        Row(texts("paper.kiosk"), kiosk, bold=False),
        Rule(),
        Text(texts("paper.receipt.help_paid" if matter is _Matter.PAID else "paper.receipt.help"), align="center"),
    ]
    return Document(name=f"receipt {short_key(filing.key)}", blocks=tuple(blocks))


def _matter(paper: ReceiptPaper) -> _Matter:
    filing = paper.filing
    if filing.payment and filing.payment.state in ("to_reverse", "reversed"):
        return _Matter.RETURNED
    if _charged(paper):
        return _Matter.PAID
    match filing.state:
        case "queued":
            return _Matter.QUEUED
        case "received":
            return _Matter.RECEIVED
        case "refused":
            return _Matter.REFUSED
        case _:
            return _Matter.DECLARED


def _charged(paper: ReceiptPaper) -> bool:
    """The hall's word, or the terminal's where the hall has not answered since."""
    payment = paper.filing.payment
    return paper.charge is not None or (payment is not None and payment.state in ("approved", "entered"))


def _notice(paper: ReceiptPaper, texts: Texts) -> str:
    filing, payment = paper.filing, paper.filing.payment

    def say(key: str, **values: object) -> str:
        return texts(f"paper.receipt.notice.{key}", **values)

    match _matter(paper), payment:
        case _Matter.RETURNED, payment if payment is not None:
            return say(payment.state)
        case _, payment if payment is not None and payment.state == "begun" and not paper.charge:
            return say("begun")
    if filing.state == "refused":
        return say(
            "refused_paid" if _charged(paper) else "refused",
            refused=_named(paper, texts, "refused"),
            why=_why_refused(filing, texts),
        )
    if _charged(paper):
        if payment is not None and payment.state == "entered":
            return say("entered")
        waiting = _named(paper, texts, "pending")
        return say("paid_waiting", waiting=waiting) if waiting else say("paid_on_its_way")
    match filing.state:
        case "superseded":
            return say("superseded")
        case "queued":
            return say("queued")
        case "received":
            return say("received", waiting=_named(paper, texts, "pending"))
        case "half_done":
            said = say("half_done", done=_named(paper, texts, "accepted"), waiting=_named(paper, texts, "pending"))
        case _:
            said = say("accepted")
    return f"{said}\n{_to_pay(filing, texts)}"


def _to_pay(filing: FilingView, texts: Texts) -> str:
    if not filing.payable_now:
        return texts("paper.receipt.notice.nothing_due")
    if filing.late:
        return texts("paper.receipt.notice.unpaid_late")
    if filing.deadline is None:
        return texts("paper.receipt.notice.unpaid")
    return texts("paper.receipt.notice.unpaid_until", deadline=filing.deadline.isoformat())


def _named(paper: ReceiptPaper, texts: Texts, state: str) -> str:
    """The bureaus whose part of the filing, or whose entry, is in a state; "" for none."""
    filing = paper.filing
    found = {part.bureau for part in filing.parts if part.state == state}
    if filing.payment is not None:
        found |= {part.bureau for part in filing.payment.parts if part.state == state}
    return texts("paper.and").join(bureau_name(one, _levies(one, filing), texts) for one in Bureau if one in found)


def _levies(bureau: Bureau, filing: FilingView) -> list[Levy]:
    return [line.levy for line in filing.lines if line.bureau is bureau]


def _why_refused(filing: FilingView, texts: Texts) -> str:
    problem = next((part.problem for part in filing.parts if part.state == "refused" and part.problem), None)
    key = f"bureau_problem.{problem}"
    return texts("paper.receipt.notice.refused_why", problem=texts(key).rstrip("。.")) if texts.has(key) else ""


def _payer(paper: ReceiptPaper) -> str:
    """A person's name is masked; a business keeps its name, since an agent has to tell a dozen clients' slips apart.

    Up to four characters it is a person's: a household business without a shop sign is registered under its owner's.
    """
    name = paper.taxpayer_name
    return mask_name(name) if paper.filing.taxpayer == "self" or len(name) <= 4 else name


def _bureau(bureau: Bureau, paper: ReceiptPaper, texts: Texts) -> Iterator[Block]:
    filing = paper.filing
    lines = [line for line in filing.lines if line.bureau is bureau]
    if not lines:
        return
    yield Rule()
    yield Text(bureau_name(bureau, _levies(bureau, filing), texts), bold=True)
    for line in lines:
        yield AmountRow(texts(f"paper.levy.{line.levy}"), grouped(line.payable), bold=True)
        yield from (Text(why, indent=_INDENT) for why in _why(line, texts))
    late = list(_late(bureau, paper, texts))
    yield from late
    if len(lines) + len(late) > 1:
        amount = sum(line.payable for line in lines) + _late_fen(bureau, paper)
        yield AmountRow(texts("paper.receipt.bureau_total"), grouped(amount), bold=True)
    for part in filing.parts:
        if part.bureau is bureau and part.receipt:
            yield Row(texts("paper.receipt.declaration_receipt"), part.receipt, bold=False)
    for entry in filing.payment.parts if filing.payment else ():
        if entry.bureau is bureau and entry.receipt:
            yield Row(texts("paper.receipt.entry_receipt"), entry.receipt, bold=False)


def _why(line: Line, texts: Texts) -> Iterator[str]:
    """How the amount came about and which document says so: the taxpayer may check it without asking anybody."""
    if line.rate is not None and line.base is not None:
        yield texts("paper.receipt.why_base", base=grouped(line.base), rate=percent(line.rate))
    elif line.rate is not None:
        yield texts("paper.receipt.why_rate", rate=percent(line.rate))
    elif not line.due and line.relief_rule is not None:
        yield texts("paper.receipt.why_spared", base=grouped(line.base or 0))
    if line.relief:
        yield texts("paper.receipt.why_relief", due=grouped(line.due), relief=grouped(line.relief))
    if prepaid := line.due - line.relief - line.payable:
        # Cumulative returns: what was paid for this year before is no longer owed.
        yield texts("paper.receipt.why_prepaid", due=grouped(line.due - line.relief), prepaid=grouped(prepaid))
    if line.relief and texts.has(f"relief.{line.relief_rule}"):
        yield texts(f"relief.{line.relief_rule}")
    if line.source:
        yield texts("paper.receipt.why_source", source=line.source)


def _late(bureau: Bureau, paper: ReceiptPaper, texts: Texts) -> Iterator[AmountRow]:
    parts = [part for part in paper.filing.late if part.bureau is bureau and part.amount]
    for part in parts:
        label = texts("paper.receipt.late_of", levy=texts(f"paper.levy.{part.levy}"))
        yield AmountRow(label, grouped(part.amount), bold=True)
    if not parts and (fen := _late_fen(bureau, paper)):
        yield AmountRow(texts("paper.receipt.late"), grouped(fen), bold=True)


def _late_fen(bureau: Bureau, paper: ReceiptPaper) -> int:
    """The bureau's late surcharge. Once paid the hall no longer counts it, but it is what was paid beyond the levies;
    unless one payment was for several returns: which part is whose cannot be told from here."""
    filing, payment = paper.filing, paper.filing.payment
    if filing.late or payment is None or not _charged(paper) or len(payment.filings) > 1:
        return sum(part.amount for part in filing.late if part.bureau is bureau)
    paid = sum(part.amount for part in payment.parts if part.bureau is bureau)
    return max(0, paid - sum(line.payable for line in filing.lines if line.bureau is bureau))


def _total(paper: ReceiptPaper, matter: _Matter, texts: Texts) -> Iterator[Block]:
    filing, payment = paper.filing, paper.filing.payment
    several = payment is not None and len(payment.filings) > 1
    match matter:
        case _Matter.PAID | _Matter.RETURNED if several and payment is not None:
            yield AmountRow(texts("paper.receipt.total_of_this"), grouped(filing.payable_now), bold=True)
            label = texts("paper.receipt.total_of_all", count=len(payment.filings))
            yield _large(label, payment.amount)
        case _Matter.RETURNED:
            yield _large(texts("paper.receipt.total_returned"), _charged_fen(paper))
        case _Matter.PAID:
            yield _large(texts("paper.receipt.total_paid"), _charged_fen(paper))
        case _:
            yield _large(texts("paper.receipt.total_due"), filing.payable_now)


def _charged_fen(paper: ReceiptPaper) -> int:
    if paper.charge is not None:
        return paper.charge.amount
    return paper.filing.payment.amount if paper.filing.payment else paper.filing.payable_now


def _large(label: str, fen: int) -> AmountRow:
    return AmountRow(label, "￥" + grouped(fen), bold=True, size=2)


def _charge(paper: ReceiptPaper, matter: _Matter, texts: Texts) -> Iterator[Row]:
    if matter not in (_Matter.PAID, _Matter.RETURNED):
        return
    charge, payment = paper.charge, paper.filing.payment
    reference = charge.reference if charge else payment.reference if payment else None
    at = charge.at if charge else payment.paid_at if payment else None
    if at is not None:
        yield Row(texts("paper.receipt.paid_at"), clock(at))
    if reference:
        yield Row(texts("paper.receipt.reference"), reference)
    if charge is not None:
        yield Row(texts("paper.receipt.card"), charge.card_masked)
