"""A hall's settings: config/hall.toml, or the file named by ``taxhall serve --settings``."""

from __future__ import annotations

import tomllib
from datetime import date, time
from pathlib import Path
from typing import Annotated, Literal

import msgspec

import config

Positive = Annotated[float, msgspec.Meta(gt=0)]


class Hall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    name_zh: str
    name_en: str
    windows: list[str]
    day_starts: time
    """Local time at which numbers begin again at A001 and what is left of the day before is closed."""


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Accumulating priority: a ticket's place is its wait in minutes times the rate of its class."""

    normal: Positive
    priority: Positive
    no_show_return: Annotated[int, msgspec.Meta(ge=0)]
    """Who was away may come back until the window that called them has called this many others."""


class Forecast(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    runs: Annotated[int, msgspec.Meta(ge=5, le=500)]
    prior_minutes: Positive
    """Mean service time before anything has been learned."""
    prior_weight: Positive
    """How many observations the prior is worth."""
    spread: Positive
    """Standard deviation of a service time over its mean."""
    prior_by_category: dict[str, Positive] = msgspec.field(default_factory=dict)


class Tax(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Returns, payments and papers. Left out: what is shipped."""

    profile: Literal["joint", "unified"] = "joint"
    """joint: levies go to two bureaus. unified (after 2018): all go to the state bureau's system."""
    pay_when_half_done: bool = True
    """Payment may begin when one bureau has the return and no bureau has refused it."""
    answer_s: Positive = 4.0
    """Seconds that a kiosk waits for both bureaus; then it is told how things stand and asks again."""
    bureau_timeout_s: Positive = 5.0
    """For one exchange with a bureau. After it the outcome is unknown."""
    retry_first_s: Positive = 0.5
    retry_longest_s: Positive = 30.0
    begun_long_ago_minutes: Positive = 15.0
    """A payment begun this long ago without an outcome is put before staff; it never ends by itself."""
    low_stock: Annotated[int, msgspec.Meta(ge=0)] = 20
    digital_invoices_from: date | None = date(2024, 12, 1)
    """Transactions from this day on get a digital invoice (总局公告2024年第11号), earlier ones paper; None: always."""
    invoice_region: Annotated[str, msgspec.Meta(pattern="^[0-9]{2}$")] = "35"
    invoice_channel: Annotated[str, msgspec.Meta(pattern="^[0-9]$")] = "1"
    """Fifth digit of a digital number; its meaning is not published."""
    payers_withhold: bool = True
    """From 2026-11-01 domestic payers withhold natural persons' VAT (公告2026年第28号): invoices say so."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Requests a second, and how many at once after a pause."""

    kiosk_rate: Positive = 200.0
    kiosk_burst: Positive = 1000.0
    address_rate: Positive = 100.0
    """One address, without a signature: a hall's guests may all come through one."""
    address_burst: Positive = 400.0
    stranger_rate: Positive = 5.0
    """Signatures that are not good, from one address."""
    stranger_burst: Positive = 100.0
    connections_per_address: Annotated[int, msgspec.Meta(ge=1)] = 256
    connections: Annotated[int, msgspec.Meta(ge=1)] = 4096
    header_bytes: Annotated[int, msgspec.Meta(ge=1024)] = 16 * 1024
    request_s: Positive = 10.0
    """A request that is not there as a whole by then is cut off."""
    unlimited: list[str] = msgspec.field(default_factory=lambda: ["127.0.0.1", "::1"])
    """Addresses to which only the limits on kiosks, passwords and codes apply."""


class Tls(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Files in PEM; both or neither. ``taxhall tls self-signed`` makes a pair for a first setup."""

    certificate: str = ""
    key: str = ""


class Releases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Configuration releases: for how long a signature counts, and how a release reaches the kiosks."""

    timestamp_hours: Positive = 24.0
    """Signed anew by the hall at half of it. A hall that is silent for longer publishes nothing to its kiosks."""
    snapshot_days: Positive = 30.0
    targets_days: Positive = 365.0
    """What the release officers sign; each release begins it anew."""
    root_days: Positive = 730.0
    stages: list[Annotated[str, msgspec.Meta(pattern="^[1-9][0-9]*%?$")]] = msgspec.field(
        default_factory=lambda: ["1", "10%", "50%", "100%"]
    )
    """How many kiosks have it after each stage, a number or a share; the next begins when all of these are healthy."""
    stage_minutes: Positive = 15.0
    """A kiosk that was heard from and is not healthy with it by then halts the release."""


class Fleet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Kiosks as machines: how often they report, and from when on somebody should see to one."""

    report_s: Positive = 60.0
    """Between two reports of a kiosk; silent for three of them is offline."""
    journal_rows: Annotated[int, msgspec.Meta(ge=0)] = 500
    storage_mb: Annotated[int, msgspec.Meta(ge=0)] = 500
    clock_s: Positive = 120.0
    restarts: Annotated[int, msgspec.Meta(ge=0)] = 3
    """More starts of the front end within an hour."""
    quiet_from: time = time(22, 0)
    quiet_to: time = time(7, 0)
    """Between them only ``grave`` alarms ring; the same time twice: no quiet hours."""
    grave: list[str] = msgspec.field(
        default_factory=lambda: [
            "offline",
            "front_end_down",
            "storage_broken",
            "restarts",
            "rolled_back",
            "revoked_key",
        ]
    )


class BureauAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: str
    token_file: str
    """A file with one line: what the hall shows to this bureau."""


class Bureaus(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the bureaus' systems are. One that is missing is never asked: what is meant for it waits."""

    state: BureauAddress | None = None
    local: BureauAddress | None = None


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hall: Hall
    order: Order
    forecast: Forecast
    bureaus: Bureaus = Bureaus()
    tax: Tax = Tax()
    limits: Limits = Limits()
    releases: Releases = Releases()
    fleet: Fleet = Fleet()
    tls: Tls = Tls()


def read_settings(file: Path | None = None) -> Settings:
    """Raises OSError, ValueError (with the path of the wrong field)."""
    tree = tomllib.loads(file.read_text(encoding="utf-8")) if file else config.read_toml("hall.toml")
    return msgspec.convert(tree, Settings)
