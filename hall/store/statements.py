"""Every statement on the hot path, prepared once. Names follow what the hall does, not what SQL does."""

from __future__ import annotations

from sqlalchemy import column, text
from sqlalchemy.sql.selectable import TextualSelect

_OPEN = "('waiting', 'called', 'serving', 'parked', 'transferred')"
_LINE = "('waiting', 'transferred')"

_TICKET = """id, number, key, token, kiosk, series, service, category, class, holder_ref, holder_masked, state, window,
    only_window, issued_at, first_called_at, called_at, started_at, aside_at, calls, ahead, wait_low, wait_high"""


def _tickets(sql: str, *before: str) -> TextualSelect:
    """A statement that reads whole tickets, behind the columns ``before``. Named columns let SQLAlchemy keep what it
    knows of the result; without them it works them out at every execution, which costs more than the reading."""
    return text(sql).columns(*(column(name.strip()) for name in (*before, *_TICKET.split(","))))


# ---- events --------------------------------------------------------------------------------------------------------

INSERT_EVENT = text(
    "INSERT INTO event (id, kind, at, ticket, number, window, to_window, calls, staff)"
    " VALUES (:id, :kind, :at, :ticket, :number, :window, :to_window, :calls, :staff)"
)
LAST_EVENT = text("SELECT coalesce(max(id), 0) FROM event")
EVENTS_AFTER = text(
    "SELECT id, kind, at, number, window, to_window, calls FROM event WHERE id > :after ORDER BY id LIMIT :limit"
)

# ---- taking a number -----------------------------------------------------------------------------------------------

#: What is known of a key, and of its holder, in one look. A tombstone comes first, then the key's ticket.
FIND_FOR_ISSUE = text(
    f"""
    SELECT 0 AS how, NULL AS id, kiosk FROM other_key WHERE key = :key AND ticket IS NULL
    UNION ALL SELECT 1, id, kiosk FROM ticket WHERE key = :key
    UNION ALL SELECT 2, ticket, kiosk FROM other_key WHERE key = :key AND ticket IS NOT NULL
    UNION ALL SELECT 3, id, kiosk FROM ticket
        WHERE holder_ref = :holder AND state IN {_OPEN} AND day = :day
    ORDER BY how, id LIMIT 1
    """
)
NEXT_SEQUENCE = text(
    "INSERT INTO counter (day, value) VALUES (:day, 1)"
    " ON CONFLICT (day) DO UPDATE SET value = value + 1 RETURNING value"
)
INSERT_TICKET = text(
    "INSERT INTO ticket (day, number, key, token, kiosk, series, service, category, class, holder_ref, holder_masked,"
    " state, issued_at, claimed_at, received_at, ahead, wait_low, wait_high)"
    " VALUES (:day, :number, :key, :token, :kiosk, :series, :service, :category, :class, :holder_ref, :holder_masked,"
    " :state, :issued_at, :claimed_at, :received_at, :ahead, :wait_low, :wait_high)"
)
ALIAS = text("INSERT INTO other_key (key, kiosk, ticket) VALUES (:key, :kiosk, :ticket)")
BURY = text(
    "INSERT INTO other_key (key, kiosk, ticket) VALUES (:key, :kiosk, NULL)"
    " ON CONFLICT (key) DO UPDATE SET ticket = NULL"
)

# ---- finding tickets -----------------------------------------------------------------------------------------------

