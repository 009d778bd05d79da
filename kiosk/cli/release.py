"""Commands about releases of configuration: look at one before it is signed, see what is in service, give it up."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kiosk.cli.output import emit, fail, refuse

SettingsFile = Annotated[
    Path | None, typer.Option("--settings", help="The kiosk's own kiosk.toml; without it the shipped values.")
]

_app = typer.Typer(no_args_is_help=True, help="Releases of configuration.")


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.add_typer(_app, name="release")


@_app.command("check")
def check(
    folder: Annotated[Path, typer.Argument(help="Files named as in config/.")], settings_file: SettingsFile = None
) -> None:
    """Look at a release as every kiosk will before it takes it. Exit 2 when it would be refused."""
    from kiosk.configuration import validate

    if not folder.is_dir():
        refuse("folder", f"{folder}: not a folder")
    found = validate.problems(folder.resolve(), settings_file)
    if found:
        refuse("folder", "\n".join(found))
    emit({"folder": str(folder), "problems": []})


@_app.command("status")
def status(settings_file: SettingsFile = None) -> None:
    """Which release is in service here, and what became of the last one offered."""
    from kiosk.configuration.slots import Slots

    state = Slots(_folder(settings_file)).read()
    emit(
        {
            "running": state.in_service,
            "state": state.state,
            "before": state.before.number if state.before else None,
            "pending": state.pending.number if state.pending else None,
            "offered": state.offered,
            "problem": state.problem,
        }
    )


@_app.command("rollback")
def roll_back(settings_file: SettingsFile = None) -> None:
    """Give up the release in service; the next start of the front end begins with the one before it."""
    from kiosk.configuration.slots import Slots

    try:
        done = Slots(_folder(settings_file)).roll_back("technician", "command line")
    except OSError as problem:
        fail(f"not rolled back: {problem}")
    if not done:
        refuse(None, "the shipped values are in service")
    status(settings_file)


@_app.command("trust")
def trust(
    root: Annotated[Path, typer.Argument(help="The hall's root metadata, brought by hand.")],
    settings_file: SettingsFile = None,
) -> None:
    """Pin the root of trust of a kiosk that was enrolled before its hall had one."""
    from dataclasses import replace

    from tuf.api.exceptions import RepositoryError
    from tuf.api.metadata import Metadata, Root

    from kiosk.cli.appliance import open_kiosk
    from kiosk.runtime.enrolment import enrolment_of, keep
    from kiosk.store.database import StoreFailed

    try:
        text = root.read_text(encoding="utf-8")
        made = Metadata[Root].from_bytes(text.encode())
        made.signed.verify_delegate("root", made.signed_bytes, made.signatures)
    except (OSError, UnicodeDecodeError, RepositoryError, AttributeError) as problem:
        refuse("root", f"{root}: not a root that is signed: {problem}")
    store = open_kiosk(settings_file)
    try:
        enrolment = enrolment_of(store)
        if enrolment is None:
            fail("not enrolled")
        if enrolment.release_root:
            refuse("root", "this kiosk has one already; a new one comes with the old one's signatures")
        keep(store, replace(enrolment, release_root=text))
    except StoreFailed as problem:
        fail(f"not kept: {problem}")
    finally:
        store.close()
    emit({"root": made.signed.version, "expires": made.signed.expires})


def _folder(settings_file: Path | None) -> Path:
    from kiosk import settings

    try:
        return settings.load(settings_file).kiosk.configuration_dir
    except settings.SettingsError as problem:
        refuse("settings", str(problem))
