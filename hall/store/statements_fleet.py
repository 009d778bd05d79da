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

# ---- the hall's audit log ------------------------------------------------------------------------------------------

_AUDIT_ROW = "SELECT seq, at, who, what, subject, detail FROM hall_audit"
ADD_AUDIT = text(
    "INSERT INTO hall_audit (seq, at, who, what, subject, detail, hash)"
    " VALUES (:seq, :at, :who, :what, :subject, :detail, :hash)"
)
LAST_AUDIT = text("SELECT seq, hash FROM hall_audit ORDER BY seq DESC LIMIT 1")
AUDIT = text(f"{_AUDIT_ROW} ORDER BY seq DESC LIMIT :limit")
AUDIT_ABOUT = text(f"{_AUDIT_ROW} WHERE subject = :subject ORDER BY seq DESC LIMIT :limit")
WHOLE_AUDIT = text("SELECT seq, at, who, what, subject, detail, hash FROM hall_audit ORDER BY seq")

# ---- reports -------------------------------------------------------------------------------------------------------

KEEP_REPORT = text(
    "INSERT INTO kiosk_report (kiosk, received_at, body) VALUES (:kiosk, :now, :body)"
    " ON CONFLICT (kiosk) DO UPDATE SET received_at = :now, body = :body"
)
_KIOSK = (
    "SELECT kiosk.id, kiosk.enrolled_at, kiosk.revoked_at, kiosk_report.received_at, kiosk_report.body,"
    " kiosk_group.name AS group_name"
    " FROM kiosk LEFT JOIN kiosk_report ON kiosk_report.kiosk = kiosk.id"
    " LEFT JOIN kiosk_group ON kiosk_group.kiosk = kiosk.id"
)
FLEET = text(f"{_KIOSK} ORDER BY length(kiosk.id), kiosk.id")
ONE_OF_FLEET = text(f"{_KIOSK} WHERE kiosk.id = :kiosk")
HEARD_LAST = text(
    "SELECT kiosk.id, kiosk.enrolled_at, kiosk_report.received_at FROM kiosk"
    " LEFT JOIN kiosk_report ON kiosk_report.kiosk = kiosk.id WHERE kiosk.revoked_at IS NULL"
)
REVOKED = text("SELECT id FROM kiosk WHERE revoked_at IS NOT NULL")
SET_GROUP = text(
    "INSERT INTO kiosk_group (kiosk, name) VALUES (:kiosk, :name) ON CONFLICT (kiosk) DO UPDATE SET name = :name"
)
LEAVE_GROUP = text("DELETE FROM kiosk_group WHERE kiosk = :kiosk")
READINESS_OF = text(
    "SELECT at, technician, ready, report, genuine FROM readiness WHERE kiosk = :kiosk ORDER BY at DESC LIMIT :limit"
)
LAST_READINESS = text("SELECT kiosk, max(at) AS at, ready, genuine FROM readiness GROUP BY kiosk")
KIOSK_AUDIT = text("SELECT at, who, what, detail FROM kiosk_audit WHERE kiosk = :kiosk ORDER BY id DESC LIMIT :limit")
QUARANTINED_BY_KIOSK = text("SELECT kiosk, count(*) AS waiting FROM quarantine WHERE seen_at IS NULL GROUP BY kiosk")

# ---- orders --------------------------------------------------------------------------------------------------------

LAST_ORDER = text("SELECT coalesce(max(number), 0) FROM kiosk_order WHERE kiosk = :kiosk")
ADD_ORDER = text(
    "INSERT INTO kiosk_order (id, kiosk, number, signed, verb, argument, given_by, issued_at, expires_at)"
    " VALUES (:id, :kiosk, :number, :signed, :verb, :argument, :by, :now, :expires_at)"
)
OPEN_ORDERS = text(
    "SELECT signed FROM kiosk_order WHERE kiosk = :kiosk AND answered_at IS NULL AND expires_at > :now ORDER BY number"
)
LATEST_OPEN_ORDERS = text(
    "SELECT kiosk, max(number) AS number FROM kiosk_order WHERE answered_at IS NULL AND expires_at > :now"
    " GROUP BY kiosk"
)
ORDER_OF = text("SELECT verb, given_by, answered_at FROM kiosk_order WHERE id = :id AND kiosk = :kiosk")
ANSWER_ORDER = text(
    "UPDATE kiosk_order SET answered_at = :now, outcome = :outcome, problem = :problem, text = :text"
    " WHERE id = :id AND answered_at IS NULL"
)
ORDERS = text(
    "SELECT id, number, verb, argument, given_by, issued_at, expires_at, answered_at, outcome, problem,"
    " length(text) AS size FROM kiosk_order WHERE kiosk = :kiosk ORDER BY number DESC LIMIT :limit"
)
ORDER_TEXT = text(
    "SELECT text, argument, answered_at FROM kiosk_order"
    " WHERE id = :id AND kiosk = :kiosk AND verb = 'fetch_logs' AND outcome = 'done'"
)
FORGET_LOGS = text(
    "UPDATE kiosk_order SET text = NULL WHERE verb = 'fetch_logs' AND text IS NOT NULL AND answered_at < :before"
)

# ---- alarms --------------------------------------------------------------------------------------------------------

_ALARM = "SELECT id, kiosk, kind, detail, began_at, ended_at, seen_by, seen_at FROM alarm"
OPEN_ALARMS = text(f"{_ALARM} WHERE ended_at IS NULL ORDER BY began_at")
OPEN_ALARMS_OF = text(f"{_ALARM} WHERE ended_at IS NULL AND kiosk = :kiosk ORDER BY began_at")
ENDED_ALARMS_OF = text(f"{_ALARM} WHERE ended_at IS NOT NULL AND kiosk = :kiosk ORDER BY ended_at DESC LIMIT :limit")
OPEN_ALARM = text("INSERT INTO alarm (kiosk, kind, detail, began_at) VALUES (:kiosk, :kind, :detail, :now)")
CHANGE_ALARM = text("UPDATE alarm SET detail = :detail WHERE id = :id")
END_ALARM = text("UPDATE alarm SET ended_at = :now WHERE id = :id")
SEE_ALARM = text(
    "UPDATE alarm SET seen_by = :by, seen_at = :now WHERE id = :id AND seen_at IS NULL AND ended_at IS NULL"
)
ALARM = text(f"{_ALARM} WHERE id = :id")

# ---- technicians ---------------------------------------------------------------------------------------------------

ADD_TECHNICIAN = text(
    "INSERT INTO technician (id, name, role, certificate, valid_from, valid_to)"
    " VALUES (:id, :name, :role, :certificate, :valid_from, :valid_to)"
)
REVOKE_TECHNICIAN = text("UPDATE technician SET revoked_at = :now WHERE id = :id AND revoked_at IS NULL")
TECHNICIANS = text("SELECT id, name, role, certificate, valid_from, valid_to, revoked_at FROM technician ORDER BY id")
