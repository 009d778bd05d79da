"""What kiosks' journals say of the machines themselves: what was done to them, and whether they are ready."""

from __future__ import annotations

from datetime import datetime

import msgspec
from cryptography.exceptions import InvalidSignature

from hall.clock import milliseconds
from hall.fleet.enrolment import KnownKiosk
from hall.store import statements_fleet as statements
from hall.store.writer import Work
from kiosk.domain.fleet import READINESS_DOMAIN, Audited, Readiness, ReadinessReported

_readiness = msgspec.json.Decoder(Readiness)


def take_in(work: Work, kiosk: KnownKiosk, fact: Audited | ReadinessReported, at: datetime) -> str | None:
    """Why it cannot be accepted, or None. A report whose signature is not the kiosk's is kept, and marked."""
    if isinstance(fact, Audited):
        values = {"kiosk": kiosk.id, "at": milliseconds(at), "who": fact.who, "what": fact.what, "detail": fact.detail}
        work.connection.execute(statements.ADD_KIOSK_AUDIT, values)
        return None
    try:
        report = _readiness.decode(fact.report)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "not a readiness report this hall knows"
    if report.at.tzinfo is None:
        return "a time without offset"
    work.connection.execute(
        statements.ADD_READINESS,
        {
            "id": report.id,
            "kiosk": kiosk.id,
            "at": milliseconds(report.at),
            "technician": report.technician,
            "ready": int(report.ready),
            "report": fact.report,
            "signature": fact.signature,
            "genuine": int(report.kiosk == kiosk.id and _genuine(kiosk, fact)),
        },
    )
    return None


def _genuine(kiosk: KnownKiosk, fact: ReadinessReported) -> bool:
    try:
        kiosk.key.verify(bytes.fromhex(fact.signature), READINESS_DOMAIN + fact.report.encode())
    except (InvalidSignature, ValueError):
        return False
    return True
