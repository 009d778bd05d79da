"""One payment: declare → deduct → ask for the result → only then print. Each step waits for the fact before it.

recording  the intent to charge is durable under a new key  → ask the hall to hold the filing for it
holding    the hall holds it                                → one ChargeCard; refused or silent: nothing was charged
charging   the terminal's own word                          → entered at the bureaus, or why not
asking     the terminal was silent and is asked, never charged anew
entering   both bureaus' ledgers, or the time is up          → receipt; the charge is a durable fact either way
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from kiosk.domain.filing import (
    Bureau,
    FilingView,
    Form,
    PaymentPart,
    PaymentRequest,
    PaymentView,
    TaxpayerView,
)
from kiosk.session.effects import AbandonPayment, CancelCharge, ChargeCard, ConfirmPayment, HoldPayment, RecordPayment
from kiosk.session.events import (
    CancelPay,
    ChargeEnded,
    ChargeProgress,
    ChargeUnknown,
    DeadlinePassed,
    HallRefusedIt,
    HallSilent,
    Pay,
    PaymentAnswered,
    PaymentHeld,
    PaymentRecorded,
    StoreFailed,
)
from kiosk.session.flows.prove import finished_page, print_receipt
from kiosk.session.rules import Rules
from kiosk.session.state import (
    Declared,
    Finished,
    IssueTask,
    IssuingPaper,
    MyTaxes,
    Paying,
    PayStep,
    Purpose,
    Session,
    Sorry,
    SorryReason,
)
from kiosk.session.step import Step, go, home, stay, unwanted


def pay(rules: Rules, session: Session, page: Declared | MyTaxes | Sorry, event: Pay) -> Step:
    """A new payment under a new key, also after one that was refused."""
    wanted = payable(page)
    if wanted is None or not session.situation.can_pay:
        return stay(session)
    if session.holder is None:
        return home(session)
    filing, taxpayer, purpose = wanted
    request = PaymentRequest("", [filing.key], filing.payable_now, "", event.at)
    paying = Paying(filing, taxpayer, purpose, PayStep.RECORDING, filing.payable_now, request)
    return go(rules, session, paying, RecordPayment(session.visit, session.holder, request))


def payable(page: Declared | MyTaxes | Sorry) -> tuple[FilingView, TaxpayerView, Purpose] | None:
    match page:
        case Declared(filing=filing, taxpayer=taxpayer, purpose=purpose):
            pass
        case MyTaxes(file=file, filing=FilingView() as filing):
            taxpayer, purpose = file.taxpayer, Purpose.QUERY
        case Sorry(
            reason=SorryReason.PAYMENT_REFUSED,
            filing=FilingView() as filing,
            taxpayer=TaxpayerView() as taxpayer,
            purpose=Purpose() as purpose,
        ):
            pass
        case _:
            return None
    return (filing, taxpayer, purpose) if filing.can_pay and filing.payable_now > 0 else None


def recorded(rules: Rules, session: Session, page: Paying, event: PaymentRecorded) -> Step:
    bare = msgspec.structs.replace(event.request, key="", holder_ref="")
    if page.step is not PayStep.RECORDING or bare != page.request:
        return unwanted(session, event)
    holding = replace(page, step=PayStep.HOLDING, request=event.request)
    return go(rules, session, holding, HoldPayment(session.visit, event.request))


def is_its(page: Paying, key: str) -> bool:
    return page.request is not None and page.request.key == key and page.step is not PayStep.RECORDING


def held(rules: Rules, session: Session, page: Paying, event: PaymentHeld) -> Step:
    """The one place where a card is charged: once for a key that is durable and held."""
    if not is_its(page, event.key):
        return unwanted(session, event)
    if page.step is not PayStep.HOLDING:
        return stay(session)
    charging = replace(page, step=PayStep.CHARGING)
    return go(rules, session, charging, ChargeCard(session.visit, event.key, page.amount))


def hall_refused(rules: Rules, session: Session, page: Paying, event: HallRefusedIt) -> Step:
    if page.step is not PayStep.HOLDING or not is_its(page, event.key):
        return stay(session)
    return go(rules, session, not_charged(page, SorryReason.PAYMENT_NOT_HELD, event.problem))


def hall_silent(rules: Rules, session: Session, page: Paying, event: HallSilent) -> Step:
    if not is_its(page, event.key):
        return stay(session)
    match page.step:
        case PayStep.HOLDING:
            return go(rules, session, not_charged(page, SorryReason.PAYMENT_NOT_HELD, "hall_silent"))
        case PayStep.ENTERING:
            return prove(rules, session, page, charged(page))
        case _:
            return stay(session)


def progress(rules: Rules, session: Session, page: Paying, event: ChargeProgress) -> Step:
    """Shown only: what the terminal tells meanwhile does not prolong its time."""
    if page.step is not PayStep.CHARGING or not is_its(page, event.key):
        return stay(session)
    return Step(replace(session, page=replace(page, progress=event.progress, can_cancel=event.can_cancel)))


def cancel(rules: Rules, session: Session, page: Paying, event: CancelPay) -> Step:
    """Asks the terminal to let go; whether it did is its own word (ChargeEnded)."""
    if page.step is not PayStep.CHARGING or not page.can_cancel or page.request is None:
        return stay(session)
    return Step(replace(session, page=replace(page, can_cancel=False)), (CancelCharge(page.request.key),))


def charge_unknown(rules: Rules, session: Session, page: Paying, event: ChargeUnknown) -> Step:
    if page.step is not PayStep.CHARGING or not is_its(page, event.key):
        return stay(session)
    return ask_terminal(rules, session, page)


def ask_terminal(rules: Rules, session: Session, page: Paying) -> Step:
    return go(rules, session, replace(page, step=PayStep.ASKING, progress="", can_cancel=False))


def charge_ended(rules: Rules, session: Session, page: Paying, event: ChargeEnded) -> Step:
    if page.step not in (PayStep.CHARGING, PayStep.ASKING) or not is_its(page, event.key):
        return stay(session)
    return after_charge(rules, session, page, event)


def charge_ended_late(rules: Rules, session: Session, page: Sorry, event: ChargeEnded) -> Step:
    """The terminal has spoken at last, and its payer still stands here."""
    if page.paying is None or not is_its(page.paying, event.key):
        return stay(session)
    return after_charge(rules, session, page.paying, event)


def after_charge(rules: Rules, session: Session, page: Paying, event: ChargeEnded) -> Step:
    if event.result.outcome == "reversed":
        # It was charged, and given back before anybody here heard of it.
        sorry = Sorry(
            SorryReason.PAYMENT_GIVEN_BACK,
            filing=page.filing,
            amount=page.amount,
            taxpayer=page.taxpayer,
            purpose=page.purpose,
        )
        return go(rules, session, sorry)
    if event.result.outcome != "approved":
        return go(rules, session, not_charged(page, SorryReason.PAYMENT_REFUSED, event.reason or "declined"))
    entering = replace(page, step=PayStep.ENTERING, result=event.result, progress="", can_cancel=False)
    confirm = ConfirmPayment(session.visit, event.key, event.result, page.filing.key)
    return go(rules, session, entering, confirm)


def entered(rules: Rules, session: Session, page: Paying, event: PaymentAnswered) -> Step:
    if page.step is not PayStep.ENTERING or event.filing.key != page.filing.key:
        return stay(session)
    payment = event.filing.payment
    if payment is None or not is_its(page, payment.key):
        # The hall speaks of another payment, or of none: ours is a fact all the same.
        return prove(rules, session, page, charged(page))
    if payment.state in ("to_reverse", "reversed"):
        sorry = Sorry(
            SorryReason.PAYMENT_GIVEN_BACK,
            filing=event.filing,
            amount=page.amount,
            taxpayer=page.taxpayer,
            purpose=page.purpose,
        )
        return go(rules, session, sorry)
    return prove(rules, session, page, event.filing)


def prove(rules: Rules, session: Session, page: Paying, filing: FilingView) -> Step:
    """The receipt, then the invoice if the tax is in every ledger (发票管理办法 第16条: tax first, invoice after)."""
    then: Finished | IssuingPaper = finished_page(filing, page.taxpayer, page.purpose)
    is_entered = filing.payment is not None and filing.payment.state == "entered"
    if filing.form is Form.INVOICE_ON_BEHALF and is_entered:
        then = IssuingPaper(filing, page.taxpayer, page.purpose, IssueTask.INVOICE, "recording")
    charge = page.result.charge if page.result else None
    return print_receipt(rules, session, filing, page.taxpayer, then, charge=charge)


def charged(page: Paying) -> FilingView:
    """The filing with a payment that the hall has not confirmed: charged, its entries still on their way."""
    filing, request = page.filing, page.request
    charge = page.result.charge if page.result else None
    payment = PaymentView(
        key=request.key if request else "",
        state="approved",
        amount=page.amount,
        parts=entries_of(filing),
        filings=[filing.key],
        paid_at=charge.at if charge else None,
        reference=charge.reference if charge else None,
    )
    return msgspec.structs.replace(filing, payment=payment, can_pay=False)


def entries_of(filing: FilingView) -> list[PaymentPart]:
    amounts = dict.fromkeys(Bureau, 0)
    for line in filing.lines:
        amounts[line.bureau] += line.payable
    for part in filing.late:
        amounts[part.bureau] += part.amount
    return [PaymentPart(bureau, amount, "pending") for bureau, amount in amounts.items() if amount]


def store_failed(rules: Rules, session: Session, page: Paying, event: StoreFailed) -> Step:
    if page.step is not PayStep.RECORDING:
        return stay(session)
    return go(rules, session, not_charged(page, SorryReason.PAYMENT_NOT_HELD, "not_saved"))


def took_too_long(rules: Rules, session: Session, page: Paying, event: DeadlinePassed) -> Step:
    key = page.request.key if page.request else ""
    match page.step:
        case PayStep.RECORDING:
            return store_failed(rules, session, page, StoreFailed(session.visit))
        case PayStep.HOLDING:
            silent = not_charged(page, SorryReason.PAYMENT_NOT_HELD, "hall_silent")
            return go(rules, session, silent, AbandonPayment(key))
        case PayStep.CHARGING:
            return ask_terminal(rules, session, page)
        case PayStep.ASKING:
            sorry = Sorry(
                SorryReason.PAYMENT_UNKNOWN,
                filing=page.filing,
                amount=page.amount,
                payment_key=key,
                taxpayer=page.taxpayer,
                purpose=page.purpose,
                paying=page,
            )
            return go(rules, session, sorry)
        case PayStep.ENTERING:
            return hall_silent(rules, session, page, HallSilent(session.visit, key))


def not_charged(page: Paying, reason: SorryReason, word: str) -> Sorry:
    return Sorry(
        reason,
        word=word,
        filing=page.filing,
        amount=page.amount,
        taxpayer=page.taxpayer,
        purpose=page.purpose,
    )
