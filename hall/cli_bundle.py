"""Commands: the key that kiosks seal their support bundles for, and opening one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hall.cli_output import refuse

bundle_app = typer.Typer(no_args_is_help=True, help="Support bundles of kiosks.")


@bundle_app.command("key")
def make_key(file: Annotated[Path, typer.Argument(help="Where the private half goes; must not be there yet.")]) -> None:
    """Make a key pair and print the public half, for [maintenance] support_key of the kiosks."""
    from hall.fleet import bundle

    try:
        typer.echo(bundle.make_key(file))
    except OSError as error:
        refuse("file", str(error))


@bundle_app.command("open")
def open_bundle(
    file: Annotated[Path, typer.Argument(help="From the USB stick: K3-20261124-094207.taxbundle")],
    key: Annotated[Path, typer.Option(help="The private half.")],
    out: Annotated[Path | None, typer.Option(help="A folder; without it, the bundle's name beside it.")] = None,
) -> None:
    """Unpack a bundle and print the names of its files."""
    from hall.fleet import bundle
    from kiosk.domain.bundle import NotABundle

    try:
        private = bundle.read_key(key)
    except (OSError, ValueError) as error:
        refuse("key", str(error))
    folder = out or file.with_suffix("")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = bundle.open_bundle(file.read_bytes(), private, folder)
    except (OSError, NotABundle) as error:
        refuse("file", str(error))
    for name in names:
        typer.echo(folder / name)
