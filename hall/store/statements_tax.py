"""Every statement about taxpayers, returns, payments and what is printed of them. Names follow what the hall does."""

from __future__ import annotations

from sqlalchemy import text

# ---- register ------------------------------------------------------------------------------------------------------

TAXPAYER_CONTENT = text("SELECT content FROM taxpayer WHERE id = :id")
PUT_TAXPAYER = text(
    "INSERT INTO taxpayer (id, name, number, number_masked, payer, place, district_zh, district_en, credit_grade,"
    " state_serial, local_serial, content)"
    " VALUES (:id, :name, :number, :number_masked, :payer, :place, :district_zh, :district_en, :credit_grade,"
    " :state_serial, :local_serial, :content)"
    " ON CONFLICT (id) DO UPDATE SET name = :name, payer = :payer, place = :place, district_zh = :district_zh,"
    " district_en = :district_en, credit_grade = :credit_grade, state_serial = :state_serial,"
    " local_serial = :local_serial, content = :content"
)
SERIAL_TAKEN = text(
    "SELECT 1 FROM taxpayer WHERE id != :id AND (state_serial = :state_serial OR local_serial = :local_serial)"
)
PUT_NUMBER = text("INSERT INTO taxpayer_number (number_ref, taxpayer) VALUES (:number_ref, :id) ON CONFLICT DO NOTHING")
TAXPAYER_OF_NUMBER = text("SELECT taxpayer FROM taxpayer_number WHERE number_ref = :number_ref")
TAXPAYER = text("SELECT * FROM taxpayer WHERE id = :id")
COUNT_TAXPAYERS = text("SELECT count(*) FROM taxpayer")

_BOUND = "holder_ref = :holder AND from_day <= :day AND (to_day IS NULL OR to_day >= :day)"
BINDING = text(
    "SELECT name_masked, from_day, to_day FROM binding WHERE taxpayer = :id AND holder_ref = :holder AND role = :role"
)
PUT_BINDING = text(
    "INSERT INTO binding (taxpayer, holder_ref, role, name_masked, from_day, to_day)"
    " VALUES (:id, :holder, :role, :name_masked, :from_day, :to_day)"
    " ON CONFLICT (taxpayer, holder_ref, role) DO UPDATE SET name_masked = :name_masked, from_day = :from_day,"
    " to_day = :to_day"
)
IS_BOUND = text(f"SELECT role FROM binding WHERE taxpayer = :id AND {_BOUND} ORDER BY role LIMIT 1")
#: One row a taxpayer, whatever roles the person has there.
TAXPAYERS_OF = text(
    "SELECT t.*, min(b.role) AS role, ("
    " SELECT count(*) FROM obligation o WHERE o.taxpayer = t.id AND o.elsewhere IS NULL AND o.period_end < :day"
    " AND NOT EXISTS (SELECT 1 FROM filing f WHERE f.obligation = o.id AND f.live = 1)) AS open_returns"
    f" FROM binding b JOIN taxpayer t ON t.id = b.taxpayer WHERE {_BOUND} GROUP BY t.id"
)

REGISTRATION = text("SELECT * FROM registration WHERE taxpayer = :id AND form = :form")
REGISTRATIONS = text("SELECT * FROM registration ORDER BY taxpayer, form")
REGISTRATIONS_OF = text("SELECT * FROM registration WHERE taxpayer = :id ORDER BY form")
PUT_REGISTRATION = text(
    "INSERT INTO registration (taxpayer, form, cycle, from_day, to_day, declared_to, quota, prepaid, facts)"
    " VALUES (:id, :form, :cycle, :from_day, :to_day, :declared_to, :quota, :prepaid, :facts)"
    " ON CONFLICT (taxpayer, form) DO UPDATE SET cycle = :cycle, from_day = :from_day, to_day = :to_day,"
    " declared_to = :declared_to, quota = :quota, prepaid = :prepaid, facts = :facts"
)

