"""The command that tries a device against everything it has to do right."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from kiosk.cli.output import emit, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from drivers.conformance.case import DeviceClass, Subject
    from drivers.conformance.hand import Hand
    from drivers.conformance.suite import Result


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command("conform")(conform)


def conform(
    device: Annotated[str, typer.Argument(help="id-card, printer, smart-card, pos, or all.")] = "all",
    port: Annotated[
        str, typer.Option(help="The hardware: device path, socket://host:port, or pcsc://READER for a smart card.")
    ] = "",
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Against simulators, with faults on the wire.")
    ] = False,
    only: Annotated[list[str] | None, typer.Option(help="Cases whose name begins so. Repeatable.")] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not wait for Enter: each step is shown, then waited for.")
    ] = False,
    step_seconds: Annotated[str, typer.Option(help="With --yes: how long each step is given.")] = "10",
    baudrate: Annotated[str, typer.Option(help="Bits a second of a printer's serial line.")] = "115200",
    thorough: Annotated[bool, typer.Option("--thorough", help="Every byte of every conversation; takes long.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of lines.")] = False,
    listing: Annotated[bool, typer.Option("--list", help="All cases as a page, and nothing is tried.")] = False,
) -> None:
    """Try everything that a device has to do right. Exit 0 when nothing failed, 1 when something did."""
    from drivers.conformance import report, suite
    from drivers.conformance.case import DeviceClass

    if listing:
        print(report.page())
        return
    known = [kind.value for kind in DeviceClass]
    if device not in (*known, "all"):
        refuse("device", f"not {', '.join(known)} or all")
    if bool(port) is simulated:
        refuse("port", "missing; or --simulated" if not port else "not with --simulated")
    if port and device == "all":
        refuse("device", "one at a time on hardware")
    devices = list(DeviceClass) if device == "all" else [DeviceClass(device)]
    cases = suite.cases_of(devices, only or ())
    if not cases:
        refuse("only", "no case begins so")
    if simulated:
        results = _told(suite.run_on_bench(cases, thorough), as_json)
    else:
        subject = _hardware(devices[0], port, _speed(baudrate), _hand(yes, _seconds(step_seconds), as_json))
        try:
            results = _told(suite.run_on_device(cases, subject), as_json)
        finally:
            subject.close()
    if as_json:
        emit(report.document(results))
    else:
        print(f"\n{report.summary(results)}")
    if any(result.outcome == "failed" for result in results):
        raise typer.Exit(1)


def _told(results: Iterable[Result], quiet: bool) -> list[Result]:
    from drivers.conformance import report

    told = []
    for result in results:
        told.append(result)
        if not quiet:
            print(report.line(result), flush=True)
    return told


def _hardware(device: DeviceClass, port: str, baudrate: int, hand: Hand) -> Subject:
    from drivers.conformance.case import DeviceClass
    from drivers.conformance.id_card import ReaderSubject
    from drivers.conformance.pos import TerminalSubject
    from drivers.conformance.printer import PrinterSubject
    from drivers.conformance.smart_card import SlotSubject
    from drivers.smart_card.connection import reader_name
    from drivers.transport import BadUrl, check_url

    try:
        if device is DeviceClass.SMART_CARD:
            reader_name(port)
            return SlotSubject(port, hand)
        check_url(port)
    except BadUrl as problem:
        refuse("port", str(problem))
    match device:
        case DeviceClass.ID_CARD:
            return ReaderSubject(port, hand)
        case DeviceClass.PRINTER:
            return PrinterSubject(port, hand, baudrate=baudrate)
        case _:
            return TerminalSubject(port, hand)


def _hand(yes: bool, seconds: float, as_json: bool) -> Hand:
    """A technician: who says when a step is done, or is given a time for it. Without anybody, steps are skipped."""
    import time

    from drivers.conformance.hand import Technician

    out = sys.stderr if as_json else sys.stdout

    def wait(words: str) -> bool:
        out.write(f"   >>   {words}  ({seconds:g} s)\n")
        out.flush()
        time.sleep(seconds)
        return True

    def ask(words: str) -> bool:
        out.write(f"   >>   {words}, then press Enter (s and Enter: skip) ")
        out.flush()
        said = sys.stdin.readline()
        if not sys.stdin.isatty():
            out.write("\n")
        return said != "" and not said.strip().lower().startswith("s")

    asks: Callable[[str], bool] = wait if yes else ask
    return Technician(asks)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= 600:
        refuse("step-seconds", "not a number of seconds from 0 to 600")
    return seconds


def _speed(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 300 <= int(text) <= 4_000_000:
        refuse("baudrate", "not a speed from 300 to 4000000 bits a second")
    return int(text)