TICKET = _tickets(f"SELECT {_TICKET} FROM ticket WHERE id = :id")
TICKET_BY_TOKEN = _tickets(f"SELECT {_TICKET} FROM ticket WHERE token = :token")
TICKET_BY_NUMBER = _tickets(f"SELECT {_TICKET} FROM ticket WHERE day = :day AND number = :number")
TICKETS_OF_HOLDER = _tickets(
    f"SELECT {_TICKET} FROM ticket WHERE holder_ref = :holder AND day = :day AND state IN {_OPEN} ORDER BY id"
)
#: One look before every action: is the session still the window's, is the window open, who is there (id NULL: nobody).
BEFORE_ACTION = _tickets(
    "SELECT s.id AS session, w.open AS window_open, t.* FROM window w"
    " LEFT JOIN staff_session s ON s.id = :session AND s.ended_at IS NULL AND s.window = w.window"
    f" LEFT JOIN (SELECT {_TICKET} FROM ticket WHERE window = :window AND state IN ('called', 'serving')) t"
    " WHERE w.window = :window",
    "session",
    "window_open",
)
AT_WINDOW = _tickets(f"SELECT {_TICKET} FROM ticket WHERE window = :window AND state IN ('called', 'serving')")
AT_ALL_WINDOWS = text("SELECT window, number, state FROM ticket WHERE state IN ('called', 'serving')")
ASIDE = _tickets(
    f"SELECT {_TICKET} FROM ticket WHERE state = :state AND day = :day ORDER BY aside_at DESC LIMIT :limit"
)
COUNT_LINE = text(f"SELECT count(*) FROM ticket WHERE state IN {_LINE}")
SERVED_TODAY = text("SELECT count(*) FROM ticket WHERE state = 'done' AND day = :day AND window = :window")
LATEST_CALLS = text(
    "SELECT number, window, called_at, calls FROM ticket INDEXED BY ticket_called"
    " WHERE called_at IS NOT NULL AND day = :day ORDER BY called_at DESC, id DESC LIMIT :limit"
)

# ---- the line ------------------------------------------------------------------------------------------------------


def _first_in_line(ticket_class: str, only: str, reach: str) -> str:
    return (
        f"SELECT * FROM (SELECT {_TICKET}, {reach} AS here FROM ticket"
        f" WHERE state IN {_LINE} AND class = '{ticket_class}' AND only_window {only}"
        " ORDER BY issued_at, id LIMIT :limit)"
    )


#: Who comes next at a window: of each class the oldest few, ordered by minutes waited × rate of the class. Tickets sent
#: to this very window come before all others, by age.
NEXT_IN_LINE = text(
    "SELECT *, (:now - issued_at) / 60000.0 * CASE class WHEN 'priority' THEN :priority ELSE :normal END AS age FROM ("
    + " UNION ALL ".join(
        _first_in_line(ticket_class, only, reach)
        for ticket_class in ("normal", "priority")
        for only, reach in (("IS NULL", "0"), ("= :window", "1"))
    )
    + ") ORDER BY here DESC, age DESC, id LIMIT :limit"
)


def _oldest(ticket_class: str, only: str) -> str:
    return (
        f"(SELECT id FROM ticket WHERE state IN {_LINE} AND class = '{ticket_class}' AND only_window {only}"
        " ORDER BY issued_at, id LIMIT 1)"
    )


#: The first of NEXT_IN_LINE: of four candidates off the index, the one that comes first.
FIRST_IN_LINE = text(
    "SELECT id, number, state FROM ticket WHERE id IN"
    f" ({_oldest('normal', 'IS NULL')}, {_oldest('priority', 'IS NULL')},"
    f" {_oldest('normal', '= :window')}, {_oldest('priority', '= :window')})"
    " ORDER BY only_window IS NULL,"
    " (:now - issued_at) * CASE class WHEN 'priority' THEN :priority ELSE :normal END DESC, id LIMIT 1"
)
#: How many stand before a ticket that waits: those whose minutes × rate is greater now.
COUNT_AHEAD = text(
    f"SELECT count(*) FROM ticket WHERE state IN {_LINE} AND id <> :id"
    " AND (:now - issued_at) * CASE class WHEN 'priority' THEN :priority ELSE :normal END > :age"
)
WHOLE_LINE = text(
    f"SELECT id, class, category, only_window, issued_at FROM ticket WHERE state IN {_LINE}"
    " ORDER BY issued_at, id LIMIT :limit"
)
BEING_SERVED = text("SELECT window, category, called_at FROM ticket WHERE state IN ('called', 'serving')")

# ---- at the window -------------------------------------------------------------------------------------------------

