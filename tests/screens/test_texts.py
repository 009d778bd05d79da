import re
import string

import pytest

import config
from kiosk.domain.texts import Texts
from kiosk.domain.ticket import TicketState
from kiosk.session.state import Availability, CardProblem, IssueStep, SorryReason
from tests.screens.samples import CATALOGUE

ZH, EN = (Texts(config.read_toml(f"texts/screens.{language}.toml")) for language in ("zh", "en"))


def needed() -> set[str]:
    """Every key that a value of the domain or the session leads to."""
    keys = {f"card.{problem}" for problem in CardProblem} | {"card.reader_gone_my_number"}
    keys |= {
        f"sorry.{reason}.{part}" for reason in SorryReason for part in ("title", "why", "safe", "now", "not_needed")
    }
    keys |= {f"sorry.{reason}.next" for reason in SorryReason}
    keys |= {f"{table}.{value}" for table in ("availability", "availability_badge") for value in Availability}
    keys |= {f"issuing.{step}{tense}" for step in IssueStep for tense in ("", "_done", "_to_come")}
    keys |= {f"state.{state}" for state in TicketState}
    keys |= {f"{table}.{bureau}" for table in ("bureau", "bureau_long") for bureau in ("state", "local", "both")}
    keys |= {f"{table}.{mode}" for table in ("mode", "mode_short") for mode in ("instant", "timed", "merged")}
    keys |= {f"entry.bad_{part}" for part in ("region", "year", "month", "day", "check")}
    return keys | {"entry.wrong_length", "entry.not_a_digit", "entry.x_not_last", "entry.in_future"}


@pytest.mark.parametrize("texts", [ZH, EN], ids=["zh", "en"])
def test_everything_that_can_happen_has_words(texts: Texts) -> None:
    assert not needed() - texts.keys


def test_both_languages_say_the_same_things() -> None:
    only_one = ZH.keys ^ {key for key in EN.keys if not key.startswith("papers.")}
    assert not only_one


def test_both_languages_fill_in_the_same_facts() -> None:
    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    different = {key for key in ZH.keys if fields(ZH(key)) - fields(EN(key)) or fields(EN(key)) - fields(ZH(key))}
    assert not different


def test_every_document_to_bring_has_an_english_name() -> None:
    papers = {paper for service in CATALOGUE.services for paper in service.papers}
    assert not {paper for paper in papers if not EN.has(f"papers.{paper}")}


def test_english_is_english() -> None:
    chinese = re.compile("[一-鿿]")
    assert not {key for key in EN.keys if chinese.search(EN(key)) and key != "button.other_language"}