ADD_OBLIGATION = text(
    "INSERT INTO obligation (id, taxpayer, form, period_start, period_end, cycle, deadline, quota, prepaid, facts)"
    " VALUES (:id, :taxpayer, :form, :period_start, :period_end, :cycle, :deadline, :quota, :prepaid, :facts)"
    " ON CONFLICT DO NOTHING"
)
COUNT_OBLIGATIONS = text("SELECT count(*) FROM obligation")
OBLIGATION = text("SELECT * FROM obligation WHERE id = :id")
OBLIGATION_OF_PERIOD = text(
    "SELECT id, elsewhere FROM obligation WHERE taxpayer = :id AND form = :form AND period_end = :period_end"
)
#: All that waits and has begun, by deadline: the periods that have ended first.
OPEN_OBLIGATIONS = text(
    "SELECT o.* FROM obligation o WHERE o.taxpayer = :id AND o.elsewhere IS NULL AND o.period_start <= :day"
    " AND NOT EXISTS (SELECT 1 FROM filing f WHERE f.obligation = o.id AND f.live = 1)"
    " ORDER BY o.period_end >= :day, o.deadline, o.form"
)
FILED_ELSEWHERE = text("UPDATE obligation SET elsewhere = :day WHERE id = :id AND elsewhere IS NULL")
NOT_FILED_ELSEWHERE = text("UPDATE obligation SET elsewhere = NULL WHERE id = :id")

ARREAR = text(
    "SELECT bureau, amount, deadline FROM arrear WHERE taxpayer = :id AND levy = :levy AND period_end = :period_end"
)
PUT_ARREAR = text(
    "INSERT INTO arrear (taxpayer, levy, bureau, period_start, period_end, amount, deadline)"
    " VALUES (:id, :levy, :bureau, :period_start, :period_end, :amount, :deadline)"
    " ON CONFLICT (taxpayer, levy, period_end) DO UPDATE SET bureau = :bureau, amount = :amount, deadline = :deadline"
)
ARREARS_OF = text("SELECT * FROM arrear WHERE taxpayer = :id ORDER BY deadline, levy")

# ---- returns -------------------------------------------------------------------------------------------------------

FILING = text("SELECT * FROM filing WHERE key = :key")
#: A kiosk sees a filing again that was made there, or that is paid there; every other it learns by its holder.
FILING_AT_KIOSK = text(
    "SELECT 1 FROM filing WHERE key = :key AND kiosk = :kiosk UNION ALL SELECT 1 FROM payment_filing f"
    " JOIN payment p ON p.key = f.payment WHERE f.filing = :key AND p.kiosk = :kiosk LIMIT 1"
)
ADD_FILING = text(
    "INSERT INTO filing (key, content, kiosk, taxpayer, holder_ref, form, obligation, corrects, total, lines,"
    " period_start, period_end, deadline, summary, on_day, gross, net, request, declared_at, received_at)"
    " VALUES (:key, :content, :kiosk, :taxpayer, :holder_ref, :form, :obligation, :corrects, :total, :lines,"
    " :period_start, :period_end, :deadline, :summary, :on_day, :gross, :net, :request, :declared_at, :received_at)"
)
LIVE_FILING_OF = text("SELECT key FROM filing WHERE obligation = :obligation AND live = 1")
#: Everything that a registered taxpayer's return is held against, one row a return, in the order asked. :asked is a
#: JSON list of [key, taxpayer, holder, obligation, day].
BOOKS_OF_RETURNS = text(
    "SELECT f.key, f.content, f.kiosk, t.place, t.payer, o.id, o.taxpayer, o.form, o.period_start, o.period_end,"
    " o.deadline, o.prepaid, o.elsewhere,"
    " EXISTS (SELECT 1 FROM binding b WHERE b.taxpayer = t.id AND b.holder_ref = q.value ->> 2"
    " AND b.from_day <= q.value ->> 4 AND (b.to_day IS NULL OR b.to_day >= q.value ->> 4)) AS bound,"
    " EXISTS (SELECT 1 FROM filing l WHERE l.obligation = o.id AND l.live = 1) AS filed"
    " FROM json_each(:asked) q LEFT JOIN filing f ON f.key = q.value ->> 0"
    " LEFT JOIN taxpayer t ON t.id = q.value ->> 1 LEFT JOIN obligation o ON o.id = q.value ->> 3 ORDER BY q.key"
)
SAME_DAY_GROSS = text(
    "SELECT gross FROM filing WHERE taxpayer = 'self' AND holder_ref = :holder AND on_day = :day AND live = 1"
    " AND gross IS NOT NULL ORDER BY gross"
)
SUPERSEDE = text("UPDATE filing SET live = 0, superseded_by = :by WHERE key = :key")
REVIVE = text("UPDATE filing SET live = 1, superseded_by = NULL WHERE key = :key")
END_FILING = text("UPDATE filing SET live = 0 WHERE key = :key")
FILINGS_OF_TAXPAYER = text("SELECT * FROM filing WHERE taxpayer = :id ORDER BY id DESC LIMIT :limit")
FILINGS_OF_PERSON = text(
    "SELECT * FROM filing WHERE taxpayer = 'self' AND holder_ref = :holder ORDER BY id DESC LIMIT :limit"
)

