"""Two slots for releases, and one small file that says which is in service. Old or new, never between.

    configuration/
        a/  b/        a release each: its files and manifest.json; or empty
        incoming/     being written and looked at; nothing refers to it
        state.json    which slot is in service, which one waits, which one to go back to

A release is written into ``incoming``, looked at there, moved into the idle slot, and only then named in
``state.json``, which is replaced whole. The front end reads that file once, at its start; so what it shows never
changes under it.

Two processes write here, the agent (``put_in``, ``take``, ``refuse``) and the front end (``begin``, ``confirm``,
``roll_back``): each change is made under a lock, and says by itself what has to be told (``news``), which the agent
carries into the audit log when it comes by.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from kiosk.configuration import durable
from kiosk.domain.fleet import Manifest, Slot
from kiosk.domain.release import MANIFEST, Bundle, digest

TRIES = 3
"""Starts that a new release has to become healthy. The one after them begins with the release before it."""

CRASHED = "crashed"
DAMAGED = "damaged"

SlotName = Literal["a", "b"]


class Held(msgspec.Struct, frozen=True):
    number: int
    slot: SlotName


class News(msgspec.Struct, frozen=True):
    """A row for the audit log."""

    who: str
    what: str
    detail: str


class State(msgspec.Struct, frozen=True):
    """``running`` and ``before`` None: the shipped values."""

    running: Held | None = None
    before: Held | None = None
    """What a roll-back goes back to."""
    pending: Held | None = None
    """To be put into service by the next start."""
    state: Slot = Slot.SHIPPED
    tries: int = 0
    in_service: int = 0
    """What the front end last began with: after a roll-back that is not ``running`` until its next start."""
    confirmed: int = 0
    """The highest that was healthy here: no older one is taken any more."""
    given_up: int = 0
    """The highest that was rolled back: never taken again."""
    offered: int = 0
    problem: str = ""
    news: tuple[News, ...] = ()

    @property
    def floor(self) -> int:
        """Only a number above it may be taken."""
        return max(self.given_up, self.confirmed - 1)


class Slots:
    """Raises OSError where the disk fails; only ``begin`` never does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "state.json"

    # ---- for anybody -----------------------------------------------------------------------------------------------

    def read(self) -> State:
        """As it stands. A file that nobody can read counts for none: then it is the shipped values."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=State)
        except (FileNotFoundError, msgspec.MsgspecError, UnicodeDecodeError):
            return State()

    def folder_of(self, held: Held) -> Path:
        return self._folder / held.slot

    # ---- the front end ---------------------------------------------------------------------------------------------

    def begin(self) -> Path | None:
        """At a start, before anything is read: the folder to read from; None: the shipped values. Never raises.

        What waited goes into service and is on trial; what was on trial for TRIES starts and never became healthy, or
        what the disk has damaged, is gone back from.
        """
        try:
            with self._changing() as change:
                state = _started(change.state)
                while state.running is not None and not self._is_whole(state.running):
                    state = _fall_back(state, DAMAGED, "kiosk")
                change.state = msgspec.structs.replace(state, in_service=state.running.number if state.running else 0)
            return self.folder_of(state.running) if state.running else None
        except OSError:
            # A disk that cannot be written can often be read; with a new release it is not for this start.
            held = self.read().running
            return self.folder_of(held) if held is not None and self._is_whole(held) else None

    def confirm(self, number: int) -> None:
        """The release on trial is healthy."""
        with self._changing() as change:
            state = change.state
            if state.running is not None and state.running.number == number and state.state is Slot.TRYING:
                change.state = msgspec.structs.replace(
                    state,
                    state=Slot.HEALTHY,
                    tries=0,
                    confirmed=max(state.confirmed, number),
                    problem="",
                    news=(*state.news, News("kiosk", "release_confirmed", str(number))),
                )

    def roll_back(self, why: str, who: str = "kiosk", number: int | None = None) -> bool:
        """Give up the release in service for the one before it, from the next start on. ``number``: only if that is
        the one in service. False: there is none to give up."""
        with self._changing() as change:
            held = change.state.running
            if held is None or (number is not None and held.number != number):
                return False
            change.state = _fall_back(change.state, why, who)
            return True

    # ---- the agent -------------------------------------------------------------------------------------------------

    def put_in(self, bundle: Bundle) -> Path:
        """Write a release where it can be looked at; it is not taken by this."""
        incoming = self._folder / "incoming"
        shutil.rmtree(incoming, ignore_errors=True)
        incoming.mkdir(parents=True)
        folders = {incoming}
        for name, text in bundle.files.items():
            file = incoming / name
            file.parent.mkdir(exist_ok=True)
            folders.add(file.parent)
            durable.write(file, text.encode())
        durable.write(incoming / MANIFEST, msgspec.json.encode(bundle.manifest))
        for folder in folders:
            durable.sync_folder(folder)
        return incoming

    def take(self, number: int) -> None:
        """What was put in goes into the idle slot, and into service by the next start. Not while one is on trial: the
        other slot is what it would go back to. Raises ValueError then."""
        with self._changing() as change:
            state = change.state
            if state.state is Slot.TRYING:
                raise ValueError("a release is on trial")
            slot: SlotName = "b" if state.running is not None and state.running.slot == "a" else "a"
            if state.pending is not None or (state.before is not None and state.before.slot == slot):
                # Nothing may refer to the slot while it is filled.
                state = msgspec.structs.replace(state, pending=None, before=None)
                self._keep(state)
            shutil.rmtree(self._folder / slot, ignore_errors=True)
            (self._folder / "incoming").rename(self._folder / slot)
            durable.sync_folder(self._folder)
            change.state = msgspec.structs.replace(
                state,
                pending=Held(number, slot),
                state=Slot.SHIPPED if state.running is None else Slot.HEALTHY,
                offered=number,
                problem="",
                news=(*state.news, News("kiosk", "release_taken", str(number))),
            )

    def refuse(self, number: int, problem: str) -> None:
        with self._changing() as change:
            state = change.state
            if state.state is Slot.TRYING or (state.state, state.offered, state.problem) == (
                Slot.REFUSED,
                number,
                problem,
            ):
                return
            change.state = msgspec.structs.replace(
                state,
                state=Slot.REFUSED,
                offered=number,
                problem=problem,
                news=(*state.news, News("kiosk", "release_refused", f"{number} {problem}")),
            )

    def drop_pending(self) -> None:
        """What waits is not wanted any more."""
        with self._changing() as change:
            change.state = msgspec.structs.replace(change.state, pending=None)

    def told(self, news: tuple[News, ...]) -> None:
        """These stand in the audit log now."""
        with self._changing() as change:
            change.state = msgspec.structs.replace(change.state, news=change.state.news[len(news) :])

    # ---- the disk --------------------------------------------------------------------------------------------------

    def _is_whole(self, held: Held) -> bool:
        """Whether every byte is what the manifest says: a disk may have lost or changed some since."""
        folder = self.folder_of(held)
        try:
            manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
            return manifest.number == held.number and all(
                digest((folder / name).read_text(encoding="utf-8")) == wanted for name, wanted in manifest.files.items()
            )
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return False

    def _keep(self, state: State) -> None:
        durable.replace(self._file, msgspec.json.encode(state))

    @contextmanager
    def _changing(self) -> Iterator[_Change]:
        """Read, change, replace, one process after the other. What has not changed is not written."""
        if not self._folder.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            durable.sync_folder(self._folder.parent)
        lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = self.read()
            change = _Change(before)
            yield change
            if change.state != before:
                self._keep(change.state)
        finally:
            os.close(lock)


class _Change:
    def __init__(self, state: State) -> None:
        self.state = state


def _started(state: State) -> State:
    if state.pending is not None:
        return msgspec.structs.replace(
            state, running=state.pending, before=state.running, pending=None, state=Slot.TRYING, tries=1
        )
    if state.state is Slot.TRYING:
        if state.tries >= TRIES:
            return _fall_back(state, CRASHED, "kiosk")
        return msgspec.structs.replace(state, tries=state.tries + 1)
    return state


def _fall_back(state: State, why: str, who: str) -> State:
    """``state.running`` is given up. One that the disk has damaged may be taken again."""
    number = state.running.number if state.running is not None else 0
    return msgspec.structs.replace(
        state,
        running=state.before,
        before=None,
        state=Slot.ROLLED_BACK,
        tries=0,
        given_up=state.given_up if why == DAMAGED else max(state.given_up, number),
        offered=max(number, state.offered),
        problem=why,
        news=(*state.news, News(who, "release_rolled_back", f"{number} {why}")),
    )
