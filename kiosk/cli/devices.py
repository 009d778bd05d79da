"""Commands: read one card, print one sample slip, say every device's status."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from kiosk.cli.output import emit, refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.contract import DeviceStatus
    from drivers.printer.document import Document
    from drivers.printer.driver import PrintResult
    from drivers.printer.profile import PrinterProfile
    from drivers.transport import Transport
    from kiosk.settings import Devices


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command("read-card")(read_card)
    app.command("print")(print_sample)
    app.command("status")(status)


def read_card(
    port: Annotated[str, typer.Option(help="Device path, or socket://host:port.")] = "",
    timeout: Annotated[str, typer.Option(help="Seconds to wait for a card.")] = "10",
) -> None:
    """Read one ID card and print what it says, as JSON. Exit 0 when it was read."""
    import threading
    from contextlib import closing

    from drivers.contract import DeviceError
    from drivers.id_card.reader import CardFailed, CardRead, open_reader
    from drivers.transport import BadUrl

    if not port:
        refuse("port", "missing")
    seconds = _seconds(timeout)
    answer = dict.fromkeys(("outcome", "reason", "detail", *_CARD_FIELDS, "elapsed_ms"))
    answer["outcome"] = "no_card"
    try:
        with closing(open_reader(port)) as reader:
            result = reader.watch(threading.Event(), seconds)
    except BadUrl as problem:
        refuse("port", str(problem))
    except DeviceError as problem:
        answer |= {"outcome": "failed", "reason": problem.completion, "detail": str(problem)}
    else:
        match result:
            case CardRead(text, elapsed_ms):
                answer |= {name: getattr(text, name) or None for name in _CARD_FIELDS}
                answer |= {"outcome": "read", "elapsed_ms": round(elapsed_ms, 1)}
            case CardFailed(reason):
                answer |= {"outcome": "failed", "reason": reason}
    emit(answer)
    if answer["outcome"] != "read":
        raise typer.Exit(1)


_CARD_FIELDS = (
    "kind",
    "name",
    "number",
    "birth",
    "nation",
    "address",
    "issuer",
    "valid_from",
    "valid_to",
    "sex",
    "name_en",
    "country",
    "permit_number",
)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= 86400:
        refuse("timeout", "not a number of seconds from 0 to 86400")
    return seconds


def print_sample(
    kind: Annotated[str, typer.Argument(help="ticket, receipt, certificate, invoice or test.")],
    printer: Annotated[str, typer.Option(help="Device path, or socket://host:port.")] = "",
    baudrate: Annotated[str, typer.Option(help="Bits a second of a serial line.")] = "115200",
    width: Annotated[str, typer.Option(help="Paper in millimetres: 80 or 58.")] = "80",
    language: Annotated[str, typer.Option(help="zh or en.")] = "zh",
    settings_file: Annotated[
        Path | None, typer.Option("--settings", help="Of a kiosk: its print ledger knows of this sheet too.")
    ] = None,
) -> None:
    """Print one sample slip and say, as JSON, whether the printer says that it came out."""
    from drivers.printer.driver import Outcome, SlipPrinter
    from drivers.printer.profile import PROFILES

    if not printer:
        refuse("printer", "missing")
    if width not in PROFILES:
        refuse("width", "not 80 or 58")
    if not baudrate.isascii() or not baudrate.isdigit() or not 300 <= int(baudrate) <= 4_000_000:
        refuse("baudrate", "not a speed from 300 to 4000000 bits a second")
    document = _sample(kind, printer, PROFILES[width], language)
    slips = SlipPrinter(printer, int(baudrate), PROFILES[width], open_port=_open_printer)
    result = _print_for_the_ledger(settings_file, kind, lambda: slips.print(document))
    slips.close()
    emit(
        {
            "outcome": result.outcome,
            "reason": result.reason,
            "paper": result.paper,
            "elapsed_ms": result.elapsed_ms,
        }
    )
    if result.outcome is not Outcome.DONE:
        raise typer.Exit(1)


def _print_for_the_ledger(settings_file: Path | None, kind: str, print_it: Callable[[], PrintResult]) -> PrintResult:
    """Intended, sent, ended: as every other sheet of that kiosk."""
    if settings_file is None:
        return print_it()
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from kiosk.cli.appliance import open_kiosk

    def now() -> datetime:
        return datetime.now(ZoneInfo("Asia/Shanghai"))

    store = open_kiosk(settings_file)
    try:
        sheet = store.sheets.record_test(kind, now())
        store.record_sent(sheet)
        result = print_it()
        store.record_print(sheet, result.outcome.value, result.reason, now())
    finally:
        store.close()
    return result


def _sample(kind: str, printer: str, profile: PrinterProfile, language: str) -> Document:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    import config
    from kiosk.domain.texts import Texts
    from kiosk.paper import samples
    from kiosk.paper.papers import paper_document
    from kiosk.paper.test_page import printer_test_page
    from kiosk.paper.ticket_slip import ticket_slip

    if kind not in ("ticket", "receipt", "certificate", "invoice", "test"):
        refuse("kind", "not ticket, receipt, certificate, invoice or test")
    if language not in ("zh", "en"):
        refuse("language", "not zh or en")
    spoken: Literal["zh", "en"] = "en" if language == "en" else "zh"
    texts = Texts(config.read_texts(spoken))
    hall_name = samples.HALL_NAMES[spoken]
    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    match kind:
        case "ticket":
            return ticket_slip(samples.sample_ticket(now), texts, hall_name, spoken)
        case "receipt":
            return paper_document(samples.sample_receipt(now), texts, hall_name, spoken, "K3")
        case "certificate":
            return paper_document(samples.sample_certificate(now), texts, hall_name, spoken, "K3")
        case "invoice":
            return paper_document(samples.sample_invoice(now), texts, hall_name, spoken, "K3")
        case _:
            return printer_test_page(printer, profile, now, texts)


def _open_printer(url: str, baudrate: int) -> Transport:
    """A URL that can name no line is bad input, not a printer that is away."""
    from drivers.transport import BadUrl, open_transport

    try:
        return open_transport(url, baudrate)
    except BadUrl as problem:
        refuse("printer", str(problem))


def status(
    settings_file: Annotated[
        Path | None, typer.Option("--settings", help="The kiosk's own kiosk.toml; without it the shipped values.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of a line a device.")] = False,
) -> None:
    """Say every device's state, in the words of the kiosk industry's device standard (XFS4IoT)."""
    from kiosk.settings import SettingsError, load

    try:
        settings = load(settings_file)
    except SettingsError as problem:
        refuse("settings", str(problem))
    # A port has one user at a time: while the front end runs, it alone can look.
    known = _seen_by_front_end(settings.kiosk.status_file)
    document = known or {"at": None, "seen_by": "status", "devices": _look_at_devices(settings.devices)}
    if as_json:
        emit(document)
        return
    for name, device in document["devices"].items():
        words = [f"{what} {value}" for what, value in device.items() if value not in (None, "", False)]
        print(f"{name:16} {', '.join(words)}")


def _seen_by_front_end(file: Path) -> dict[str, Any] | None:
    """What the running front end last saw; None when none is running."""
    import json
    import os

    try:
        said = json.loads(file.read_bytes())
        os.kill(said["process"], 0)
    except PermissionError:
        # It runs, as another user.
        pass
    except (OSError, ValueError, KeyError):
        return None
    return {"at": said["at"], "seen_by": "front_end", "devices": said["devices"]}


def _slot(url: str) -> DeviceStatus:
    from drivers.contract import DeviceState, DeviceStatus
    from drivers.transport import BadUrl

    try:
        from drivers.smart_card.slot import look_at_slot

        return look_at_slot(url)
    except (ImportError, BadUrl) as problem:
        return DeviceStatus(DeviceState.NO_DEVICE, detail=str(problem))


def _look_at_devices(devices: Devices) -> dict[str, Any]:
    from dataclasses import asdict

    from drivers.contract import DeviceState, DeviceStatus
    from drivers.id_card.reader import look_at_reader
    from drivers.pos.terminal import look_at_terminal
    from drivers.printer.driver import SlipPrinter

    def printer(url: str, baudrate: int) -> DeviceStatus:
        slips = SlipPrinter(url, baudrate)
        try:
            return slips.status()
        finally:
            slips.close()

    absent = DeviceStatus(DeviceState.NO_DEVICE, detail="none is set up")
    seen = {
        "id_card": look_at_reader(devices.id_card) if devices.id_card else absent,
        "ticket_printer": printer(devices.ticket_printer, devices.ticket_printer_baudrate)
        if devices.ticket_printer
        else absent,
        "receipt_printer": printer(devices.receipt_printer, devices.receipt_printer_baudrate)
        if devices.receipt_printer
        else absent,
        "pos": look_at_terminal(devices.pos) if devices.pos else absent,
        "smart_card": _slot(devices.smart_card) if devices.smart_card else absent,
    }
    return {name: asdict(status) for name, status in seen.items()}
