"""A return: what is due → one question a page → check → submit. Which page follows is said by kiosk.domain.questions.

recording  the confirmed return is durable under its key   → send it
sending    the hall answers, refuses, or is silent         → filed, or why not, or leave it to the agent
queueing   the agent has it                                → say so; it is filed under the same key
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import msgspec

from kiosk.domain.day import HALL_ZONE
from kiosk.domain.filing import (
    OCCASIONAL_RETURNS,
    PERIODIC_RETURNS,
    Applicant,
    FilingRequest,
    FilingView,
    Form,
    InvoiceOrder,
    LatePart,
    Obligation,
    PayerKind,
    TaxpayerFile,
    TaxpayerView,
)
from kiosk.domain.holder import Holder
from kiosk.domain.questions import (
    ITEM_ZH,
    AnswerKind,
    Question,
    Unfit,
    clean,
    is_answered,
    next_question,
    parse_answer,
    question_about,
    request_of,
)
from kiosk.domain.tax import Assessment, BadInput, RulePack, assess, late_surcharge
from kiosk.session.effects import Effect, FindBuyer, ForgetDraft, KeepDraft, QueueFiling, RecordFiling, SubmitFiling
from kiosk.session.events import (
    Back,
    BuyerFound,
    Change,
    Choose,
    ContinueDraft,
    CorrectFiling,
    DeadlinePassed,
    DropDraft,
    FileOpened,
    FilingAnswered,
    FilingQueued,
    FilingRecorded,
    HallRefusedIt,
    HallSilent,
    Next,
    PickFiling,
    PickForm,
    PickObligation,
    StoreFailed,
    Submit,
    Submitted,
    Typed,
)
from kiosk.session.flows.look_up import SELF, back_to_choice, choice_of_one, goes_on_alone, open_file
from kiosk.session.flows.prove import finished_page, give_invoice, print_receipt, receipt_of
from kiosk.session.rules import Rules
from kiosk.session.state import (
    Ask,
    Certificates,
    Check,
    Declared,
    Draft,
    LookingUp,
    MyTaxes,
    Page,
    PrintingPaper,
    Purpose,
    Remembered,
    Session,
    Sorry,
    SorryReason,
    SubmitStep,
    Submitting,
    TodoList,
    Work,
)
from kiosk.session.step import Step, go, home, stay, unwanted

#: What stands on an invoice for a natural person who wants none of his own data on it.
PERSON_ZH = "个人"

#: Figures and letters that still mean something; keeps a fist on the keys from growing the line for ever.
LONGEST_ENTRY = {AnswerKind.AMOUNT: 17, AnswerKind.COUNT: 9, AnswerKind.TAXPAYER_NUMBER: 20, AnswerKind.DATE: 8}


# ---- what is due ---------------------------------------------------------------------------------------------------


def opened(rules: Rules, session: Session, page: LookingUp, event: FileOpened) -> Step:
    taxpayer = page.taxpayer
    if taxpayer is None or event.file.taxpayer.id != taxpayer.id:
        return stay(session)
    # Who a natural person is, the card says; the hall does not know the name.
    file = msgspec.structs.replace(event.file, taxpayer=taxpayer) if taxpayer.id == SELF else event.file
    alone = choice_of_one(rules, session, page.purpose)
    if event.remembered is not None:
        return opened_alone(rules, session, page.purpose, file, event.remembered, event.draft)
    match page.purpose:
        case Purpose.INVOICE if (left := unfinished_invoice(file, event.on)) is not None:
            # Broken off a while ago: it is finished before another one is begun, or there would be two.
            return go(rules, session, MyTaxes(file, filing=left, choice_of_one=alone))
        case Purpose.INVOICE:
            return begin(rules, session, Work(page.purpose, file, Form.INVOICE_ON_BEHALF, on=event.on))
        case Purpose.CERTIFICATE:
            return go(rules, session, Certificates(file, choice_of_one=alone))
        case Purpose.QUERY:
            return go(rules, session, MyTaxes(file, choice_of_one=alone))
    if taxpayer.id == SELF and not (file.filings or file.forms or file.obligations):
        return go(rules, session, Sorry(SorryReason.NO_TAXPAYER))
    return go(rules, session, todo_page(rules, session, file, event.draft))


def unfinished_invoice(file: TaxpayerFile, on: date) -> FilingView | None:
    """Applied for today, and neither refused nor issued: its tax is to be paid, or its invoice to be had."""
    for filing in file.filings:
        applied = filing.form is Form.INVOICE_ON_BEHALF and filing.declared_at.astimezone(HALL_ZONE).date() == on
        if applied and filing.invoice is None and filing.state not in ("refused", "superseded"):
            return filing
    return None


def opened_alone(
    rules: Rules,
    session: Session,
    purpose: Purpose,
    file: TaxpayerFile,
    remembered: Remembered,
    draft: Draft | None,
) -> Step:
    """The hall is silent. Only what its limits allow is offered; what is filed already can be neither paid nor
    corrected, so it is not shown."""
    limits = rules.offline
    if not goes_on_alone(rules, purpose) or file.taxpayer.id == SELF or remembered.waiting >= limits.max_waiting:
        return go(rules, session, Sorry(SorryReason.TAX_SILENT))
    due = [
        each
        for each in file.obligations
        if each.form in limits.forms and each.state == "open" and each.id not in remembered.filed_since
    ]
    others = [form for form in file.forms if form in limits.forms and form in OCCASIONAL_RETURNS]
    if not due and not others:
        return go(rules, session, Sorry(SorryReason.TAX_SILENT))
    left = msgspec.structs.replace(file, obligations=due, forms=others, filings=[], arrears=[])
    return go(rules, session, replace(todo_page(rules, session, left, draft), said_on=remembered.said_on))


def todo_page(rules: Rules, session: Session, file: TaxpayerFile, draft: Draft | None) -> TodoList:
    offered = draft if draft is not None and resumed(file, draft, draft.saved_on) is not None else None
    return TodoList(file, offered, choice_of_one(rules, session, Purpose.FILE))


def resumed(file: TaxpayerFile, draft: Draft, on: date) -> Work | None:
    """The return of a draft; None when it was filed elsewhere meanwhile, or cannot be filed any more."""
    if draft.taxpayer != file.taxpayer.id:
        return None
    obligation = next((each for each in file.obligations if each.id == draft.obligation), None)
    due = obligation is not None and obligation.state == "open" and obligation.form is draft.form
    if not due and (draft.obligation is not None or not may_bring_up(file, draft.form)):
        return None
    work = Work(Purpose.FILE, file, draft.form, obligation, on=on)
    return replace(work, answers=clean(draft.form, work.known, draft.answers))


def may_bring_up(file: TaxpayerFile, form: Form) -> bool:
    return form in file.forms and form in OCCASIONAL_RETURNS | {Form.INVOICE_ON_BEHALF}


def pick_obligation(rules: Rules, session: Session, page: TodoList, event: PickObligation) -> Step:
    picked = next((each for each in page.file.obligations if each.id == event.obligation), None)
    if picked is None or picked.form not in PERIODIC_RETURNS:
        return stay(session)
    if picked.state != "open":
        sorry = Sorry(
            SorryReason.FILING_REFUSED, word="not_yet_open", taxpayer=page.file.taxpayer, purpose=Purpose.FILE
        )
        return go(rules, session, sorry)
    work = Work(Purpose.FILE, page.file, picked.form, picked, on=event.on, offline=page.said_on is not None)
    return begin(rules, session, work)


def pick_form(rules: Rules, session: Session, page: TodoList, event: PickForm) -> Step:
    if not may_bring_up(page.file, event.form):
        return stay(session)
    purpose = Purpose.INVOICE if event.form is Form.INVOICE_ON_BEHALF else Purpose.FILE
    return begin(rules, session, Work(purpose, page.file, event.form, on=event.on, offline=page.said_on is not None))


def continue_draft(rules: Rules, session: Session, page: TodoList, event: ContinueDraft) -> Step:
    work = resumed(page.file, page.draft, event.on) if page.draft else None
    if work is None:
        return stay(session)
    return first_open_page(rules, session, replace(work, offline=page.said_on is not None))


def drop_draft(rules: Rules, session: Session, page: TodoList, event: DropDraft) -> Step:
    if page.draft is None or session.holder is None:
        return stay(session)
    forget = ForgetDraft(session.holder, page.draft.taxpayer)
    return go(rules, session, replace(page, draft=None), forget)


def pick_filing(rules: Rules, session: Session, page: TodoList, event: PickFiling) -> Step:
    """Filed and not paid: pay it, or file it anew with other figures."""
    filing = next((each for each in page.file.filings if each.key == event.key), None)
    if filing is None or is_paid(filing) or not filing.payable_now or filing.state in ("refused", "superseded"):
        return stay(session)
    return go(rules, session, Declared(filing, page.file.taxpayer, Purpose.FILE))


def is_paid(filing: FilingView) -> bool:
    """Money is taken, or may be on its way."""
    return filing.payment is not None and filing.payment.state not in ("refused", "reversed")


def correct(rules: Rules, session: Session, page: TodoList | Declared | MyTaxes, event: CorrectFiling) -> Step:
    """The same return from its first question on; the one filed before stands until this one is filed."""
    match page:
        case Declared():
            file = TaxpayerFile(page.taxpayer, [], [page.filing])
        case TodoList() | MyTaxes():
            file = page.file
    filing = next((each for each in file.filings if each.key == event.key), None)
    if filing is None or not can_correct(filing):
        return stay(session)
    purpose = Purpose.INVOICE if filing.form is Form.INVOICE_ON_BEHALF else Purpose.FILE
    work = Work(purpose, file, filing.form, filing.obligation, corrects=filing.key, on=event.on)
    return begin(rules, session, work)


def can_correct(filing: FilingView) -> bool:
    """Before money or an invoice is out. Whoever cannot be told of what it meets cannot file it anew here."""
    known = filing.obligation is not None or filing.form not in PERIODIC_RETURNS
    live = filing.state in ("received", "half_done", "accepted")
    return known and live and not is_paid(filing) and filing.invoice is None


# ---- one question a page -------------------------------------------------------------------------------------------


def begin(rules: Rules, session: Session, work: Work) -> Step:
    if rules.pack is None:
        return go(rules, session, Sorry(SorryReason.OUT_OF_SERVICE))
    if work.form is Form.INVOICE_ON_BEHALF and work.file.taxpayer.payer is PayerKind.GENERAL:
        return go(rules, session, filing_refused(work, "not_registered"))
    return go(rules, session, question_page(work, work.path[0]))


def question_page(work: Work, question: Question, changing: bool = False) -> Ask:
    return Ask(work, question, entry_of(question, work.answers.get(question.id, "")), changing=changing)


def entry_of(question: Question, answer: str) -> str:
    """What an answer looked like when it was typed."""
    match question.kind:
        case AnswerKind.CHOICE:
            return ""
        case AnswerKind.AMOUNT:
            return answer.removesuffix(".00")
        case AnswerKind.DATE:
            return answer.replace("-", "")
        case _:
            return answer


def typed(rules: Rules, session: Session, page: Ask, event: Typed) -> Step:
    if page.looking or page.question.kind is AnswerKind.CHOICE:
        return stay(session)
    entry = edited(page.question.kind, page.entry, event.key)
    return go(rules, session, replace(page, entry=entry, problem=None))


def edited(kind: AnswerKind, entry: str, key: str) -> str:
    """The entry after one key; a key that cannot follow is not taken in."""
    longest = LONGEST_ENTRY.get(kind, 0)
    figures = key.isascii() and key.isdecimal()
    match key:
        case "back":
            return entry[:-1]
        case "clear":
            return ""
        case "." if kind is AnswerKind.AMOUNT and "." not in entry:
            return f"{entry or '0'}."
        case _ if kind is AnswerKind.TAXPAYER_NUMBER and key.isascii() and key.isalnum():
            return (entry + key.upper())[:longest]
        case _ if (
            kind is AnswerKind.AMOUNT and figures and len(entry.partition(".")[2]) + len(key) <= 2 and "." in entry
        ):
            return entry + key
        case _ if kind is not AnswerKind.TAXPAYER_NUMBER and figures and "." not in entry:
            grown = (entry if entry != "0" or kind is AnswerKind.DATE else "") + key
            # Two noughts on nothing are still nothing.
            return "0" if kind is not AnswerKind.DATE and not grown.strip("0") else grown[:longest]
        case _:
            return entry


def choose(rules: Rules, session: Session, page: Ask, event: Choose) -> Step:
    if page.looking or page.question.kind not in (AnswerKind.CHOICE, AnswerKind.DATE):
        return stay(session)
    match parse_answer(page.question, event.value, event.on):
        case Unfit():
            return stay(session)
        case answer:
            return answered(rules, session, page, answer, event.on)


def complete(rules: Rules, session: Session, page: Ask, event: Next | Submit) -> Step:
    """What is typed is complete, or the earlier choice stands."""
    if page.looking:
        return stay(session)
    question = page.question
    chosen = question.kind is AnswerKind.CHOICE and is_answered(question, page.work.answers)
    entry = page.work.answers[question.id] if chosen else page.entry
    parsed = parse_answer(question, entry, event.on)
    if question.kind is AnswerKind.TAXPAYER_NUMBER and parsed in (Unfit("bad_check"), entry):
        # The register decides whose number this is: some bear a check digit that never was right.
        looking = replace(page, work=replace(page.work, on=event.on), looking=True, problem=None)
        return go(rules, session, looking, FindBuyer(session.visit, entry))
    if isinstance(parsed, Unfit):
        return go(rules, session, replace(page, problem=parsed.problem))
    return answered(rules, session, page, parsed, event.on)


def buyer_found(rules: Rules, session: Session, page: Ask, event: BuyerFound) -> Step:
    if not page.looking or event.number != page.entry:
        return stay(session)
    if event.name is None:
        parsed = parse_answer(page.question, page.entry, page.work.on)
        problem = parsed.problem if isinstance(parsed, Unfit) else "buyer_unknown"
        return go(rules, session, replace(page, looking=False, problem=problem))
    named = replace(page, looking=False, work=replace(page.work, buyer_name=event.name))
    return answered(rules, session, named, event.number, page.work.on)


def nobody_to_ask(rules: Rules, session: Session, page: Ask, event: HallSilent | DeadlinePassed) -> Step:
    return go(rules, session, replace(page, looking=False, problem="hall_silent")) if page.looking else stay(session)


def answered(rules: Rules, session: Session, page: Ask, answer: str, on: date) -> Step:
    answers = {**page.work.answers, page.question.id: answer}
    work = replace(page.work, on=on)
    work = replace(work, answers=clean(work.form, work.known, answers))
    kept = keep_draft(session, work)
    if not page.changing:
        ids = [question.id for question in work.path]
        at = ids.index(page.question.id) + 1
        if at < len(ids):
            return go(rules, session, question_page(work, work.path[at]), *kept)
    return first_open_page(rules, session, work, *kept, changing=page.changing)


def keep_draft(session: Session, work: Work) -> tuple[Effect, ...]:
    """One draft a taxpayer. An invoice is a matter of one visit; a correction has its earlier return to stand on."""
    if session.holder is None or work.purpose is not Purpose.FILE or work.corrects is not None:
        return ()
    return (KeepDraft(session.holder, draft_of(work)),)


def draft_of(work: Work) -> Draft:
    obligation = work.obligation.id if work.obligation else None
    return Draft(work.file.taxpayer.id, work.form, obligation, work.answers, work.on)


def first_open_page(rules: Rules, session: Session, work: Work, *effects: Effect, changing: bool = False) -> Step:
    question = next_question(work.form, work.known, work.answers)
    if question is not None:
        return go(rules, session, question_page(work, question, changing), *effects)
    return go(rules, session, check_page(rules, work), *effects)


def back(rules: Rules, session: Session, page: Ask, event: Back) -> Step:
    if page.looking:
        return stay(session)
    work = page.work
    if page.changing and next_question(work.form, work.known, work.answers) is None:
        return go(rules, session, check_page(rules, work))
    ids = [question.id for question in work.path]
    at = ids.index(page.question.id) if page.question.id in ids else 0
    if at > 0:
        return go(rules, session, question_page(work, work.path[at - 1]))
    if work.corrects is not None:
        earlier = next(each for each in work.file.filings if each.key == work.corrects)
        return go(rules, session, Declared(earlier, work.file.taxpayer, work.purpose))
    if work.purpose is Purpose.INVOICE:
        return back_to_choice(rules, session, work.purpose)
    return go(rules, session, todo_page(rules, session, work.file, draft_of(work) if work.answers else None))


# ---- the check page ------------------------------------------------------------------------------------------------


def check_page(rules: Rules, work: Work) -> Page:
    """Every levy of a return that is answered to its end; or what stands against it."""
    if rules.pack is None:
        return Sorry(SorryReason.OUT_OF_SERVICE)
    try:
        assessment = assess(rules.pack, request_of(work.form, work.known, work.answers, work.on))
    except BadInput as bad:
        question = question_about(work.form, work.known, work.answers, bad.field)
        if question is None:
            return filing_refused(work, "invalid")
        return replace(question_page(work, question, changing=True), problem="not_assessable")
    return Check(work, assessment, late_parts(rules.pack, work.obligation, assessment, work.on))


def late_parts(
    pack: RulePack, obligation: Obligation | None, assessment: Assessment, paid_on: date
) -> tuple[LatePart, ...]:
    """滞纳金 if it is paid on that day."""
    if obligation is None or paid_on <= obligation.deadline:
        return ()
    lines = {line.levy: line for line in assessment.lines_to_pay if line.payable}
    amounts = {levy: line.payable for levy, line in lines.items()}
    late = late_surcharge(pack, obligation.deadline, paid_on, amounts)
    return tuple(LatePart(line.levy, lines[line.levy].bureau, line.payable) for line in late.lines if line.payable)


def change(rules: Rules, session: Session, page: Check, event: Change) -> Step:
    question = next((each for each in page.work.path if each.id == event.question), None)
    return stay(session) if question is None else go(rules, session, question_page(page.work, question, changing=True))


def back_from_check(rules: Rules, session: Session, page: Check, event: Back) -> Step:
    return go(rules, session, question_page(page.work, page.work.path[-1]))


def submitted(rules: Rules, session: Session, page: Check, event: Submitted) -> Step:
    """确认并提交: the touch is the legal moment. First the return is made durable, then it is sent (promise 3)."""
    if session.holder is None:
        return home(session)
    work = replace(page.work, on=event.at.astimezone(HALL_ZONE).date())
    checked = check_page(rules, work)
    if not isinstance(checked, Check) or checked.assessment.to_pay != page.assessment.to_pay:
        # Midnight passed on this page, and with it the rules of an invoice's day: what is not shown is not filed.
        return go(rules, session, checked)
    if not session.situation.storage_works:
        return go(rules, session, not_filed(work))
    if work.offline and checked.assessment.to_pay > rules.offline.max_total_yuan * 100:
        return go(rules, session, filing_refused(work, "offline_total"))
    request = filing_request(checked, session.holder, event)
    submitting = Submitting(work, checked.assessment, SubmitStep.RECORDING, request)
    return go(rules, session, submitting, RecordFiling(session.visit, session.holder, request))


def filing_request(page: Check, holder: Holder, event: Submitted) -> FilingRequest:
    work = page.work
    taxpayer = work.file.taxpayer.id
    return FilingRequest(
        key="",
        taxpayer=taxpayer,
        holder_ref="",
        form=work.form,
        request=request_of(work.form, work.known, work.answers, work.on),
        total=page.assessment.to_pay,
        declared_at=event.at,
        obligation=work.obligation.id if work.obligation else None,
        corrects=work.corrects,
        applicant=Applicant(holder.name, holder.number) if taxpayer == SELF else None,
        invoice=invoice_order(work) if work.form is Form.INVOICE_ON_BEHALF else None,
    )


def invoice_order(work: Work) -> InvoiceOrder:
    number = work.answers.get("buyer_number", "")
    return InvoiceOrder(
        buyer_name=work.buyer_name if number else PERSON_ZH,
        buyer_number=number,
        item_zh=ITEM_ZH[work.answers["invoice_item"]],
        kind="special" if work.answers.get("invoice_kind") == "special" else "ordinary",
    )


# ---- on its way ----------------------------------------------------------------------------------------------------


def recorded(rules: Rules, session: Session, page: Submitting, event: FilingRecorded) -> Step:
    bare = msgspec.structs.replace(event.request, key="", holder_ref="")
    if page.step is not SubmitStep.RECORDING or bare != page.request:
        return unwanted(session, event)
    sending = replace(page, step=SubmitStep.SENDING, request=event.request)
    return go(rules, session, sending, SubmitFiling(session.visit, event.request))


def is_sent(page: Submitting, key: str) -> bool:
    return page.step is not SubmitStep.RECORDING and page.request is not None and page.request.key == key


def hall_answered(rules: Rules, session: Session, page: Submitting, event: FilingAnswered) -> Step:
    """Also when it comes at the last moment, while the agent is being charged with it."""
    if not is_sent(page, event.filing.key):
        return stay(session)
    # What it met is known here; the hall need not repeat it for a correction in the same visit.
    met = event.filing.obligation or page.work.obligation
    filing = msgspec.structs.replace(event.filing, obligation=met)
    return filed(rules, session, filing, page.work.file.taxpayer, page.work.purpose)


def answered_late(rules: Rules, session: Session, page: Sorry, event: FilingAnswered) -> Step:
    """The person has been told that nothing is known yet; now it is."""
    if page.reason is not SorryReason.FILING_QUEUED or page.taxpayer is None or page.purpose is None:
        return stay(session)
    return filed(rules, session, event.filing, page.taxpayer, page.purpose)


def filed(rules: Rules, session: Session, filing: FilingView, taxpayer: TaxpayerView, purpose: Purpose) -> Step:
    if filing.state == "refused":
        word = next((part.problem for part in filing.parts if part.problem), "invalid")
        sorry = Sorry(SorryReason.FILING_REFUSED, word=word, filing=filing, taxpayer=taxpayer, purpose=purpose)
        return go(rules, session, sorry)
    if filing.payable_now:
        return go(rules, session, Declared(filing, taxpayer, purpose, just_filed=True))
    if filing.form is Form.INVOICE_ON_BEHALF and filing.state == "accepted":
        # Nothing is due: the invoice itself is the proof.
        return give_invoice(rules, session, filing, taxpayer, purpose, printed=False)
    return print_receipt(rules, session, filing, taxpayer, finished_page(filing, taxpayer, purpose))


def hall_refused(rules: Rules, session: Session, page: Submitting, event: HallRefusedIt) -> Step:
    return go(rules, session, filing_refused(page.work, event.problem)) if is_sent(page, event.key) else stay(session)


def hall_silent(rules: Rules, session: Session, page: Submitting, event: HallSilent) -> Step:
    if page.step is not SubmitStep.SENDING or not is_sent(page, event.key):
        return stay(session)
    return go(rules, session, replace(page, step=SubmitStep.QUEUEING), QueueFiling(session.visit, event.key))


def queued(rules: Rules, session: Session, page: Submitting, event: FilingQueued) -> Step:
    if page.step is not SubmitStep.QUEUEING or not is_sent(page, event.key):
        return stay(session)
    return go(rules, session, with_slip(session, page, filing_queued(page.work)))


def with_slip(session: Session, page: Submitting, sorry: Sorry) -> Sorry:
    """A slip can be had that says 已受理待传送: the legal time, and that the hall does not have it yet."""
    request, obligation, taxpayer = page.request, page.work.obligation, page.work.file.taxpayer
    if request is None:
        return sorry
    lines = list(page.assessment.lines_to_pay)
    filing = FilingView(
        key=request.key,
        taxpayer=request.taxpayer,
        form=request.form,
        state="queued",
        lines=lines,
        total=request.total,
        parts=[],
        declared_at=request.declared_at,
        deadline=obligation.deadline if obligation else None,
        late=[],
        can_pay=False,
        period_start=obligation.period_start if obligation else None,
        period_end=obligation.period_end if obligation else None,
    )
    receipt = receipt_of(session, filing, taxpayer)
    printing = PrintingPaper(receipt, "recording", finished_page(filing, taxpayer, page.work.purpose, printed=False))
    return replace(sorry, paper=receipt, printing=printing, can_reprint=session.situation.can_print_papers)


def store_failed(rules: Rules, session: Session, page: Submitting, event: StoreFailed) -> Step:
    match page.step:
        case SubmitStep.RECORDING:
            return go(rules, session, not_filed(page.work))
        case SubmitStep.QUEUEING:
            # It was durable before it was sent: it is queued when the store is looked through next time.
            return go(rules, session, filing_queued(page.work))
        case SubmitStep.SENDING:
            return stay(session)


def took_too_long(rules: Rules, session: Session, page: Submitting, event: DeadlinePassed) -> Step:
    if page.step is SubmitStep.SENDING and page.request is not None:
        return hall_silent(rules, session, page, HallSilent(session.visit, page.request.key))
    return store_failed(rules, session, page, StoreFailed(session.visit))


def filing_refused(work: Work, word: str) -> Sorry:
    return Sorry(SorryReason.FILING_REFUSED, word=word, taxpayer=work.file.taxpayer, purpose=work.purpose)


def not_filed(work: Work) -> Sorry:
    return Sorry(SorryReason.NOT_FILED, taxpayer=work.file.taxpayer, purpose=work.purpose)


def filing_queued(work: Work) -> Sorry:
    return Sorry(SorryReason.FILING_QUEUED, taxpayer=work.file.taxpayer, purpose=work.purpose)


# ---- filed ---------------------------------------------------------------------------------------------------------


def later(rules: Rules, session: Session, page: Declared, event: Next) -> Step:
    """Not paid now. Who has just filed gets the receipt for that."""
    if not page.just_filed:
        return home(session)
    last = finished_page(page.filing, page.taxpayer, page.purpose)
    return print_receipt(rules, session, page.filing, page.taxpayer, last)


def back_from_declared(rules: Rules, session: Session, page: Declared, event: Back) -> Step:
    """To what else is due, as it stands now; an invoice is a matter of its own."""
    if page.purpose is Purpose.INVOICE:
        return home(session)
    return open_file(rules, session, page.purpose, page.taxpayer)
