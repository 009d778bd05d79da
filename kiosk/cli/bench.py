"""Commands: simulated devices over real transports, and commands to them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from kiosk.cli.output import emit, refuse

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
        with bench:
            for name, address in bench.addresses.items():
                print(f"{name}  {address}")
            print("ready", flush=True)
            signal.sigwait(stops)
    except OSError as error:
        sys.stderr.write(f"the bench cannot be set up: {error}\n")
        raise typer.Exit(1) from None


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
