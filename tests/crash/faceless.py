"""A kiosk without its window, as a process that can be killed: ``python -m tests.crash.faceless SETTINGS WISH``.

Everything behind the glass is the real thing: store, loop, workers, devices. A script of touches stands in for the
person. Before each effect is carried out the process says so, one JSON line on standard output, and with GATED=1 waits
for a line on standard input: whoever plays fate decides there what dies.

    {"effect": 12, "name": "SubmitFiling"}      about to be carried out
    {"page": "Paying", "step": "charging"}      shown
    {"ended": "finished"}                       the visit is over, and how
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

import config
from kiosk.cli.front_end import read_rules
from kiosk.cli.output import open_store
from kiosk.domain.catalogue import Catalogue
from kiosk.domain.texts import Texts
from kiosk.runtime import logs
from kiosk.runtime.appliance import Appliance
from kiosk.runtime.clock import SystemClock
from kiosk.runtime.enrolment import enrolment_of
from kiosk.runtime.inbox import Inbox
from kiosk.session.effects import Arm, Disarm, Effect
from kiosk.session.rules import Rules
from kiosk.session.state import Language, Page, Shown
from kiosk.settings import load
from tests.crash import mutants
from tests.crash.script import Script, Wish

#: These only keep time or the reader: nothing of a filing can be lost between them.
_NOT_GATED = ("Arm", "Disarm", "WatchForCard", "StopWatching", "Forget")

#: A person looks for a moment before touching; the devices are looked at meanwhile.
REACTION_S = 0.05

_out = threading.Lock()


def say(**words: object) -> None:
    with _out:
        sys.stdout.write(json.dumps(words, ensure_ascii=False) + "\n")
        sys.stdout.flush()


class Gate:
    """Announces each effect, and waits to be let through."""

    def __init__(self, perform: Any, waits: bool) -> None:
        self._perform, self._waits, self._count = perform, waits, 0

    def __call__(self, effect: Effect) -> None:
        if not isinstance(effect, Arm | Disarm) and type(effect).__name__ not in _NOT_GATED:
            self._count += 1
            say(effect=self._count, name=type(effect).__name__)
            if self._waits and sys.stdin.readline().strip() != "go":
                # Fate has left: nobody will ever let this effect through.
                os._exit(3)
        self._perform(effect)


class Person:
    """Touches what the script says, page by page, in a thread of its own."""

    def __init__(self, script: Script, inbox: Inbox, clock: SystemClock) -> None:
        self._script, self._inbox, self._clock = script, inbox, clock
        self._changed = threading.Condition()
        self._shown: Shown | None = None
        self._last: Page | None = None

    def show(self, shown: Shown) -> None:
        with self._changed:
            self._shown = shown
            self._changed.notify_all()
        page = shown.session.page
        if page != self._last:
            self._last = page
            about = {name: str(getattr(page, name)) for name in ("step", "reason", "word") if hasattr(page, name)}
            say(page=type(page).__name__, **about)

    def ready(self, shown: Shown) -> bool:
        """Nobody begins before the machine says that it can be begun."""
        situation = shown.session.situation
        return situation.can_file and situation.can_pay and situation.can_print_papers

    def lives(self, seconds: float) -> str:
        """The visit, to its end; how it ended."""
        deadline = time.monotonic() + seconds
        with self._changed:
            self._changed.wait_for(lambda: self._shown is not None and self.ready(self._shown), seconds)
        while time.monotonic() < deadline and not self._script.ended:
            with self._changed:
                # A touch that came too early is repeated: the page has not changed by it.
                self._changed.wait(0.2)
                seen = self._shown
            if seen is None:
                continue
            page = seen.session.page
            time.sleep(REACTION_S)
            if self._shown is not None and self._shown.session.page != page:
                continue
            for touch in self._script.touches(page, self._clock.now()):
                self._inbox.post(touch)
        return self._script.ended or "stuck"


def main(settings_file: str, wish: str) -> None:
    logs.configure("front-end")
    if damage := os.environ.get("MUTANT"):
        mutants.KIOSK[damage]()
    settings = load(Path(settings_file))
    store = open_store(settings)
    enrolment = enrolment_of(store)
    assert enrolment is not None
    texts = {language: Texts(config.read_texts(language.value)) for language in Language}
    catalogue = Catalogue(config.read_services())
    rules = replace(Rules(catalogue, settings.limits, settings.tax.functions), pack=read_rules(settings))
    inbox, clock = Inbox(), SystemClock()
    person = Person(Script(msgspec.json.decode(wish, type=Wish)), inbox, clock)
    appliance = Appliance(settings, store, enrolment, catalogue, texts, inbox, clock, person.show, rules)
    gated: Any = appliance
    gated._runtime._perform = Gate(gated._perform, os.environ.get("GATED") == "1")
    appliance.start()
    ended = person.lives(float(os.environ.get("VISIT_S", "60")))
    # What the visit has left to its workers (a ledger row, a fact) is done before the door closes.
    time.sleep(0.3)
    say(ended=ended)
    appliance.stop()
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
