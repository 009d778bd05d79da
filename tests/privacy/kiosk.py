"""A faceless kiosk that does not end with its visit: whoever wants to may look into its memory.

    python -m tests.privacy.kiosk SETTINGS WISH

Figures are handed in back to front and typed key by key, so that this process knows them only as a kiosk does. After
``{"ended": …}`` it waits for a line on standard input: the canaries, as JSON. It answers with those that some live
object still holds.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from datetime import datetime
from typing import Any

from kiosk.domain.questions import AnswerKind
from kiosk.session.events import Next, Touch, Typed
from kiosk.session.state import Ask, Page
from tests.crash import faceless
from tests.crash.script import Script


class Whisper(Script):
    """Types figures that are written back to front."""

    def touches(self, page: Page, now: datetime) -> list[Touch]:
        match page:
            case Ask(question=question, entry="", looking=False) if question.kind is not AnswerKind.CHOICE:
                today = now.date()
                return [*(Typed(key, today) for key in reversed(self.wish.answers[question.id])), Next(today)]
        return super().touches(page, now)


def live(wanted: list[str]) -> list[str]:
    """Which of these texts some object still refers to, found from every container there is."""
    gc.collect()
    codings = ("utf-8", "gb18030", "utf-16-le")
    written = {text: [text.encode(coding) for coding in codings] for text in wanted}
    # What this search itself is made of, and the line that it was asked with.
    own = {id(wanted), id(written), *map(id, written.values()), id(sys.stdin)}
    found: set[str] = set()
    for thing in gc.get_objects():
        if id(thing) in own:
            continue
        for part in gc.get_referents(thing):
            if type(part) is str:
                held = [text for text in wanted if text in part]
            elif type(part) in (bytes, bytearray):
                held = [text for text, many in written.items() if any(each in part for each in many)]
            else:
                continue
            if held and id(thing) != id(held):
                found.add(f"{held[0][:2]}… in a {type(thing).__module__}.{type(thing).__name__}")
    return sorted(found)


def remember() -> None:
    """A defect put in: connections that stay open, and a list of whoever was here."""
    from sqlalchemy import Engine

    from kiosk.runtime import card_watch

    Engine.dispose = lambda self, close=True: None  # type: ignore[method-assign]
    people: list[Any] = []
    real = card_watch.holder_of

    def holder_of(text: Any) -> Any:
        people.append(real(text))
        return people[-1]

    card_watch.holder_of = holder_of


def main() -> None:
    settings, wish = sys.argv[1:]
    faceless.Script = Whisper  # type: ignore[attr-defined]
    real = faceless.say

    def say(**words: Any) -> None:
        real(**words)
        if "ended" in words:
            wanted: list[str] = json.loads(sys.stdin.readline() or "[]")
            found = live(wanted)
            real(live=found)

    faceless.say = say
    if os.environ.get("FORGETS_NOT"):
        remember()
    # The wish itself must not be left lying about either.
    sys.argv[1:] = []
    faceless.main(settings, wish)


if __name__ == "__main__":
    main()
