"""Proof: receipts, certificates and invoices; nothing is printed before its intent is durable (promise 3).

A certificate or a paper invoice takes a numbered blank from the hall's stock, so the printer is looked at before one is
asked for. Without paper nothing is lost: the last page shows every number, and paper can be had later (查询).
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from kiosk.domain.filing import Bureau, CertificateView, Charge, FilingView, Form, InvoiceView, TaxpayerView
from kiosk.domain.holder import mask_name
from kiosk.domain.papers import CertificatePaper, InvoicePaper, Paper, ReceiptPaper
from kiosk.session.effects import (
    AbandonPaper,
    AskCertificate,
    AskInvoice,
    Effect,
    PrintPaper,
    RecordIssue,
    RecordPaper,
)
from kiosk.session.events import (
    Back,
    CertificateGiven,
    DeadlinePassed,
    HallRefusedIt,
    HallSilent,
    InvoiceGiven,
    IssueInvoice,
    IssueRecorded,
    Next,
    PaperRecorded,
    PickBureau,
    PickFiling,
    PrintAgain,
    PrintEnded,
    StoreFailed,
)
from kiosk.session.flows.look_up import SELF
from kiosk.session.rules import Rules
from kiosk.session.state import (
    Certificates,
    CompareNumber,
    DeviceName,
    Finished,
    IssueTask,
    IssuingPaper,
    MyTaxes,
    PrintingPaper,
    Purpose,
    Session,
    Sorry,
    SorryReason,
)
from kiosk.session.step import Step, go, home, stay, unwanted


def finished_page(filing: FilingView, taxpayer: TaxpayerView, purpose: Purpose, printed: bool = True) -> Finished:
    return Finished(filing, taxpayer, purpose, printed, filing.invoice, tuple(filing.certificates))


# ---- printing ------------------------------------------------------------------------------------------------------


def print_receipt(
    rules: Rules,
    session: Session,
    filing: FilingView,
    taxpayer: TaxpayerView,
    then: Finished | IssuingPaper,
    reprint: bool = False,
    charge: Charge | None = None,
) -> Step:
    return print_paper(rules, session, receipt_of(session, filing, taxpayer, reprint, charge), then)


def receipt_of(
    session: Session, filing: FilingView, taxpayer: TaxpayerView, reprint: bool = False, charge: Charge | None = None
) -> ReceiptPaper:
    return ReceiptPaper(
        filing=filing,
        taxpayer_name=mask_name(taxpayer.name) if taxpayer.id == SELF else taxpayer.name,
        number_masked=taxpayer.number_masked,
        holder_masked=session.holder.masked if session.holder else "",
        reprint=reprint,
        charge=charge,
    )


def print_paper(rules: Rules, session: Session, paper: Paper, then: Finished | CompareNumber | IssuingPaper) -> Step:
    if not (session.situation.can_print_papers and session.situation.storage_works):
        return arrive(rules, session, then, False, *given_up(paper))
    return go(rules, session, PrintingPaper(paper, "recording", then), RecordPaper(session.visit, paper))


def given_up(paper: Paper) -> tuple[Effect, ...]:
    """A blank whose number was taken and will not be printed. A digital invoice is good without paper."""
    match paper:
        case CertificatePaper(certificate):
            return (AbandonPaper(certificate.key),)
        case InvoicePaper(invoice) if invoice.medium == "paper":
            return (AbandonPaper(invoice.key),)
    return ()


def arrive(
    rules: Rules,
    session: Session,
    then: Finished | CompareNumber | IssuingPaper,
    printed: bool,
    *effects: Effect,
) -> Step:
    """Behind a print, whether it came out or not."""
    match then:
        case CompareNumber() if printed:
            return go(rules, session, then, *effects)
        case IssuingPaper() if session.situation.can_print_papers:
            return issue(rules, session, replace(then, printed=printed))
        case _:
            return go(rules, session, replace(last_page(then), printed=printed), *effects)


def last_page(then: Finished | CompareNumber | IssuingPaper) -> Finished:
    match then:
        case Finished():
            return then
        case CompareNumber():
            return then.then
        case IssuingPaper():
            return finished_page(then.filing, then.taxpayer, then.purpose, then.printed)


def paper_recorded(rules: Rules, session: Session, page: PrintingPaper, event: PaperRecorded) -> Step:
    if page.step != "recording":
        return unwanted(session, event)
    printing = replace(page, step="printing", slip_id=event.slip_id)
    return go(rules, session, printing, PrintPaper(session.visit, event.slip_id, page.paper, session.language))


def print_ended(rules: Rules, session: Session, page: PrintingPaper, event: PrintEnded) -> Step:
    if page.step != "printing" or event.slip_id != page.slip_id:
        return stay(session)
    match event.outcome:
        case "done":
            return arrive(rules, session, page.then, True)
        case "failed":
            sorry = not_printed(session, page, SorryReason.PAPER_FAILED)
            usable = sorry.can_reprint and not event.paper_out
            return go(rules, session, replace(sorry, can_reprint=usable, paper_out=event.paper_out))
        case "uncertain":
            return go(rules, session, not_printed(session, page, SorryReason.PAPER_UNCERTAIN))


def store_failed(rules: Rules, session: Session, page: PrintingPaper, event: StoreFailed) -> Step:
    """The intent could not be made durable, so nothing was printed; what is filed and paid is."""
    if page.step != "recording":
        return stay(session)
    sorry = replace(not_printed(session, page, SorryReason.PAPER_FAILED), can_reprint=False)
    return go(rules, session, sorry, *given_up(page.paper))


def printing_took_too_long(rules: Rules, session: Session, page: PrintingPaper, event: DeadlinePassed) -> Step:
    if page.step == "recording":
        return store_failed(rules, session, page, StoreFailed(session.visit))
    return go(rules, session, not_printed(session, page, SorryReason.PAPER_UNCERTAIN))


def not_printed(session: Session, page: PrintingPaper, reason: SorryReason) -> Sorry:
    last = last_page(page.then)
    return Sorry(
        reason,
        can_reprint=session.situation.can_print_papers,
        filing=last.filing,
        paper=page.paper,
        printing=page,
        taxpayer=last.taxpayer,
        purpose=last.purpose,
    )


def print_again(rules: Rules, session: Session, page: Finished | MyTaxes | Sorry, event: PrintAgain) -> Step:
    """Only on request, marked 补打 if it came out, or may have come out, before."""
    if not session.situation.can_print_papers:
        return stay(session)
    match page:
        case Finished():
            return print_receipt(rules, session, page.filing, page.taxpayer, page, reprint=page.printed)
        case MyTaxes(filing=FilingView() as filing):
            last = finished_page(filing, page.file.taxpayer, Purpose.QUERY)
            return print_receipt(rules, session, filing, page.file.taxpayer, last, reprint=True)
        case Sorry(printing=PrintingPaper() as printing, can_reprint=True):
            return print_anew(rules, session, page, printing)
        case _:
            return stay(session)


def print_anew(rules: Rules, session: Session, page: Sorry, printing: PrintingPaper) -> Step:
    """A spoiled blank is void and the next one is taken; what may have come out is printed under its own number."""
    last = last_page(printing.then)
    if page.reason is SorryReason.PAPER_FAILED and given_up(printing.paper):
        if isinstance(printing.paper, CertificatePaper):
            bureau = printing.paper.certificate.bureau
            return give_certificate(rules, session, last.filing, last.taxpayer, last.purpose, bureau)
        return give_invoice(rules, session, last.filing, last.taxpayer, last.purpose)
    # What is only queued has not been printed before.
    again = page.reason is not SorryReason.FILING_QUEUED
    return print_paper(rules, session, replace(printing.paper, reprint=again), printing.then)


# ---- numbered papers -----------------------------------------------------------------------------------------------


def give_certificate(
    rules: Rules, session: Session, filing: FilingView, taxpayer: TaxpayerView, purpose: Purpose, bureau: Bureau
) -> Step:
    if bureau not in entered_at(filing):
        return stay(session)
    return issue(rules, session, IssuingPaper(filing, taxpayer, purpose, IssueTask.CERTIFICATE, "recording", bureau))


def give_invoice(
    rules: Rules, session: Session, filing: FilingView, taxpayer: TaxpayerView, purpose: Purpose, printed: bool = True
) -> Step:
    """A digital invoice is printed as often as one likes; the one sheet of a paper invoice is out, or void."""
    invoice = filing.invoice
    if filing.form is not Form.INVOICE_ON_BEHALF or (invoice is not None and invoice.state in ("void", "red")):
        return stay(session)
    if invoice is not None and invoice.medium == "digital":
        copy = InvoicePaper(invoice, reprint=invoice.print_count > 0)
        return print_paper(rules, session, copy, finished_page(filing, taxpayer, purpose, printed))
    if invoice is not None and invoice.state == "printed":
        return stay(session)
    issuing = IssuingPaper(filing, taxpayer, purpose, IssueTask.INVOICE, "recording", printed=printed)
    return issue(rules, session, issuing)


def issue(rules: Rules, session: Session, issuing: IssuingPaper) -> Step:
    """No number is taken for a sheet that cannot come out."""
    now = session.situation
    if not now.can_print_papers or not now.storage_works:
        out = now.device(DeviceName.RECEIPT_PRINTER).paper_out
        return go(rules, session, replace(not_issued(issuing, SorryReason.PAPER_FAILED), paper_out=out))
    if not now.hall_answers:
        return go(rules, session, not_issued(issuing, SorryReason.TAX_SILENT))
    return go(rules, session, issuing, RecordIssue(session.visit, issuing.task, issuing.filing.key))


def not_issued(page: IssuingPaper, reason: SorryReason, word: str = "") -> Sorry:
    return Sorry(
        reason,
        word=word,
        filing=page.filing,
        taxpayer=page.taxpayer,
        purpose=page.purpose,
        then=last_page(page),
    )


def issue_recorded(rules: Rules, session: Session, page: IssuingPaper, event: IssueRecorded) -> Step:
    if page.step != "recording":
        return unwanted(session, event)
    holder = session.holder
    if holder is None:
        return home(session)
    ask: Effect
    if page.bureau is not None:
        ask = AskCertificate(session.visit, event.key, holder, page.filing.key, page.bureau)
    else:
        ask = AskInvoice(session.visit, event.key, holder, page.filing.key)
    return go(rules, session, replace(page, step="asking", key=event.key), ask)


def certificate_given(rules: Rules, session: Session, page: IssuingPaper, event: CertificateGiven) -> Step:
    given = event.certificate
    if page.step != "asking" or page.key != given.key or page.task is not IssueTask.CERTIFICATE:
        return unwanted(session, event)
    filing = with_certificate(page.filing, given)
    then = CompareNumber(given, finished_page(filing, page.taxpayer, page.purpose))
    return print_paper(rules, session, CertificatePaper(given), then)


def with_certificate(filing: FilingView, given: CertificateView) -> FilingView:
    return msgspec.structs.replace(filing, certificates=[*filing.certificates, given])


def invoice_given(rules: Rules, session: Session, page: IssuingPaper, event: InvoiceGiven) -> Step:
    given: InvoiceView = event.invoice
    # One filing has one good invoice: whatever key asks for it, it comes under the key that it was given by.
    if page.step != "asking" or page.filing.key != given.filing or page.task is not IssueTask.INVOICE:
        return unwanted(session, event)
    filing = msgspec.structs.replace(page.filing, invoice=given)
    then = finished_page(filing, page.taxpayer, page.purpose, page.printed)
    return print_paper(rules, session, InvoicePaper(given, reprint=given.print_count > 0), then)


def hall_refused(rules: Rules, session: Session, page: IssuingPaper, event: HallRefusedIt) -> Step:
    if page.step != "asking" or event.key != page.key:
        return stay(session)
    return go(rules, session, not_issued(page, SorryReason.NOT_ISSUED, event.problem))


def hall_silent(rules: Rules, session: Session, page: IssuingPaper, event: HallSilent) -> Step:
    if page.step != "asking" or event.key != page.key:
        return stay(session)
    return go(rules, session, not_issued(page, SorryReason.TAX_SILENT))


def issue_store_failed(rules: Rules, session: Session, page: IssuingPaper, event: StoreFailed) -> Step:
    if page.step != "recording":
        return stay(session)
    return go(rules, session, not_issued(page, SorryReason.PAPER_FAILED))


def issuing_took_too_long(rules: Rules, session: Session, page: IssuingPaper, event: DeadlinePassed) -> Step:
    if page.step == "recording":
        return issue_store_failed(rules, session, page, StoreFailed(session.visit))
    # A number may have been taken under this key; it will not be printed any more.
    return go(rules, session, not_issued(page, SorryReason.TAX_SILENT), AbandonPaper(page.key))


# ---- which paper ---------------------------------------------------------------------------------------------------


def entered_at(filing: FilingView) -> tuple[Bureau, ...]:
    """The bureaus that have this filing's money in their ledgers: what they can certify."""
    parts = filing.payment.parts if filing.payment else []
    return tuple(part.bureau for part in parts if part.state == "entered" and part.amount > 0)