CALL = text(
    "UPDATE ticket SET state = 'called', window = :window, only_window = NULL, called_at = :now, started_at = NULL,"
    " first_called_at = coalesce(first_called_at, :now), calls = 1 WHERE id = :id AND state = :state"
)
RECALL = text("UPDATE ticket SET calls = calls + 1 WHERE id = :id")
START = text("UPDATE ticket SET state = 'serving', started_at = :now WHERE id = :id")
ASIDE_NOW = text("UPDATE ticket SET state = :state, aside_at = :now WHERE id = :id")
TRANSFER = text("UPDATE ticket SET state = 'transferred', only_window = :to_window WHERE id = :id")
#: The clerk it was meant for has gone home: any window may call it now.
RELEASE_TRANSFERRED = text("UPDATE ticket SET only_window = NULL WHERE only_window = :window AND state = 'transferred'")
FINISH = text("UPDATE ticket SET state = 'done', ended_at = :now WHERE id = :id")
VOID = text("UPDATE ticket SET state = 'void', ended_at = :now WHERE id = :id")
CALLED_SINCE = text(
    "SELECT count(*) FROM ticket INDEXED BY ticket_called WHERE called_at > :since AND window = :window"
)
#: One more observation of a category; old ones fade once two hundred are in, so that a new practice shows.
LEARN_SERVICE_TIME = text(
    "INSERT INTO service_time (category, count, seconds) VALUES (:category, 1, :seconds)"
    " ON CONFLICT (category) DO UPDATE SET"
    " seconds = CASE WHEN count >= 200 THEN seconds * 199.0 / 200.0 ELSE seconds END + :seconds,"
    " count = CASE WHEN count >= 200 THEN 200 ELSE count + 1 END"
)
SERVICE_TIMES = text("SELECT category, count AS observed, seconds FROM service_time")

# ---- the day -------------------------------------------------------------------------------------------------------

LEFT_OVER = text(
    "SELECT id, number, state, window FROM ticket WHERE day < :day"
    " AND state IN ('waiting', 'transferred', 'parked', 'no_show', 'called')"
)

# ---- windows and staff ---------------------------------------------------------------------------------------------

WINDOWS = text("SELECT window, open FROM window ORDER BY position")
PLACE_WINDOW = text(
    "INSERT INTO window (window, position) VALUES (:window, :position)"
    " ON CONFLICT (window) DO UPDATE SET position = :position"
)
SET_WINDOW = text("UPDATE window SET open = :open WHERE window = :window AND open <> :open")
WINDOW_IS_OPEN = text("SELECT open FROM window WHERE window = :window")
CLERKS = text("SELECT s.window, t.name FROM staff_session s JOIN staff t ON t.id = s.staff WHERE s.ended_at IS NULL")
ADD_STAFF = text("INSERT INTO staff (name, role, password) VALUES (:name, :role, :password)")
STAFF_BY_NAME = text("SELECT id, name, role, password, disabled_at FROM staff WHERE name = :name")
ALL_STAFF = text("SELECT name, role, disabled_at FROM staff ORDER BY name")
SET_PASSWORD = text("UPDATE staff SET password = :password WHERE id = :id")
DISABLE_STAFF = text("UPDATE staff SET disabled_at = :now WHERE id = :id")
ADD_DESK_SESSION = text(
    "INSERT INTO desk_session (token_hash, staff, csrf, began_at) VALUES (:token_hash, :staff, :csrf, :now)"
    " RETURNING id"
)
END_DESK_SESSION = text("UPDATE desk_session SET ended_at = :now WHERE id = :id AND ended_at IS NULL")
END_DESK_SESSIONS_OF = text("UPDATE desk_session SET ended_at = :now WHERE staff = :staff AND ended_at IS NULL")
SESSIONS_OF = text("SELECT id, window FROM staff_session WHERE staff = :staff AND ended_at IS NULL")
ADD_SESSION = text(
    "INSERT INTO staff_session (token_hash, staff, window, csrf, began_at)"
    " VALUES (:token_hash, :staff, :window, :csrf, :now) RETURNING id"
)
SESSION_BY_TOKEN = text(
    "SELECT s.id, s.staff, t.name, t.role, s.window, s.csrf, s.began_at FROM staff_session s"
    " JOIN staff t ON t.id = s.staff"
    " WHERE s.token_hash = :token_hash AND s.ended_at IS NULL AND t.disabled_at IS NULL"
    " UNION ALL SELECT s.id, s.staff, t.name, t.role, '', s.csrf, s.began_at FROM desk_session s"
    " JOIN staff t ON t.id = s.staff"
    " WHERE s.token_hash = :token_hash AND s.ended_at IS NULL AND t.disabled_at IS NULL"
)
SESSIONS_AT = text(
    "SELECT id, staff, window, began_at FROM staff_session WHERE ended_at IS NULL"
    " AND (staff = :staff OR window = :window)"
)
END_SESSION = text("UPDATE staff_session SET ended_at = :now WHERE id = :id AND ended_at IS NULL")

