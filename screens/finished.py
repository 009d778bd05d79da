"""All done: what was filed and paid, under which numbers, and what can still be had here."""

from __future__ import annotations

from kiosk.domain.filing import Bureau, TaxpayerView
from kiosk.session.events import IssueInvoice, Next, PickBureau, PrintAgain
from kiosk.session.flows.prove import entered_at
from kiosk.session.state import Finished, Purpose
from screens.tax_screen import PROVING, TaxScreen
from screens.widgets.box import Box, Column, Row
from screens.widgets.button import Target
from screens.widgets.card import Card
from screens.widgets.footer import Foot
from screens.widgets.paged_list import PagedList


class FinishedScreen(TaxScreen[Finished]):
    name = "finished"

    @property
    def purpose(self) -> Purpose:
        return self.page.purpose

    @property
    def taxpayer(self) -> TaxpayerView:
        return self.page.taxpayer

    @property
    def charged(self) -> bool:
        payment = self.page.filing.payment
        return payment is not None and payment.state in ("approved", "entered")

    def body(self) -> Box:
        head = self.stepped(self._question(), PROVING, self.form_name(self.page.filing.form))
        cards: list[Box] = [self._paid(), self._numbers()]
        cards += [card for card in (self._invoice(), self.half_done(self.page.filing), self._paper()) if card]
        offers = self._offers()
        if self.style.landscape:
            entries = PagedList(len(cards), cards.__getitem__, self.view.turned, self.style, cards=True)
            left = Column(head, *offers, gap=28)
            return Row(left, Column(entries, grows=True), gap=48, align="stretch", shares=(1, 1.25), grows=True)
        cards += offers
        entries = PagedList(len(cards), cards.__getitem__, self.view.turned, self.style, cards=True)
        return Column(head, entries, gap=28, grows=True)

    def _question(self) -> str:
        if self.page.invoice is not None:
            return self.t("finished.invoice")
        if self.page.certificates:
            return self.t("finished.certificate")
        return self.t("finished.paid" if self.charged else "finished.filed")

    def _paid(self) -> Card:
        filing = self.page.filing
        payment = filing.payment
        if payment is not None and self.charged:
            entered = payment.state == "entered"
            return self.total(
                payment.amount,
                self.t("finished.amount"),
                self.t("finished.entered" if entered else "finished.entering"),
            )
        if not filing.payable_now:
            return self.total(0, self.t("finished.amount_due"), self.t("finished.nothing_due"))
        return self.total(filing.payable_now, self.t("finished.amount_due"), self.t("finished.not_paid"))

    def _numbers(self) -> Card:
        filing = self.page.filing
        rows: list[Box] = [self.fact(self.t("finished.of"), self.about(filing), "body_bold"), *self.receipts(filing)]
        if filing.payment is not None and filing.payment.reference:
            rows.append(self.fact(self.t("finished.reference"), filing.payment.reference, "body_bold"))
        return Card(self.ruled(rows), pad=(44, 28))

    def _invoice(self) -> Card | None:
        invoice = self.page.invoice
        if invoice is None:
            return None
        rows: list[Box] = [self.fact(self.t("invoice.number"), invoice.number, "body_bold")]
        if invoice.code:
            rows.insert(0, self.fact(self.t("invoice.code"), invoice.code, "body_bold"))
        rows.append(self.fact(self.t("invoice.gross"), self.amount(invoice.gross), "body_bold"))
        return Card(self.ruled(rows), "good_soft", None, pad=(44, 28))

    def _paper(self) -> Card | None:
        """Where no paper came out the numbers on the screen are the proof, until somebody prints it."""
        if self.page.printed:
            return self.notice(self.t("finished.take_paper"), "good", "↓")
        return self.notice(self.t("finished.no_paper"), "care")

    # ---- what can still be had -------------------------------------------------------------------------------------

    def _offers(self) -> list[Box]:
        if not self.situation.can_print_papers:
            return []
        offers: list[Box] = []
        filing = self.page.filing
        if self.has_invoice(filing):
            first = self.page.invoice is None
            words = self.t("finished.print_invoice" if first else "finished.print_invoice_again")
            offers.append(self._offer("invoice", IssueInvoice(), words, primary=first))
        offers += [
            self._offer(f"certificate.{bureau.value}", PickBureau(bureau), self._certificate_words(bureau))
            for bureau in self._provable()
        ]
        offers.append(self._offer("print_again", PrintAgain(), self.t("finished.print_again")))
        return offers

    def _certificate_words(self, bureau: Bureau) -> str:
        return self.t("finished.print_certificate", bureau=self.t(f"bureau.{bureau.value}"))

    def _provable(self) -> list[Bureau]:
        """Bureaus that have the money in their ledger, and of which no certificate was printed on this page."""
        printed = {certificate.bureau for certificate in self.page.certificates}
        return [bureau for bureau in entered_at(self.page.filing) if bureau not in printed]

    def _offer(self, name: str, sends: object, words: str, primary: bool = False) -> Target:
        fill, colour = ("accent", "on_accent") if primary else ("card", "ink")
        inside = Row(self.write(words, "body_bold", colour), self.arrow(), gap=24)
        return Target(name, sends, inside, fill, None if primary else "line", 28, (44, 16), height=124)  # type: ignore[arg-type]

    def foot(self) -> Foot:
        return Foot(
            steps=[self.key("next", Next, "finished.done", primary=True)],
            idle=self.idle_words(),
        )


SHOWN = FinishedScreen
