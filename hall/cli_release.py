"""``taxhall release``: making, signing and publishing releases of configuration.

Keys of root and officers never lie at the hall. A draft is one file: it is made at the hall (``init``, ``root``,
``draft``), carried to whoever signs it (``sign`` needs nothing but the file and a key), and brought back (``publish``).
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from hall.cli_output import DATA, ByOption, DataOption, JsonOption, SettingsOption, fail, once, refuse, say, who

if TYPE_CHECKING:
    from hall.fleet.releases import Draft, Repository
    from hall.store.writer import Command

app = typer.Typer(no_args_is_help=True, help=__doc__)

OutOption = Annotated[Path, typer.Option("--out", help="The draft file that is to be signed.")]
DraftFile = Annotated[Path, typer.Argument(help="The draft file.")]
PublicKeys = Annotated[list[Path] | None, typer.Option(help="A .pub file; once for each key.")]


@app.command("keys")
def keys(
    file: Annotated[Path, typer.Argument(help="Where the private key goes, for example officer-chen.pem.")],
    json: JsonOption = False,
) -> None:
    """Make a key of root or of a release officer. Its password is the first line of standard input."""
    from hall.fleet import releases

    with _told():
        keyid = releases.make_key(file, _password())
    say(json, {"key": str(file), "public": str(file.with_suffix(".pub")), "keyid": keyid}, f"{file}\n{keyid}")


@app.command("init")
def init(
    out: OutOption,
    root: PublicKeys = None,
    officer: PublicKeys = None,
    threshold: Annotated[int, typer.Option(help="So many of each must sign.")] = 2,
    by: ByOption = "",
    data: DataOption = DATA,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Draft the first root: who may sign what. It is signed by root keys and officers, then published."""
    from hall.clock import SystemClock
    from hall.fleet import releases

    with _told():
        roots = [releases.read_public(file) for file in root or []]
        officers = [releases.read_public(file) for file in officer or []]
        draft = _repository(data, settings).draft_beginning(roots, officers, threshold, who(by), SystemClock().now())
        releases.write_draft(out, draft)
    _say_wanted(json, out, draft)


