"""The words of the audit log. Texts for the panel: ``maintenance.word.did.<value>``."""

from __future__ import annotations

from enum import StrEnum


class Did(StrEnum):
    # ---- at the door
    LOGIN = "login"
    PIN_WRONG = "pin_wrong"
    REFUSED = "refused"
    """``detail``: why. ``who``: the technician where the card is one's, else ``unknown``."""
    LEFT = "left"
    """``detail``: card_pulled, reader_gone, idle, restart, left."""

    # ---- at the machine
    TEST_PRINT = "test_print"
    TEST_READ = "test_read"
    HANDSHAKE = "handshake"
    PAPER_LOADED = "paper_loaded"
    COUNTER_RESET = "counter_reset"
    STORE_CHECKED = "store_checked"
    CALIBRATED = "calibrated"
    TOUCH_TESTED = "touch_tested"
    BRIGHTNESS = "brightness"
    VOLUME = "volume"
    LOGS_TAKEN = "logs_taken"
    READINESS = "readiness"
    RESTART = "restart"
    SHUT_DOWN = "shut_down"
    LOCKED = "locked"
    UNLOCKED = "unlocked"

    # ---- releases and orders, by technicians, the hall, or the kiosk itself
    ROLLED_BACK = "rolled_back"
    RELEASE_TAKEN = "release_taken"
    RELEASE_CONFIRMED = "release_confirmed"
    RELEASE_ROLLED_BACK = "release_rolled_back"
    RELEASE_REFUSED = "release_refused"
    ORDER_DONE = "order_done"
    ORDER_REFUSED = "order_refused"
