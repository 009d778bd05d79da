"""Papers of 2017: an invoice takes a numbered form, a jam voids it, the next one follows; never one number twice."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import pytest

from hall.filings import documents, staff, stock
from hall.filings.office import TaxOffice, open_office
from hall.filings.receiving import prepare, take_return
from hall.filings.views import filing_by_key
from hall.queue.refusal import Refused
from hall.settings import read_settings
from hall.store import statements_tax
from hall.store.writer import Work, Writer
from kiosk.domain.filing import (
    Applicant,
    DocumentPrinted,
    FilingRequest,
    FilingView,
    Form,
    InvoiceOrder,
    InvoiceRequest,
    InvoiceView,
)
from tests.hall.tax_stage import OWNER, new_key, now

ORDINARY = "350016001112"
FIRST_DAY = date(2017, 1, 1)


class Papers:
    def __init__(self, writer: Writer, office: TaxOffice) -> None:
        self.writer, self.office = writer, office
        self._days = count()

    def do(self, command: object) -> object:
        return self.writer.submit(command).result()  # type: ignore[arg-type]

    def filed(self, gross: str = "400.00") -> str:
        """A sale of 2017, each on a day of its own and below the threshold of one; both bureaus have it."""
        request = FilingRequest(
            key=new_key(),
            taxpayer="self",
            holder_ref=self.office.number_ref(OWNER[1]),
            form=Form.INVOICE_ON_BEHALF,
            request={
                "date": (FIRST_DAY + timedelta(days=next(self._days))).isoformat(),
                "place": "city",
                "payer": "natural_person",
                "item": "goods",
                "gross": gross,
                "invoice": "ordinary",
            },
            total=0,
            declared_at=now(),
            applicant=Applicant(*OWNER),
            invoice=InvoiceOrder("某单位", "", "*水果*荔枝", "ordinary"),
        )

        def command(work: Work) -> None:
            take_return(work, self.office, "K1", prepare(self.office, request))
            for bureau in ("state", "local"):
                accepted = {"filing": request.key, "bureau": bureau, "receipt": "1", "now": work.now_ms}
                work.connection.execute(statements_tax.ITEM_ACCEPTED, accepted)

        self.do(command)
        return request.key

    def invoice(self, filing: str, key: str | None = None, kiosk: str = "K1") -> InvoiceView:
        request = InvoiceRequest(key or new_key(), filing, self.office.number_ref(OWNER[1]))
        made = self.do(lambda work: documents.invoice(work, self.office, kiosk, request))
        assert isinstance(made, InvoiceView)
        return made

    def printed(self, paper: InvoiceView, outcome: str) -> None:
        fact = DocumentPrinted("invoice", paper.key, paper.number, outcome, "jam", False)  # type: ignore[arg-type]
        assert self.do(lambda work: documents.printed(work, "K1", fact)) is None

    def filing(self, key: str) -> FilingView:
        view = self.do(lambda work: filing_by_key(work.connection, self.office, key, now().date()))
        assert isinstance(view, FilingView)
        return view

    def forms(self, first: int, last: int, kiosk: str = "K1") -> None:
        self.do(lambda work: stock.add(work, "invoice-ordinary", kiosk, "{:08d}", first, last, ORDINARY))


@pytest.fixture
def papers(tmp_path: Path) -> Iterator[Papers]:
    with open_office(tmp_path / "hall", read_settings()) as (writer, office):
        yield Papers(writer, office)


def test_a_sale_of_2017_gets_a_numbered_form_and_not_a_digital_number(papers: Papers) -> None:
    papers.forms(11, 12)
    paper = papers.invoice(papers.filed())
    assert (paper.medium, paper.code, paper.number, paper.state) == ("paper", ORDINARY, "00000011", "taken")
    assert (paper.rate, paper.gross, len(paper.check_code)) == ("免税", 40_000, 20)


def test_a_jam_voids_the_form_and_the_next_number_follows(papers: Papers) -> None:
    papers.forms(11, 12)
    filing = papers.filed()
    first = papers.invoice(filing)
    papers.printed(first, "failed")
    second = papers.invoice(filing)
    assert (second.number, papers.invoice(filing).number) == ("00000012", "00000012")
    papers.printed(second, "done")
    view = papers.filing(filing)
    assert view.invoice is not None
    assert (view.invoice.number, view.invoice.state, view.invoice.print_count) == ("00000012", "printed", 1)
    with pytest.raises(Refused, match="no_stock"):
        papers.invoice(papers.filed())


def test_one_machines_forms_are_not_anothers(papers: Papers) -> None:
    papers.forms(11, 12, "K1")
    with pytest.raises(Refused, match="no_stock"):
        papers.invoice(papers.filed(), kiosk="K2")


def test_no_number_is_given_twice_however_many_ask_at_once(papers: Papers) -> None:
    papers.forms(1, 40)
    filings = [papers.filed("10.00") for _ in range(20)]
    with ThreadPoolExecutor(8) as threads:
        given = list(threads.map(papers.invoice, [each for each in filings for _ in range(2)]))
    assert len({each.number for each in given}) == 20
    assert papers.do(lambda work: work.connection.exec_driver_sql("SELECT count(*) FROM stock_number").scalar()) == 20


def test_an_uncertain_sheet_is_for_staff_who_void_it_or_find_it_good(papers: Papers) -> None:
    papers.forms(11, 14)
    for how, state, after in (("spoilt", "void", "00000012"), ("good", "printed", "00000013")):
        filing = papers.filed()
        paper = papers.invoice(filing)
        papers.printed(paper, "uncertain")
        assert papers.invoice(filing).number == paper.number, "it is not printed again by itself"

        def matter(work: Work) -> staff.Matter:
            return next(each for each in staff.matters(work.connection, papers.office, now()) if each.section == "item")

        found = papers.do(matter)
        assert isinstance(found, staff.Matter)
        assert (found.what, found.closes) == ("sheet_uncertain", ("spoilt", "good"))
        papers.do(lambda work, found=found, how=how: staff.close(work, "item", found.subject, how, "王芳", "看过纸张"))
        number = {"code": ORDINARY, "number": paper.number}
        row = papers.do(lambda work, number=number: work.connection.execute(statements_tax.STOCK_NUMBER, number).one())
        assert row.state == state  # type: ignore[attr-defined]
        assert papers.invoice(filing).number == (after if how == "spoilt" else paper.number)


def test_a_red_letter_invoice_on_paper_takes_a_form_of_its_own(papers: Papers) -> None:
    papers.forms(11, 12)
    filing = papers.filed()
    paper = papers.invoice(filing)
    papers.printed(paper, "done")
    red = papers.do(lambda work: documents.issue_red(work, papers.office, "00000011", None, None))
    assert isinstance(red, InvoiceView)
    assert (red.number, red.gross, red.red_of) == ("00000012", -40_000, "00000011")
    view = papers.filing(filing)
    assert view.invoice is not None
    assert view.invoice.state == "red"


@pytest.mark.parametrize(
    ("kind", "kiosk", "pattern", "first", "last", "code", "field"),
    [
        ("stamps", "K1", "{:08d}", 1, 9, "", "kind"),
        ("certificate-state", "3", "{:07d}", 1, 9, "", "kiosk"),
        ("certificate-state", "K1", "0012345", 1, 9, "", "pattern"),
        ("certificate-state", "K1", "{0.__class__}{:07d}{:07d}", 1, 9, "", "pattern"),
        ("certificate-state", "K1", "{:07d}", 9, 1, "", "first"),
        ("certificate-state", "K1", "{:02d}", 1, 100, "", "first"),
        ("certificate-state", "K1", "{:07d}", 1, 9, ORDINARY, "code"),
        ("invoice-special", "K1", "{:08d}", 1, 9, ORDINARY, "code"),
    ],
)
def test_a_range_that_cannot_be_is_refused_with_its_field(
    papers: Papers, kind: str, kiosk: str, pattern: str, first: int, last: int, code: str, field: str
) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        papers.do(lambda work: stock.add(work, kind, kiosk, pattern, first, last, code))