@app.command("root")
def new_root(
    out: OutOption,
    root: PublicKeys = None,
    officer: PublicKeys = None,
    threshold: Annotated[int, typer.Option(help="0: as before.")] = 0,
    new_online_key: Annotated[bool, typer.Option(help="The hall's own key may have been seen.")] = False,
    by: ByOption = "",
    data: DataOption = DATA,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Draft the next root: it lasts anew, and names others where others are given. Old and new root keys sign it."""
    from hall.clock import SystemClock
    from hall.fleet import releases

    with _told():
        roots = [releases.read_public(file) for file in root or []]
        officers = [releases.read_public(file) for file in officer or []]
        now = SystemClock().now()
        draft = _repository(data, settings).draft_root(who(by), now, roots, officers, threshold, new_online_key)
        releases.write_draft(out, draft)
    _say_wanted(json, out, draft)


@app.command("draft")
def draft_release(
    folder: Annotated[Path, typer.Argument(help="Files named as in config/. `taxkiosk release check` looks at it.")],
    out: OutOption,
    note: Annotated[str, typer.Option(help="What it changes, for those who sign and for the page.")],
    kiosk: Annotated[list[str] | None, typer.Option(help="Only for this kiosk; once for each.")] = None,
    group: Annotated[str, typer.Option(help="Only for the kiosks of this group.")] = "",
    by: ByOption = "",
    data: DataOption = DATA,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Draft a release of the files in a folder: whole by itself, what it does not hold is as shipped."""
    from hall.clock import SystemClock
    from hall.fleet import releases, rollout
    from kiosk.domain.fleet import Audience

    with _told():
        files = {
            file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8")
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        }
        if not files:
            refuse("folder", f"{folder}: nothing in it")
        kiosks = [*(kiosk or [])]
        if group:
            kiosks += once(data, lambda work: rollout.kiosks_of_group(work.connection, group))
            if not kiosks:
                refuse("group", f"{group}: no kiosk is in it")
        above = once(data, lambda work: rollout.number_above(work.connection))
        repository = _repository(data, settings)
        audience = Audience(_hall_settings(settings).hall.id, sorted(set(kiosks)))
        draft = repository.draft_release(files, audience, note, who(by), SystemClock().now(), above)
        releases.write_draft(out, draft)
    _say_wanted(json, out, draft)


@app.command("sign")
def sign(
    file: DraftFile,
    key: Annotated[Path, typer.Option(help="The private key; its password is the first line of standard input.")],
    json: JsonOption = False,
) -> None:
    """Sign a draft. What is signed is told first: number, audience, files."""
    from hall.fleet import releases

    with _told():
        draft = releases.read_draft(file)
        if not json:
            sys.stdout.write(_summary(draft) + "\n")
        releases.sign(draft, key, _password())
        releases.write_draft(file, draft)
    _say_wanted(json, file, draft)


@app.command("publish")
def publish(
    file: DraftFile,
    data: DataOption = DATA,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Publish a draft that enough have signed, beside a running server. Its first kiosks hear of it within a second."""
    from hall.clock import SystemClock
    from hall.fleet import audit, releases, rollout
    from hall.store.writer import Work
    from kiosk.domain.release import unpack

    with _told():
        draft = releases.read_draft(file)
        read = _hall_settings(settings)
        _repository(data, settings).publish(draft, SystemClock().now())
        audience = releases.audience_of(draft)

        def command(work: Work) -> list[list[str]]:
            if audience is None:
                audit.add(work, draft.made_by, "release_root_published")
                return []
            note = unpack(draft.bundle.encode(), draft.number).manifest.note
            return rollout.add(work, draft.number, draft.made_by, note, audience, read.releases.stages)

        stages = once(data, command)
    sizes = [len(stage) for stage in stages]
    words = f"release {draft.number}: {' + '.join(map(str, sizes))} kiosks" if draft.number else "the root is published"
    say(json, {"release": draft.number, "stages": sizes}, words)


@app.command("status")
def status(data: DataOption = DATA, settings: SettingsOption = None, json: JsonOption = False) -> None:
    """Show the releases, how far each is, which kiosk runs what, and until when the signatures count."""
    from hall.fleet import rollout
    from hall.store.writer import Work

    def command(work: Work) -> tuple[list[rollout.ReleaseView], list[rollout.KioskStanding]]:
        return rollout.releases(work.connection), rollout.kiosks(work.connection)

    with _told():
        releases, kiosks = once(data, command)
        repository = _repository(data, settings)
        expires = repository.expires() if repository.exists else {}
    lines = [
        f"{each.number}  {each.state}  stage {each.stage} of {len(each.stages)}"
        f"  {each.healthy} of {each.offered} healthy  {each.halted_because or ''}".rstrip()
        for each in releases
    ]
    lines += [
        f"{each.kiosk}  {'-' if each.running is None else each.running}  {each.state}  {each.problem}".rstrip()
        for each in kiosks
    ]
    lines += [f"{role} counts until {until:%Y-%m-%d %H:%M} UTC" for role, until in expires.items()]
    say(json, {"releases": releases, "kiosks": kiosks, "expires": expires}, "\n".join(lines))


@app.command("halt")
def halt(
    number: int,
    why: Annotated[str, typer.Option(help="For the page and the audit log.")] = "halted by hand",
    by: ByOption = "",
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """No further kiosk is offered it. Those that have it keep it."""
    from hall.fleet import rollout

    _act(data, lambda work: rollout.halt(work, number, who(by), why))
    say(json, {"release": number, "state": "halted"}, f"release {number} halted")


@app.command("resume")
def resume(number: int, by: ByOption = "", data: DataOption = DATA, json: JsonOption = False) -> None:
    """Go on with a halted release."""
    from hall.fleet import rollout

    _act(data, lambda work: rollout.resume(work, number, who(by)))
    say(json, {"release": number, "state": "rolling"}, f"release {number} goes on")


@app.command("withdraw")
def withdraw(number: int, by: ByOption = "", data: DataOption = DATA, json: JsonOption = False) -> None:
    """Offer it to nobody any more. To undo it where it runs already, publish the former files as a new release."""
    from hall.fleet import rollout

    _act(data, lambda work: rollout.withdraw(work, number, who(by)))
    say(json, {"release": number, "state": "withdrawn"}, f"release {number} withdrawn")


@app.command("technicians")
def technicians(
    out: Annotated[Path, typer.Option("--out", help="For example releases/next/technicians.json.")],
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Write the hall's technicians as technicians.json, for the folder of the next release."""
    from hall.fleet import technicians as known
    from kiosk.domain.fleet import TechnicianList

    with _told():
        listed = once(data, lambda work: known.every(work.connection))
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(msgspec.json.format(msgspec.json.encode(TechnicianList(listed)), indent=1) + b"\n")
    say(json, {"file": str(out), "technicians": len(listed)}, f"{out}: {len(listed)} technicians")


# ---- what the commands share -----------------------------------------------------------------------------------------


def _summary(draft: Draft) -> str:
    from hall.fleet.releases import audience_of
    from kiosk.domain.release import unpack

    lines = [f"drafted by {draft.made_by}"]
    if draft.root:
        lines.append("a new root: who may sign what")
    audience = audience_of(draft)
    if audience is not None:
        manifest = unpack(draft.bundle.encode(), draft.number).manifest
        whom = ", ".join(audience.kiosks) if audience.kiosks else "every kiosk"
        lines += [f"release {draft.number} for {whom} of {audience.hall}: {manifest.note}"]
        lines += [f"  {name}  {hashed[:16]}" for name, hashed in manifest.files.items()]
    return "\n".join(lines)


def _say_wanted(json: bool, file: Path, draft: Draft) -> None:
    from hall.fleet.releases import wanted

    with _told():
        found = wanted(draft)
    words = [f"{each.part}: {each.signed} signed, {each.missing} missing" for each in found]
    number = [f"release {draft.number}"] if draft.number else []
    document = {"file": str(file), "release": draft.number, "wanted": found}
    say(json, document, "\n".join([str(file), *number, *words]))


def _repository(data: Path, settings: Path | None) -> Repository:
    from hall.fleet.releases import Repository

    return Repository(data / "releases", _hall_settings(settings).releases)


def _hall_settings(settings: Path | None) -> Any:
    from hall.settings import read_settings

    return read_settings(settings)


def _act(data: Path, command: Command[None]) -> None:
    from hall.queue.refusal import Refused

    with _told():
        try:
            once(data, command)
        except Refused as refused:
            refuse("release", refused.problem)


def _password() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("password: ")
    return sys.stdin.readline().rstrip("\n")


@contextmanager
def _told() -> Iterator[None]:
    """Expected failures as this command line tells them: 2 bad input, 1 anything else."""
    from hall.store.database import UnfitDatabase
    from hall.store.writer import StorageFailed

    try:
        yield
    except (ValueError, FileExistsError) as problem:
        refuse(None, str(problem))
    except (UnfitDatabase, StorageFailed, OSError) as problem:
        fail(str(problem))
