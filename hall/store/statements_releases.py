"""Every statement about releases on their way to the kiosks."""

from __future__ import annotations

from sqlalchemy import text

ADD_RELEASE = text(
    "INSERT INTO release (number, made_at, made_by, note, audience, state, stages)"
    " VALUES (:number, :made_at, :made_by, :note, :audience, 'rolling', :stages) ON CONFLICT (number) DO NOTHING"
)
ADD_RELEASE_KIOSK = text(
    "INSERT INTO release_kiosk (release, kiosk) VALUES (:release, :kiosk) ON CONFLICT (release, kiosk) DO NOTHING"
)
RELEASE = text("SELECT * FROM release WHERE number = :number")
RELEASES = text("SELECT * FROM release ORDER BY number DESC LIMIT :limit")
ROLLING = text("SELECT * FROM release WHERE state = 'rolling' ORDER BY number")
HIGHEST_RELEASE = text("SELECT coalesce(max(number), 0) FROM release")
IN_FORCE = text(
    "SELECT number, state, audience, stage, stages FROM release WHERE state <> 'withdrawn' ORDER BY number DESC"
)
SET_STATE = text("UPDATE release SET state = :state, halted_because = :because WHERE number = :number")
SET_STAGE = text("UPDATE release SET stage = :stage WHERE number = :number")
OFFER = text(
    "UPDATE release_kiosk SET offered_at = :now WHERE release = :release AND kiosk = :kiosk AND offered_at IS NULL"
)
OFFER_AGAIN = text(
    "UPDATE release_kiosk SET offered_at = :now, state = NULL, problem = NULL"
    " WHERE release = :release AND offered_at IS NOT NULL AND coalesce(state, '') <> 'healthy'"
)
OFFERED_SINCE = text("SELECT DISTINCT kiosk, offered_at FROM release_kiosk WHERE offered_at >= :since")
LAST_CHANGE = text("SELECT coalesce(max(offered_at), 0) FROM release_kiosk")
RELEASE_KIOSK = text("SELECT * FROM release_kiosk WHERE release = :release AND kiosk = :kiosk")
NOTE_KIOSK = text(
    "INSERT INTO release_kiosk (release, kiosk, offered_at, state, problem, changed_at)"
    " VALUES (:release, :kiosk, :now, :state, :problem, :now)"
    " ON CONFLICT (release, kiosk) DO UPDATE SET state = :state, problem = :problem, changed_at = :now,"
    " offered_at = coalesce(offered_at, :now)"
)
#: Of those it was offered to: how many have it, and how many of the others said anything since the offer.
STANDING = text(
    "SELECT count(*) AS offered, coalesce(sum(state = 'healthy'), 0) AS healthy,"
    " coalesce(sum(coalesce(state, '') <> 'healthy' AND kiosk IN"
    " (SELECT kiosk FROM kiosk_report WHERE received_at >= :heard_since)), 0) AS heard_not_healthy"
    " FROM release_kiosk WHERE release = :release AND offered_at IS NOT NULL"
)
OVERDUE = text(
    "SELECT kiosk FROM release_kiosk WHERE release = :release AND offered_at < :before"
    " AND coalesce(state, '') <> 'healthy' ORDER BY kiosk LIMIT 1"
)
KIOSKS_OF_RELEASE = text(
    "SELECT kiosk, offered_at, state, problem, changed_at FROM release_kiosk WHERE release = :release ORDER BY kiosk"
)
#: Every kiosk whose key is good, and when it last reported.
KIOSKS = text(
    "SELECT kiosk.id AS id, kiosk_report.received_at AS heard_at, kiosk_report.body AS body FROM kiosk"
    " LEFT JOIN kiosk_report ON kiosk_report.kiosk = kiosk.id WHERE kiosk.revoked_at IS NULL ORDER BY kiosk.id"
)
GROUP = text("SELECT kiosk FROM kiosk_group WHERE name = :name ORDER BY kiosk")
