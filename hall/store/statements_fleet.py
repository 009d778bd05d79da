"""Every statement about kiosks as machines: reports, orders, alarms, technicians, releases, audit."""

from __future__ import annotations

from sqlalchemy import text

ADD_KIOSK_AUDIT = text(
    "INSERT INTO kiosk_audit (kiosk, at, who, what, detail) VALUES (:kiosk, :at, :who, :what, :detail)"
)
ADD_READINESS = text(
    "INSERT INTO readiness (id, kiosk, at, technician, ready, report, signature, genuine)"
    " VALUES (:id, :kiosk, :at, :technician, :ready, :report, :signature, :genuine)"
)