ADD_ITEM = text("INSERT INTO filing_item (filing, bureau, lines, state) VALUES (:filing, :bureau, :lines, 'pending')")
ITEMS = text("SELECT * FROM filing_item WHERE filing = :filing ORDER BY bureau DESC")
ITEM = text("SELECT * FROM filing_item WHERE filing = :filing AND bureau = :bureau")
PENDING_ITEMS = text(
    "SELECT i.filing AS key FROM filing_item i JOIN filing f ON f.key = i.filing"
    " WHERE i.bureau = :bureau AND i.state = 'pending' ORDER BY f.id LIMIT :limit"
)
ITEM_SENT = text(
    "UPDATE filing_item SET sent = sent + 1, tried_at = :now"
    " WHERE filing = :filing AND bureau = :bureau AND state = 'pending'"
)
ITEM_TROUBLE = text(
    "UPDATE filing_item SET trouble = :trouble, tried_at = :now"
    " WHERE filing = :filing AND bureau = :bureau AND state = 'pending'"
)
ITEM_ACCEPTED = text(
    "UPDATE filing_item SET state = 'accepted', receipt = :receipt, trouble = NULL, done_at = :now"
    " WHERE filing = :filing AND bureau = :bureau AND state = 'pending'"
)
ITEM_REFUSED = text(
    "UPDATE filing_item SET state = 'refused', problem = :problem, problem_key = :problem_key, trouble = NULL,"
    " done_at = :now WHERE filing = :filing AND bureau = :bureau AND state = 'pending'"
)
ITEM_DROPPED = text(
    "UPDATE filing_item SET state = 'dropped', done_at = :now"
    " WHERE filing = :filing AND bureau = :bureau AND state = 'pending' AND sent = 0"
)

# ---- payments ------------------------------------------------------------------------------------------------------

PAYMENT = text("SELECT * FROM payment WHERE key = :key")
ADD_PAYMENT = text(
    "INSERT INTO payment (key, content, kiosk, holder_ref, amount, paid_on, begun_at)"
    " VALUES (:key, :content, :kiosk, :holder_ref, :amount, :paid_on, :begun_at)"
)
ADD_PAYMENT_FILING = text(
    "INSERT INTO payment_filing (payment, filing, amount, late, held) VALUES (:payment, :filing, :amount, :late, :held)"
)
PAYMENT_FILINGS = text("SELECT * FROM payment_filing WHERE payment = :payment ORDER BY filing")
HOLDER_OF_FILING = text("SELECT payment FROM payment_filing WHERE filing = :filing AND held = 1")
#: The payment that a filing's page shows: the one that holds it, else its latest.
PAYMENT_OF_FILING = text(
    "SELECT p.* FROM payment_filing pf JOIN payment p ON p.key = pf.payment WHERE pf.filing = :filing"
    " ORDER BY pf.held DESC, p.id DESC LIMIT 1"
)
HOLD = text("UPDATE payment_filing SET held = 1 WHERE payment = :payment")
RELEASE = text("UPDATE payment_filing SET held = 0 WHERE payment = :payment")
END_PAYMENT = text(
    "UPDATE payment SET outcome = :outcome, to_reverse = :to_reverse, charge = coalesce(:charge, charge),"
    " charged_at = coalesce(:charged_at, charged_at), ended_at = :now WHERE key = :key"
)

