"""Canaries go through whole visits; afterwards nothing of them is in any log, database, temporary file, freed block of
the disk, or in the kiosk's memory one second after their visit."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from kiosk.domain.filing import Form
from kiosk.session.state import Purpose
from tests.crash.script import Wish
from tests.privacy import stage
from tests.privacy.canaries import Canary, in_bytes, in_file, in_files, needles

LONG = os.environ.get("TAXKIOSK_CAMPAIGN") == "full"


def test_a_canary_is_recognised_in_every_disguise() -> None:
    wanted = needles([Canary("a name", (stage.NAME,)), Canary("a number", ("350602199001010018",))])
    number, name = b"350602199001010018", stage.NAME
    disguised = {
        "a number (utf-8)": b"x" + number + b"y",
        "a number (hex)": number.hex().encode(),
        "a name (gb18030)": name.encode("gb18030"),
        "a name (utf-16-le)": name.encode("utf-16-le"),
        "a name (escaped)": b'"\\u6155\\u5bb9\\u7d2b\\u83c0"',
    }
    for what, content in disguised.items():
        assert what in in_bytes(content, wanted), what
    import base64

    for shift in range(3):
        assert "a number (base64)" in in_bytes(base64.b64encode(b"z" * shift + number + b"zz"), wanted), shift
    assert in_bytes(b"3506**********0018 " + "慕**菀".encode(), wanted) == []


@pytest.mark.e2e
@pytest.mark.timeout(600)
def test_the_next_person_finds_nothing_of_the_last_one_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = stage.Seen()
    with (
        stage.disk(tmp_path / "kiosk-disk") as (kiosk, kiosk_image),
        stage.disk(tmp_path / "hall-disk") as (hall, image),
    ):
        # The hall's temporary files; the kiosk has its own.
        (hall / "tmp").mkdir()
        monkeypatch.setenv("TMPDIR", str(hall / "tmp"))
        with stage.PrivateTown(tmp_path / "town", kiosk, hall) as town:
            persons, figures = stage.persons(town.people), stage.figures(town.people)
            wishes = town.wishes(town.people[0])
            for wish in wishes if LONG else wishes[:1]:
                town.comes(town.people[0], wish, [*persons, *figures], seen, overwrites=True)
            town.settled()
        everything, people = needles([*persons, *figures]), needles(persons)
        logs = in_files(sorted((tmp_path / "town").glob("*.log")), everything)
        files = in_files(sorted(kiosk.rglob("*")), everything) + in_files(sorted(hall.rglob("*")), people)
        os.sync()
    # Blocks as they lie there, those of deleted and shortened files among them.
    blocks = in_file(kiosk_image, everything) if kiosk_image else []
    blocks += in_file(image, people) if image else []
    with capsys.disabled():
        where = "two ext4 images with their freed blocks" if image else "files only: no loop devices here"
        counts = [len(found) for found in (logs, files, blocks, seen.live, seen.memory)]
        sys.stdout.write(
            f"\nprivacy | {len(seen.ended)} visits, {len(everything)} writings of"
            f" {len(persons) + len(figures)} canaries | {where} | {sum(counts)} violations (logs {counts[0]},"
            f" files {counts[1]}, blocks {counts[2]}, live objects {counts[3]}, memory {counts[4]})\n"
        )
    assert seen.ended == ["finished"] * len(seen.ended)
    assert logs == []
    assert files == []
    assert blocks == []
    assert seen.live == []
    assert seen.memory == []


@pytest.mark.e2e
@pytest.mark.timeout(300)
@pytest.mark.skipif(not LONG, reason="in make test-long")
def test_a_kiosk_that_remembers_people_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the end of the visit in the store, what its connections last held stays in memory."""
    seen = stage.Seen()
    monkeypatch.setenv("FORGETS_NOT", "1")
    for drive in ("kiosk", "hall"):
        (tmp_path / f"{drive}-disk").mkdir()
    with stage.PrivateTown(tmp_path / "town", tmp_path / "kiosk-disk", tmp_path / "hall-disk") as town:
        wanted = [*stage.persons(town.people), *stage.figures(town.people)]
        person = town.people[0]
        filing = town.wishes(person)[1]
        assert filing == Wish(Purpose.FILE, filing.taxpayer, Form.VAT_SMALL_SCALE, filing.answers)
        town.comes(person, filing, wanted, seen, overwrites=True)
    assert seen.memory
    assert seen.live
