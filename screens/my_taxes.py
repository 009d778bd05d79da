"""查询: returns, payments, arrears, invoices and credit grade of one taxpayer; one filing in full."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from kiosk.domain.filing import Arrear, FilingView, InvoiceView, TaxpayerView
from kiosk.session.events import Back, CorrectFiling, IssueInvoice, Pay, PickBureau, PickFiling, PickTab, PrintAgain
from kiosk.session.flows.file import can_correct
from kiosk.session.flows.prove import entered_at
from kiosk.session.state import MyTaxes, Purpose, QueryTab
from screens.tax_screen import TaxScreen
from screens.widgets.box import Box, Column, Row, Space, Wide
from screens.widgets.button import AtMoment, Sends, Target
from screens.widgets.card import Card
from screens.widgets.footer import Foot, Key
from screens.widgets.paged_list import PagedList
from screens.widgets.text import Text

TABS = tuple(QueryTab)


class MyTaxesScreen(TaxScreen[MyTaxes]):
    name = "my_taxes"
    warns = True

    @property
    def purpose(self) -> Purpose:
        return Purpose.QUERY

    @property
    def taxpayer(self) -> TaxpayerView:
        return self.page.file.taxpayer

    def body(self) -> Box:
        if self.page.filing is not None:
            return self._filing(self.page.filing)
        rows = self._rows()
        if self.page.tab is QueryTab.CREDIT:
            return Column(self._tabs(), self._credit(), gap=32)
        if not rows:
            return Column(
                self._tabs(), self.notice(self.t(f"my_taxes.nothing_{self.page.tab.value}"), "plain", "i"), gap=32
            )
        entries = PagedList(len(rows), lambda index: rows[index](), self.view.turned, self.style, cards=True)
        return Column(self._tabs(), self._arrears_total(), entries, gap=28, grows=True)

    def _tabs(self) -> Row:
        return Row(*(self._tab(tab) for tab in TABS), gap=14, align="stretch")

    def _tab(self, tab: QueryTab) -> Target:
        here = tab is self.page.tab
        words = Text(
            self.t(f"my_taxes.tab_{tab.value}"),
            self.style.font("body_bold"),
            "on_accent" if here else "ink",
            "centre",
            True,
        )
        return Target(
            f"tab.{tab.value}", PickTab(tab), words, "accent" if here else "card", None if here else "line", 24, (10, 0)
        )

    # ---- lists -----------------------------------------------------------------------------------------------------

    def _rows(self) -> list[Callable[[], Box]]:
        filings = self.page.file.filings
        match self.page.tab:
            case QueryTab.RETURNS:
                return [partial(self._row, filing, filing.total) for filing in filings]
            case QueryTab.PAYMENTS:
                paid = [(filing, filing.payment) for filing in filings if filing.payment is not None]
                return [partial(self._row, filing, payment.amount) for filing, payment in paid]
            case QueryTab.ARREARS:
                older = [partial(self._arrear, arrear) for arrear in self.page.file.arrears]
                return [*(partial(self._row, filing, filing.payable_now) for filing in self._unpaid()), *older]
            case QueryTab.INVOICES:
                invoices = [(filing, filing.invoice) for filing in filings if filing.invoice is not None]
                return [partial(self._invoice, filing, invoice) for filing, invoice in invoices]
            case QueryTab.CREDIT:
                return []

    def _row(self, filing: FilingView, amount: int) -> Target:
        return self.filing_row(f"filing.{filing.key}", PickFiling(filing.key), filing, amount)

    def _arrear(self, arrear: Arrear) -> Card:
        """Of before this hall's register: to be known here, paid at a window."""
        name = self.dotted(self.t(f"bureau.{arrear.bureau.value}"), self.t(f"levy.{arrear.levy.value}"))
        late = self.t("my_taxes.of_it_late", amount=self.amount(arrear.late)) if arrear.late else ""
        period = self.period(arrear.period_start, arrear.period_end)
        words = Column(
            self.write(name, "body_bold"),
            self.write(self.dotted(period, self.t("my_taxes.at_window")), "note", "second"),
            self.write(late, "note", "second") if late else None,
            gap=4,
        )
        return Card(Row(words, self.money(arrear.amount + arrear.late, "body_bold"), gap=20), radius=28, pad=(36, 20))

    def _unpaid(self) -> list[FilingView]:
        return [filing for filing in self.page.file.filings if filing.can_pay and filing.payable_now]

    def _arrears_total(self) -> Card | None:
        unpaid, older = self._unpaid(), self.page.file.arrears
        if self.page.tab is not QueryTab.ARREARS or not (unpaid or older):
            return None
        late = sum(filing.late_total for filing in unpaid) + sum(arrear.late for arrear in older)
        owed = sum(filing.payable_now for filing in unpaid) + sum(arrear.amount + arrear.late for arrear in older)
        under = self.t("my_taxes.of_it_late", amount=self.amount(late)) if late else ""
        return self.total(owed, self.t("my_taxes.arrears_total"), under)

    def _invoice(self, filing: FilingView, invoice: InvoiceView) -> Target:
        words = Column(
            self.write(invoice.item_zh if self.zh else self.t(f"invoice.kind_{invoice.kind}"), "body_bold"),
            self.write(self.dotted(self.day(invoice.issued_at.date()), invoice.number), "note", "second"),
            gap=4,
        )
        state = self.pill(self.t(f"invoice.state_{invoice.state}"), "good" if invoice.state == "printed" else "care")
        right = Column(
            Text(self.amount(invoice.gross), self.style.font("body_bold"), "ink", align="right", one_line=True),
            Row(Space(), state),
            gap=8,
        )
        inside = Row(words, Wide(right, 300 * min(self.style.scale, 1.3)), gap=20)
        return Target(f"filing.{filing.key}", PickFiling(filing.key), inside, radius=28, pad=(36, 20), height=140)

    def _credit(self) -> Box:
        grade = self.page.file.credit_grade
        if grade is None:
            return self.notice(self.t("my_taxes.no_grade"), "plain", "i")
        letter = Text(grade, self.style.font("number"), "accent", "centre", one_line=True)
        words = Column(
            self.say("my_taxes.grade", "body", "second", "centre"),
            letter,
            self.say(f"credit.{grade}", "strong", align="centre"),
            self.say("credit.what", "label", "second", "centre"),
            gap=12,
        )
        return Card(words, pad=(44, 40))

    # ---- one filing in full ----------------------------------------------------------------------------------------

    def _filing(self, filing: FilingView) -> Box:
        name = self.write(self.form_name(filing.form), "question")
        note = self.write(self.about(filing), "body", "second")
        head = Row(Column(name, note, gap=4), self.state_pill(filing), gap=24)
        cards: list[Box] = [card for card in (self._refused(filing), self.half_done(filing)) if card is not None]
        cards += [self._facts(filing), *self.bureau_cards(filing.lines)]
        late = self.late_card(filing.late)
        cards += [late] if late is not None else []
        cards += self._offers(filing)
        entries = PagedList(len(cards), cards.__getitem__, self.view.turned, self.style, cards=True)
        total = self._sum(filing)
        if self.style.landscape:
            left = Column(head, total, gap=28)
            return Row(left, Column(entries, grows=True), gap=40, align="stretch", shares=(1, 1.4), grows=True)
        return Column(head, entries, total, gap=28, grows=True)

    def _sum(self, filing: FilingView) -> Card:
        payment = filing.payment
        if payment is not None and payment.state in ("approved", "entered"):
            return self.total(payment.amount, self.t("finished.amount"))
        late = self.t("declared.late", amount=self.amount(filing.late_total)) if filing.late_total else ""
        return self.total(filing.payable_now, self.t("check.total"), late)

    def _refused(self, filing: FilingView) -> Card | None:
        problem = next((part.problem for part in filing.parts if part.state == "refused"), None)
        if filing.state != "refused" or problem is None:
            return None
        return self.notice(self.t(f"bureau_problem.{problem}"), "bad")

    def _facts(self, filing: FilingView) -> Card:
        filed = self.fact(self.t("my_taxes.filed"), self.day(filing.declared_at.date()), "body_bold")
        rows: list[Box] = [filed, *self.receipts(filing)]
        payment = filing.payment
        if payment is not None and payment.paid_at is not None:
            rows.append(self.fact(self.t("my_taxes.paid"), self.day(payment.paid_at.date()), "body_bold"))
        return Card(self.ruled(rows, 14), pad=(44, 24))

    def _offers(self, filing: FilingView) -> list[Box]:
        """What can be done with it here: change it while it is unpaid; prove it once it is paid."""
        offers: list[Box] = []
        if can_correct(filing):
            offers.append(self._offer("correct", partial(CorrectFiling, filing.key), self.t("my_taxes.correct")))
        if not self.situation.can_print_papers:
            return offers
        if self.has_invoice(filing):
            offers.append(self._offer("invoice", IssueInvoice(), self.t("finished.print_invoice")))
        for bureau in entered_at(filing):
            words = self.t("finished.print_certificate", bureau=self.t(f"bureau.{bureau.value}"))
            offers.append(self._offer(f"certificate.{bureau.value}", PickBureau(bureau), words))
        offers.append(self._offer("print_again", PrintAgain(), self.t("my_taxes.print_receipt")))
        return offers

    def _offer(self, name: str, sends: Sends, words: str) -> Target:
        return Target(name, sends, Row(self.write(words, "body_bold"), self.arrow(), gap=24), radius=28, pad=(44, 16))

    def foot(self) -> Foot:
        steps: list[Key] = []
        filing = self.page.filing
        if filing is not None and filing.can_pay and filing.payable_now and self.situation.can_pay:
            steps.append(self.key("pay", AtMoment(Pay), "declared.pay", primary=True))
        return Foot(back=self.key("back", Back(), "button.back"), steps=steps, idle=self.idle_words(short=bool(steps)))


SHOWN = MyTaxesScreen