ADD_ENTRY = text(
    "INSERT INTO entry_item (key, payment, filing, bureau, lines, amount, state)"
    " VALUES (:key, :payment, :filing, :bureau, :lines, :amount, 'pending')"
)
ENTRY = text("SELECT * FROM entry_item WHERE key = :key")
ENTRIES_OF_PAYMENT = text("SELECT * FROM entry_item WHERE payment = :payment ORDER BY bureau DESC, filing")
ENTRY_OF_FILING = text(
    "SELECT * FROM entry_item WHERE filing = :filing AND bureau = :bureau AND state IN ('pending', 'entered')"
)
ENTRIES_OF_FILING = text("SELECT * FROM entry_item WHERE filing = :filing AND state IN ('pending', 'entered')")
#: Only what its bureau holds a declaration for: money never reaches a bureau before the return.
PENDING_ENTRIES = text(
    "SELECT e.key FROM entry_item e JOIN filing_item i ON i.filing = e.filing AND i.bureau = e.bureau"
    " WHERE e.bureau = :bureau AND e.state = 'pending' AND i.state = 'accepted' ORDER BY e.key LIMIT :limit"
)
ENTRY_SENT = text("UPDATE entry_item SET sent = sent + 1, tried_at = :now WHERE key = :key AND state = 'pending'")
ENTRY_TROUBLE = text("UPDATE entry_item SET trouble = :trouble, tried_at = :now WHERE key = :key AND state = 'pending'")
ENTRY_ENTERED = text(
    "UPDATE entry_item SET state = 'entered', receipt = :receipt, trouble = NULL, done_at = :now"
    " WHERE key = :key AND state = 'pending'"
)
ENTRY_REFUSED = text(
    "UPDATE entry_item SET state = 'refused', problem = :problem, trouble = NULL, done_at = :now"
    " WHERE key = :key AND state = 'pending'"
)
ENTRY_DROPPED = text(
    "UPDATE entry_item SET state = 'dropped', done_at = :now WHERE key = :key AND state = 'pending' AND sent = 0"
)

# ---- numbered paper ------------------------------------------------------------------------------------------------

ADD_STOCK = text(
    "INSERT INTO stock (kind, kiosk, pattern, code, first, last, next, added_at)"
    " VALUES (:kind, :kiosk, :pattern, :code, :first, :last, :first, :now)"
)
STOCK_OVERLAPS = text(
    "SELECT kiosk, first, last FROM stock WHERE pattern = :pattern AND code = :code"
    " AND first <= :last AND last >= :first LIMIT 1"
)
STOCK_NEXT = text("SELECT * FROM stock WHERE kind = :kind AND kiosk = :kiosk AND next <= last ORDER BY id LIMIT 1")
STOCK_TAKEN = text("UPDATE stock SET next = next + 1 WHERE id = :id AND next = :next")
STOCKS = text(
    "SELECT s.*, (SELECT count(*) FROM stock_number n WHERE n.kiosk = s.kiosk AND n.kind = s.kind AND n.state = 'void')"
    " AS void FROM stock s ORDER BY s.kiosk, s.kind, s.id"
)
STOCK_LEFT = text(
    "SELECT kiosk, kind, sum(last - next + 1) AS remaining FROM stock GROUP BY kiosk, kind ORDER BY kiosk, kind"
)
ADD_STOCK_NUMBER = text(
    "INSERT INTO stock_number (code, number, kind, kiosk, document, state, taken_at)"
    " VALUES (:code, :number, :kind, :kiosk, :document, 'taken', :now)"
)
STOCK_NUMBER = text("SELECT * FROM stock_number WHERE code = :code AND number = :number")
STOCK_NUMBER_DONE = text(
    "UPDATE stock_number SET state = :state, reason = :reason, done_at = :now"
    " WHERE document = :document AND state = 'taken'"
)
NEXT_IN_SEQUENCE = text(
    "INSERT INTO sequence (name, value) VALUES (:name, 1)"
    " ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value"
)

