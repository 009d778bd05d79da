"""``taxkiosk``: the front end, the sync agent, the simulated devices and the tools of a kiosk.

The composition root: the one place that sees every room. Each command imports what it needs when it runs, so that
``taxkiosk run`` starts without paying for the others.
"""

from __future__ import annotations

import sys


def main() -> None:
    if sys.argv[1:2] == ["run"]:
        # A machine that has just got its power back stands dark until this is up.
        from kiosk.cli import front_end

        front_end.main(sys.argv[2:])
        return

    import typer

    from kiosk.cli import (
        appliance,
        assess,
        audit,
        bench,
        catalogue,
        conform,
        devices,
        install,
        ledger,
        machine,
        release,
    )

    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
    for room in (catalogue, assess, devices, bench, conform, appliance, ledger, audit, machine, install, release):
        room.register(app)
    app()