def pick_filing(rules: Rules, session: Session, page: Certificates, event: PickFiling) -> Step:
    filing = next((each for each in page.file.filings if each.key == event.key), None)
    bureaus = entered_at(filing) if filing else ()
    if filing is None or not bureaus:
        return stay(session)
    if len(bureaus) > 1:
        return go(rules, session, replace(page, filing=filing))
    return give_certificate(rules, session, filing, page.file.taxpayer, Purpose.CERTIFICATE, bureaus[0])


def pick_bureau(rules: Rules, session: Session, page: Certificates | Finished | MyTaxes, event: PickBureau) -> Step:
    match page:
        case Finished():
            return give_certificate(rules, session, page.filing, page.taxpayer, page.purpose, event.bureau)
        case Certificates(filing=FilingView() as filing):
            purpose = Purpose.CERTIFICATE
        case MyTaxes(filing=FilingView() as filing):
            purpose = Purpose.QUERY
        case _:
            return stay(session)
    return give_certificate(rules, session, filing, page.file.taxpayer, purpose, event.bureau)


def issue_invoice(rules: Rules, session: Session, page: Finished | MyTaxes, event: IssueInvoice) -> Step:
    match page:
        case Finished():
            return give_invoice(rules, session, page.filing, page.taxpayer, page.purpose, page.printed)
        case MyTaxes(filing=FilingView() as filing):
            return give_invoice(rules, session, filing, page.file.taxpayer, Purpose.QUERY)
        case _:
            return stay(session)


# ---- the last pages ------------------------------------------------------------------------------------------------


def compared(rules: Rules, session: Session, page: CompareNumber, event: Next | Back) -> Step:
    return go(rules, session, page.then)


def done(rules: Rules, session: Session, page: Finished, event: Next | Back) -> Step:
    return home(session)