CERTIFICATE = text("SELECT * FROM certificate WHERE key = :key")
CERTIFICATES_OF = text("SELECT * FROM certificate WHERE filing = :filing ORDER BY id")
COUNT_CERTIFICATES = text(
    "SELECT count(*) FROM certificate WHERE filing = :filing AND bureau = :bureau AND state != 'void'"
)
ADD_CERTIFICATE = text(
    "INSERT INTO certificate (key, kiosk, filing, bureau, holder_ref, number, verification, print_count, state,"
    " taken_at)"
    " VALUES (:key, :kiosk, :filing, :bureau, :holder_ref, :number, :verification, :print_count, 'taken', :now)"
)
CERTIFICATE_STATE = text("UPDATE certificate SET state = :state WHERE key = :key AND state = 'taken'")

#: Keys of papers and payments that were given up before the hall heard of them: nothing is given or held for them.
IS_DEAD = text("SELECT 1 FROM other_key WHERE key = :key AND ticket IS NULL")
BURY = text("INSERT OR IGNORE INTO other_key (key, kiosk, ticket) VALUES (:key, :kiosk, NULL)")
INVOICE = text("SELECT * FROM invoice WHERE key = :key")
INVOICE_OF_ALIAS = text("SELECT v.* FROM invoice_alias a JOIN invoice v ON v.key = a.invoice WHERE a.key = :key")
ADD_INVOICE_ALIAS = text("INSERT INTO invoice_alias (key, invoice) VALUES (:key, :invoice)")
GOOD_INVOICE_OF = text(
    "SELECT * FROM invoice WHERE filing = :filing AND red_of IS NULL AND state IN ('taken', 'printed')"
)
SHOWN_INVOICE_OF = text(
    "SELECT * FROM invoice WHERE filing = :filing AND red_of IS NULL"
    " ORDER BY state IN ('taken', 'printed') DESC, id DESC LIMIT 1"
)
INVOICE_BY_NUMBER = text("SELECT * FROM invoice WHERE number = :number AND (:code IS NULL OR code = :code)")
INVOICES = text("SELECT * FROM invoice ORDER BY id DESC LIMIT :limit")
ADD_INVOICE = text(
    "INSERT INTO invoice (key, kiosk, filing, medium, code, number, kind, body, state, red_of, issued_at)"
    " VALUES (:key, :kiosk, :filing, :medium, :code, :number, :kind, :body, :state, :red_of, :issued_at)"
)
INVOICE_PRINTED = text(
    "UPDATE invoice SET print_count = print_count + 1, state = CASE state WHEN 'taken' THEN 'printed' ELSE state END"
    " WHERE key = :key"
)
INVOICE_STATE = text("UPDATE invoice SET state = :state WHERE key = :key AND state IN ('taken', 'printed')")

# ---- staff ---------------------------------------------------------------------------------------------------------