# ---- kiosks --------------------------------------------------------------------------------------------------------

SECRET = text("SELECT value FROM secret WHERE name = :name")
ADD_SECRET = text("INSERT INTO secret (name, value) VALUES (:name, :value) ON CONFLICT (name) DO NOTHING")
ADD_CODE = text("INSERT INTO enrolment_code (code_hash, kiosk, expires_at) VALUES (:code_hash, :kiosk, :expires_at)")
CODE = text("SELECT kiosk, expires_at, used_by FROM enrolment_code WHERE code_hash = :code_hash")
USE_CODE = text("UPDATE enrolment_code SET used_by = :public_key WHERE code_hash = :code_hash")
ENROL = text(
    "INSERT INTO kiosk (id, public_key, enrolled_at) VALUES (:id, :public_key, :now)"
    " ON CONFLICT (id) DO UPDATE SET public_key = :public_key, enrolled_at = :now, revoked_at = NULL"
)
REVOKE = text("UPDATE kiosk SET revoked_at = :now WHERE id = :id AND revoked_at IS NULL")
KIOSK_KEYS = text("SELECT id, public_key, enrolled_at FROM kiosk WHERE revoked_at IS NULL")

# ---- journal -------------------------------------------------------------------------------------------------------

MARK = text("SELECT high_water, hash FROM kiosk_mark WHERE kiosk = :kiosk AND incarnation = :incarnation")
SET_MARK = text(
    "INSERT INTO kiosk_mark (kiosk, incarnation, high_water, hash, heard_at)"
    " VALUES (:kiosk, :incarnation, :high_water, :hash, :now)"
    " ON CONFLICT (kiosk, incarnation) DO UPDATE SET high_water = :high_water, hash = :hash, heard_at = :now"
)
ADD_ROW = text(
    "INSERT INTO kiosk_journal (kiosk, incarnation, seq, kind, at, clock, body, hash, received_at)"
    " VALUES (:kiosk, :incarnation, :seq, :kind, :at, :clock, :body, :hash, :now)"
)
HASHES = text(
    "SELECT seq, hash FROM kiosk_journal WHERE kiosk = :kiosk AND incarnation = :incarnation"
    " AND seq BETWEEN :first AND :last"
)
QUARANTINE = text(
    "INSERT INTO quarantine (kiosk, incarnation, seq, kind, at, clock, body, hash, reason, received_at)"
    " VALUES (:kiosk, :incarnation, :seq, :kind, :at, :clock, :body, :hash, :reason, :now)"
    " ON CONFLICT (kiosk, incarnation, seq, hash) DO NOTHING"
)
HELD_ROW = text("SELECT * FROM kiosk_journal WHERE kiosk = :kiosk AND incarnation = :incarnation AND seq = :seq")
QUARANTINED_ROW = text("SELECT * FROM quarantine WHERE id = :id")
QUARANTINED_ROWS = text("SELECT * FROM quarantine WHERE seen_at IS NULL ORDER BY id LIMIT :limit")
QUARANTINE_CLOSED = text("SELECT * FROM quarantine WHERE seen_at IS NOT NULL ORDER BY seen_at DESC LIMIT :limit")
CLOSE_QUARANTINED = text(
    "UPDATE quarantine SET seen_at = :now, outcome = :outcome, closed_by = :by, note = :note"
    " WHERE id = :id AND seen_at IS NULL"
)
COUNT_QUARANTINED = text("SELECT count(*) FROM quarantine WHERE seen_at IS NULL")
ADD_SLIP = text(
    "INSERT INTO slip (kiosk, token, number, outcome, reason, reprint, at)"
    " VALUES (:kiosk, :token, :number, :outcome, :reason, :reprint, :now)"
)
