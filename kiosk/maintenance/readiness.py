"""The readiness report: what was tested, when, by whom, with which result; signed with the kiosk's own key.

It goes to the hall through the journal, and stays here as a PDF, a slip and a QR code for whoever stands before the
machine. The signature is over the JSON, byte for byte; the hall checks it with the key that it knows the kiosk by.
"""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.configuration import durable
from kiosk.domain.fleet import READINESS_DOMAIN, Readiness, ReadinessReported
from kiosk.maintenance import checks
from kiosk.maintenance.world import World

FOLDER = "readiness"

#: Reports kept here; the hall keeps them all.
KEPT = 100


def make(world: World) -> Readiness:
    """Run everything that the machine can see, take over what was seen by hand. Ready is a machine of which nothing is
    bad, and of which a person has seen touch, picture and slip (a kiosk without a printer has no slip)."""
    machine = checks.machine_checks(world)
    hand = checks.hand_checks(world)
    printer = world.status("ticket_printer") is not None
    wanted = [check for check in hand if check.name != "slip" or printer]
    running = world.slots.read().running if world.slots else None
    return Readiness(
        id=secrets.token_hex(16),
        kiosk=world.kiosk,
        at=world.time.now(),
        technician=world.technician,
        ready=all(check.result != "bad" for check in machine) and all(check.result == "good" for check in wanted),
        checks=[*machine, *hand],
        release=running.number if running else 0,
        software=world.software,
    )


def sign(report: Readiness, private_key: bytes) -> ReadinessReported:
    """``private_key``: the kiosk's, Ed25519, 32 bytes."""
    said = msgspec.json.encode(report)
    signature = Ed25519PrivateKey.from_private_bytes(private_key).sign(READINESS_DOMAIN + said)
    return ReadinessReported(said.decode(), signature.hex())


def qr(report: Readiness, signature: str) -> str:
    """Short enough for a code that a phone reads off a slip: id, kiosk, time, result, signature."""
    short = base64.urlsafe_b64encode(bytes.fromhex(signature)).decode().rstrip("=")
    result = "ready" if report.ready else "not-ready"
    return f"TKR1|{report.id}|{report.kiosk}|{report.at:%Y%m%dT%H%M%S%z}|{result}|{short}"


def keep(world: World, reported: ReadinessReported, pdf: bytes) -> Path:
    """The PDF and the signed JSON beside it, in the data folder; the oldest ones go. Raises OSError."""
    report = msgspec.json.decode(reported.report, type=Readiness)
    folder = world.settings.kiosk.data_dir / FOLDER
    folder.mkdir(exist_ok=True)
    file = folder / f"{report.at:%Y%m%d-%H%M%S}-{report.id[:8]}.pdf"
    durable.replace(file, pdf)
    durable.replace(file.with_suffix(".json"), msgspec.json.encode(reported))
    for old in sorted(folder.glob("*.pdf"))[:-KEPT]:
        old.unlink(missing_ok=True)
        old.with_suffix(".json").unlink(missing_ok=True)
    return file
