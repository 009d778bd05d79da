"""The promises of the house that a history may break, by their numbers."""

from __future__ import annotations

ONE_TICKET = "1 a number is one ticket"
UNKNOWN_IS_VOID = "1 an unknown number is never used"
CALLED_ONCE = "2 a ticket is called once"
COMMIT_FIRST = "3 commit, then act"
ONE_SHEET = "3 one sheet, or marked 补打"
ONE_FILING = "4 a filing is one filing"
ONE_PAYMENT = "4 a payment is one payment"
NEVER_LOST = "6 nothing is lost"
NEXT_PERSON = "7 the next person sees nothing"
WHOLE_CONFIGURATION = "8 configuration is whole, newer and healthy, or not applied"
NO_DEFECT = "no defect of ours says so itself"
NOT_STUCK = "liveness: nothing is stuck for more than 60 s"
