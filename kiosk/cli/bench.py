"""Commands: simulated devices over real transports, and commands to them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kiosk.cli.output import emit, refuse

if TYPE_CHECKING:
    from drivers.bench.server import Bench

Folder = Annotated[Path, typer.Option("--dir", help="Where the devices' ports and the control socket are.")]

FOLDER = Path("var/bench")


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    bench = typer.Typer(help="Simulated devices: a card reader, two slip printers, a payment terminal.")
    bench.callback(invoke_without_command=True)(run_bench)
    bench.command("do")(do)
    app.add_typer(bench, name="bench")


def run_bench(
    context: typer.Context,
    folder: Folder = FOLDER,
    smart_card: Annotated[
        bool,
        typer.Option("--smart-card", help="A technicians' slot too: a pcscd of its own; needs root."),
    ] = False,
    tcp: Annotated[
        list[str] | None, typer.Option(help="DEVICE or DEVICE=PORT: at a TCP port instead of a PTY. Repeatable.")
    ] = None,
) -> None:
    """Run the simulated devices until Ctrl-C; say where each is reached, and "ready" when all are."""
    if context.invoked_subcommand is not None:
        return
    import signal

    from drivers.bench.printer import SimulatedPrinter
    from drivers.bench.reader import SimulatedReader
    from drivers.bench.server import Bench
    from drivers.bench.terminal import SimulatedTerminal

    names = ("id-card", "ticket-printer", "receipt-printer", "pos")
    ports = _ports(tcp or [], names)
    reader, *printers, terminal = names
    devices = [
        SimulatedReader(reader),
        # A network printer has no speed that anybody sets.
        *(
            SimulatedPrinter(name, folder / f"{name}-slips", baudrate=None if name in ports else 115200)
            for name in printers
        ),
    ]
    stops = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    # Blocked before the first thread starts: all threads inherit it, and only the wait below takes them.
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    try:
        bench = Bench(folder, [*devices, SimulatedTerminal(folder, terminal)], ports)
        with _slot(folder, bench) if smart_card else nullcontext() as slot, bench:
            for name, address in bench.addresses.items():
                print(f"{name}  {address}")
            for line in slot or ():
                print(line)
            print("ready", flush=True)
            signal.sigwait(stops)
    except OSError as error:
        sys.stderr.write(f"the bench cannot be set up: {error}\n")
        raise typer.Exit(1) from None


@contextmanager
def _slot(folder: Path, bench: Bench) -> Iterator[list[str]]:
    """A virtual reader, and a technician's card beside it; what to say of them. The list of technicians that lets the
    card in lies in ``folder/config``: start the kiosk with TAXKIOSK_CONFIG there. Raises OSError."""
    from drivers.bench.smart_card import PIN, VirtualCard, VirtualReaders

    if missing := VirtualReaders.missing():
        raise OSError(missing)
    with VirtualReaders() as readers:
        card = VirtualCard(readers.ports[0])
        bench.others["smart-card"] = card.do
        try:
            _write_technicians(folder / "config", card.chip.certificate)
            yield [
                f"smart-card  {readers.url(0)}",
                f"   PCSCLITE_CSOCK_NAME={readers.socket} TAXKIOSK_CONFIG={folder / 'config'}  PIN {PIN}",
            ]
        finally:
            card.pull()


def _write_technicians(folder: Path, certificate: bytes) -> None:
    import hashlib
    from datetime import date

    import msgspec

    from kiosk.domain.fleet import Technician, TechnicianList, TechnicianRole

    fingerprint = hashlib.sha256(certificate).hexdigest()
    someone = Technician("T7", "陈工", TechnicianRole.SENIOR, fingerprint, date(2017, 1, 1), date(2035, 12, 31))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "technicians.json").write_bytes(msgspec.json.encode(TechnicianList([someone])))


def do(
    context: typer.Context,
    device: Annotated[str, typer.Argument(help="id-card, ticket-printer, receipt-printer, pos.")],
    action: Annotated[
        str, typer.Argument(help='What happens to it: lay, insert, hang, unplug, ...; "?" lists them all.')
    ],
    argument: Annotated[str | None, typer.Argument(help="JSON, a word, or a file with JSON in it.")] = None,
    folder: Annotated[Path | None, typer.Option("--dir", help="The running bench's folder.")] = None,
) -> None:
    """Have something happen to a simulated device, and print what comes of it as JSON."""
    from drivers.bench import control
    from drivers.bench.device import BadAction

    # --dir is understood before "do" and behind it.
    given: Path = context.parent.params["folder"] if context.parent else FOLDER

    try:
        emit(control.do(folder or given, device, action, _value(argument)))
    except BadAction as problem:
        refuse("action", str(problem))
    except control.NoBench as problem:
        sys.stderr.write(f"{problem}\n")
        raise typer.Exit(1) from None


def _ports(tcp: list[str], names: tuple[str, ...]) -> dict[str, int]:
    ports = {}
    for word in tcp:
        name, _, port = word.partition("=")
        if name not in names:
            refuse("tcp", f"no device {name}; there are {', '.join(names)}")
        if not (port or "0").isdecimal() or int(port or 0) > 65535:
            refuse("tcp", f"{port} is no port")
        ports[name] = int(port or 0)
    return ports


def _value(argument: str | None) -> object:
    """JSON where it is JSON, the JSON in a file where it names one, else the word itself: ``lay resident``."""
    import json

    if argument is None:
        return None
    try:
        return json.loads(argument)
    except ValueError:
        pass
    try:
        return json.loads(Path(argument).read_text(encoding="utf-8"))
    except OSError:
        return argument
    except ValueError as error:
        refuse("argument", f"{argument}: {error}")