OPEN_STAFF_ITEM = text(
    "INSERT INTO staff_item (kind, subject, detail, opened_at) VALUES (:kind, :subject, :detail, :now)"
    " ON CONFLICT (kind, subject) DO NOTHING"
)
CLOSE_STAFF_ITEM = text(
    "UPDATE staff_item SET closed_at = :now, closed_by = :by, note = :note WHERE id = :id AND closed_at IS NULL"
)
CLOSE_STAFF_SUBJECT = text(
    "INSERT INTO staff_item (kind, subject, detail, opened_at, closed_at, closed_by, note)"
    " VALUES (:kind, :subject, '', :now, :now, :by, :note)"
    " ON CONFLICT (kind, subject) DO UPDATE SET closed_at = :now, closed_by = :by, note = :note"
)
STAFF_ITEM = text("SELECT * FROM staff_item WHERE id = :id")
STAFF_ITEMS = text("SELECT * FROM staff_item WHERE closed_at IS NULL ORDER BY opened_at, id LIMIT :limit")
UNSETTLED = text(
    "SELECT f.key, f.taxpayer, f.form, f.declared_at, i.bureau, i.trouble, i.tried_at, i.sent,"
    " EXISTS (SELECT 1 FROM filing_item o WHERE o.filing = f.key AND o.state = 'accepted') AS half"
    " FROM filing_item i JOIN filing f ON f.key = i.filing WHERE i.state = 'pending' AND f.received_at < :before"
    " ORDER BY f.id LIMIT :limit"
)
UNENTERED = text(
    "SELECT e.key, e.payment, e.filing, e.bureau, e.amount, e.trouble, e.tried_at, p.charged_at"
    " FROM entry_item e JOIN payment p ON p.key = e.payment WHERE e.state = 'pending' AND p.ended_at < :before"
    " ORDER BY p.id LIMIT :limit"
)
REFUSED_FILINGS = text(
    "SELECT f.key, f.taxpayer, f.form, f.declared_at, i.bureau, i.problem,"
    " EXISTS (SELECT 1 FROM filing_item o WHERE o.filing = f.key AND o.state = 'accepted') AS half"
    " FROM filing_item i JOIN filing f ON f.key = i.filing WHERE i.state = 'refused'"
    " AND NOT EXISTS (SELECT 1 FROM staff_item s"
    " WHERE s.kind = 'refused' AND s.subject = f.key AND s.closed_at IS NOT NULL)"
    " ORDER BY f.id DESC LIMIT :limit"
)
BEGUN_LONG_AGO = text(
    "SELECT key, kiosk, amount, begun_at FROM payment WHERE outcome IS NULL AND begun_at < :before"
    " ORDER BY id LIMIT :limit"
)
TO_REVERSE = text(
    "SELECT key, kiosk, amount, charged_at, charge FROM payment WHERE outcome = 'approved' AND to_reverse = 1"
    " ORDER BY id LIMIT :limit"
)
QUARANTINED = text(
    "SELECT id, kiosk, seq, kind, reason, received_at FROM quarantine WHERE seen_at IS NULL ORDER BY id LIMIT :limit"
)
SEE_QUARANTINED = text("UPDATE quarantine SET seen_at = :now WHERE id = :id AND seen_at IS NULL")

# ---- the end of the day --------------------------------------------------------------------------------------------

HAS_TERMINAL_DAY = text("SELECT kiosk FROM terminal_day WHERE day = :day AND terminal = :terminal")
ADD_TERMINAL_DAY = text(
    "INSERT INTO terminal_day (day, terminal, kiosk, received_at) VALUES (:day, :terminal, :kiosk, :now)"
    " ON CONFLICT (day, terminal) DO UPDATE SET kiosk = :kiosk, received_at = :now"
)
CLEAR_TERMINAL_DAY = text("DELETE FROM terminal_charge WHERE day = :day AND terminal = :terminal")
ADD_TERMINAL_CHARGE = text(
    "INSERT INTO terminal_charge (day, terminal, kiosk, position, key, kind, amount, reference, at)"
    " VALUES (:day, :terminal, :kiosk, :position, :key, :kind, :amount, :reference, :at)"
)
TERMINAL_CHARGES = text("SELECT * FROM terminal_charge WHERE day = :day ORDER BY terminal, position")
TERMINAL_DAYS = text("SELECT terminal, kiosk FROM terminal_day WHERE day = :day ORDER BY terminal")
PAYMENTS_BETWEEN = text(
    "SELECT * FROM payment WHERE (charged_at >= :first AND charged_at < :last)"
    " OR (charged_at IS NULL AND begun_at >= :first AND begun_at < :last) ORDER BY id"
)
DECLARED_BETWEEN = text(
    "SELECT i.filing, i.bureau, i.state, i.receipt, f.form FROM filing_item i JOIN filing f ON f.key = i.filing"
    " WHERE f.declared_at >= :first AND f.declared_at < :last ORDER BY f.id, i.bureau"
)
PAYMENT_FACTS = text(
    "SELECT kiosk, body FROM kiosk_journal WHERE kind = 'payment_ended' AND at >= :from_at AND at < :to_at"
    " ORDER BY kiosk, incarnation, seq"
)
