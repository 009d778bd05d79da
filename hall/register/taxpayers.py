"""Reading the register: whom somebody may act for, what is open, what is owed."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Connection, Row

from hall.filings.office import SELF, TaxOffice
from hall.filings.receiving import FORMS_OF_A_PERSON, occasional_forms
from hall.filings.views import filing_view, obligation_view
from hall.queue.refusal import Refused
from hall.store import statements_tax as statements
from kiosk.domain.filing import (
    OCCASIONAL_RETURNS,
    Arrear,
    Bureau,
    Levy,
    Line,
    PayerKind,
    Place,
    TaxpayerFile,
    TaxpayersOfPerson,
    TaxpayerView,
)

#: Filings that a kiosk shows of one taxpayer.
SHOWN = 24


def taxpayers_of(connection: Connection, office: TaxOffice, holder: str, today: date) -> TaxpayersOfPerson:
    rows = connection.execute(statements.TAXPAYERS_OF, {"holder": holder, "day": today.isoformat()}).all()
    views = [_view(office, row, row.role, row.open_returns) for row in rows]
    return TaxpayersOfPerson(sorted(views, key=lambda view: (-view.open_returns, view.name)))


def file_of(connection: Connection, office: TaxOffice, taxpayer: str, holder: str, today: date) -> TaxpayerFile:
    """Raises Refused(not_bound, 409)."""
    where = {"id": taxpayer, "holder": holder, "day": today.isoformat()}
    execute = connection.execute
    if taxpayer == SELF:
        return _file_of_person(connection, office, holder, today)
    bound = execute(statements.IS_BOUND, where).one_or_none()
    if bound is None:
        raise Refused("not_bound", 409, "taxpayer")
    row = execute(statements.TAXPAYER, {"id": taxpayer}).one()
    obligations = [obligation_view(each, today) for each in execute(statements.OPEN_OBLIGATIONS, where)]
    filings = execute(statements.FILINGS_OF_TAXPAYER, {"id": taxpayer, "limit": SHOWN}).all()
    return TaxpayerFile(
        taxpayer=_view(office, row, bound.role, sum(each.state == "open" for each in obligations)),
        obligations=obligations,
        filings=[filing_view(connection, office, each, today) for each in filings],
        forms=sorted(occasional_forms(row.payer) & OCCASIONAL_RETURNS),
        credit_grade=row.credit_grade,
        arrears=[_arrear(office, each, today) for each in execute(statements.ARREARS_OF, {"id": taxpayer})],
    )


def _file_of_person(connection: Connection, office: TaxOffice, holder: str, today: date) -> TaxpayerFile:
    filings = connection.execute(statements.FILINGS_OF_PERSON, {"holder": holder, "limit": SHOWN}).all()
    view = TaxpayerView(SELF, "", "", PayerKind.NATURAL_PERSON, Place.CITY, "", "", SELF)
    return TaxpayerFile(
        taxpayer=view,
        obligations=[],
        filings=[filing_view(connection, office, each, today) for each in filings],
        forms=sorted(FORMS_OF_A_PERSON & OCCASIONAL_RETURNS),
    )


def _view(office: TaxOffice, row: Row[Any], role: str, open_returns: int) -> TaxpayerView:
    return TaxpayerView(
        id=row.id,
        name=office.seal.text(row.name, f"name:{row.id}"),
        number_masked=row.number_masked,
        payer=PayerKind(row.payer),
        place=Place(row.place),
        district_zh=row.district_zh,
        district_en=row.district_en,
        role=role,
        open_returns=open_returns,
    )


def _arrear(office: TaxOffice, row: Row[Any], today: date) -> Arrear:
    deadline = date.fromisoformat(row.deadline)
    line = Line(Levy(row.levy), Bureau(row.bureau), row.amount, 0, row.amount, "", "")
    return Arrear(
        levy=line.levy,
        bureau=line.bureau,
        period_start=date.fromisoformat(row.period_start),
        period_end=date.fromisoformat(row.period_end),
        amount=row.amount,
        late=sum(part.amount for part in office.late(deadline, today, [line])),
        deadline=deadline,
    )


def buyer_name(connection: Connection, office: TaxOffice, number: str) -> str | None:
    """The registered name behind a taxpayer number, today's or an old one; None where nobody has it."""
    found = connection.execute(statements.TAXPAYER_OF_NUMBER, {"number_ref": office.number_ref(number)}).one_or_none()
    if found is None:
        return None
    row = connection.execute(statements.TAXPAYER, {"id": found.taxpayer}).one()
    return office.seal.text(row.name, f"name:{row.id}")
