"""Commands: read one card, print one sample slip, say every device's status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kiosk.cli.output import emit, refuse

if TYPE_CHECKING:
    from drivers.printer.document import Document
    from drivers.printer.profile import PrinterProfile
    from drivers.transport import Transport


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command("print")(print_sample)


def print_sample(
    kind: Annotated[str, typer.Argument(help="ticket, receipt or test.")],
    printer: Annotated[str, typer.Option(help="Device path, or socket://host:port.")] = "",
    baudrate: Annotated[str, typer.Option(help="Bits a second of a serial line.")] = "115200",
    width: Annotated[str, typer.Option(help="Paper in millimetres: 80 or 58.")] = "80",
    language: Annotated[str, typer.Option(help="zh or en.")] = "zh",
) -> None:
    """Print one sample slip and say, as JSON, whether the printer says that it came out."""
    from drivers.printer.driver import Outcome, SlipPrinter
    from drivers.printer.profile import PROFILES

    if not printer:
        refuse("printer", "missing")
    if width not in PROFILES:
        refuse("width", "not 80 or 58")
    if not baudrate.isascii() or not baudrate.isdigit() or int(baudrate) == 0:
        refuse("baudrate", "not a number of bits a second")
    document = _sample(kind, printer, PROFILES[width], language)
    slips = SlipPrinter(printer, int(baudrate), PROFILES[width], open_port=_open_printer)
    result = slips.print(document)
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


def _sample(kind: str, printer: str, profile: PrinterProfile, language: str) -> Document:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    import config
    from kiosk.domain.texts import Texts
    from kiosk.paper import samples
    from kiosk.paper.receipt import receipt
    from kiosk.paper.test_page import printer_test_page
    from kiosk.paper.ticket_slip import ticket_slip

    if kind not in ("ticket", "receipt", "test"):
        refuse("kind", "not ticket, receipt or test")
    if language not in ("zh", "en"):
        refuse("language", "not zh or en")
    texts = Texts(config.read_texts(language))
    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    if kind == "ticket":
        slip = samples.sample_ticket(now)
        return ticket_slip(slip, texts, samples.HALL_NAMES[language], "en" if language == "en" else "zh")
    if kind == "receipt":
        return receipt(samples.sample_receipt(now), texts, samples.HALL_NAMES[language])
    return printer_test_page(printer, profile, now, texts)


def _open_printer(url: str, baudrate: int) -> Transport:
    """A URL that can name no line is bad input, not a printer that is away."""
    from drivers.transport import BadUrl, open_transport

    try:
        return open_transport(url, baudrate)
    except BadUrl as problem:
        refuse("printer", str(problem))
