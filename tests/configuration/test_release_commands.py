"""``taxhall release`` and ``taxkiosk release``, as officers and technicians type them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hall.cli import app as taxhall
from hall.fleet.releases import Repository
from hall.settings import Releases
from tests.configuration.office import PASSWORD, keyring

KEYS = [f"{kind}{number}" for kind in "ro" for number in range(1, 4)]


class Hall:
    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "hall"
        self.data.mkdir()

    def do(self, *words: str, typed: str = "", fails: int = 0, at_hall: bool = True) -> Any:
        place = ["--data", str(self.data)] if at_hall else []
        told = CliRunner().invoke(taxhall, ["release", *words, *place, "--json"], input=typed)
        assert told.exit_code == fails, (told.output, told.exception)
        return json.loads(told.stderr if fails else told.stdout)

    def sign(self, draft: Path, *names: str) -> Any:
        for name in names:
            key = str(keyring() / f"{name}.pem")
            told = self.do("sign", str(draft), "--key", key, typed=f"{PASSWORD}\n", at_hall=False)
        return told

    def begin(self) -> None:
        draft = self.folder / "root.draft"
        roles = [word for name in KEYS for word in ("--root" if name[0] == "r" else "--officer", public(name))]
        self.do("init", "--out", str(draft), *roles)
        self.sign(draft, "r1", "r3", "o2", "o3")
        self.do("publish", str(draft))

    def release(self, files: dict[str, str], *words: str) -> Path:
        folder, draft = self.folder / "next", self.folder / "next.draft"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        self.do("draft", str(folder), "--out", str(draft), "--note", "longer pauses", *words)
        return draft


def public(name: str) -> str:
    return str(keyring() / f"{name}.pub")


@pytest.fixture
def hall(tmp_path: Path) -> Hall:
    made = Hall(tmp_path)
    made.begin()
    return made


def test_a_release_travels_from_hall_to_officers_and_back(hall: Hall) -> None:
    draft = hall.release({"settings.toml": "[limits]\nidle_s = 61.0\n"})
    [missing] = hall.sign(draft, "o1")["wanted"]
    assert (missing["signed"], missing["missing"]) == (1, 1)
    assert "1 more must sign" in hall.do("publish", str(draft), fails=2)["error"]["problem"]
    hall.sign(draft, "o3")
    assert hall.do("publish", str(draft))["release"] == 1
    [release] = hall.do("status")["releases"]
    assert (release["number"], release["note"], release["state"]) == (1, "longer pauses", "rolling")


def test_a_second_draft_made_of_the_same_state_is_refused_once_the_first_is_published(hall: Hall) -> None:
    first = hall.release({"settings.toml": "[limits]\nidle_s = 61.0\n"})
    second = first.rename(hall.folder / "other.draft")
    first = hall.release({"settings.toml": "[limits]\nidle_s = 62.0\n"})
    hall.sign(first, "o1", "o2")
    hall.sign(second, "o1", "o2")
    hall.do("publish", str(first))
    assert "draft it anew" in hall.do("publish", str(second), fails=2)["error"]["problem"]


def test_a_draft_that_was_changed_on_its_way_is_not_signed(hall: Hall) -> None:
    draft = hall.release({"settings.toml": "[limits]\nidle_s = 61.0\n"})
    draft.write_bytes(draft.read_bytes().replace(b"61.0", b"16.0"))
    key = str(keyring() / "o1.pem")
    told = hall.do("sign", str(draft), "--key", key, typed=f"{PASSWORD}\n", fails=2, at_hall=False)
    assert "not the one that is to be signed" in told["error"]["problem"]


def test_a_wrong_password_and_a_key_of_nobody_sign_nothing(hall: Hall, tmp_path: Path) -> None:
    draft = hall.release({"settings.toml": "[limits]\nidle_s = 61.0\n"})
    key = str(keyring() / "o1.pem")
    assert (
        "password"
        in hall.do("sign", str(draft), "--key", key, typed="wrong\n", fails=2, at_hall=False)["error"]["problem"]
    )
    hall.do("keys", str(tmp_path / "mine.pem"), typed=f"{PASSWORD}\n", at_hall=False)
    own = str(tmp_path / "mine.pem")
    told = hall.do("sign", str(draft), "--key", own, typed=f"{PASSWORD}\n", fails=2, at_hall=False)
    assert "signs nothing" in told["error"]["problem"]


def test_a_key_file_is_under_its_password_and_is_never_overwritten(hall: Hall, tmp_path: Path) -> None:
    file = tmp_path / "mine.pem"
    assert "12 characters" in hall.do("keys", str(file), typed="short\n", fails=2, at_hall=False)["error"]["problem"]
    hall.do("keys", str(file), typed=f"{PASSWORD}\n", at_hall=False)
    assert b"ENCRYPTED" in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0
    before = file.read_bytes()
    hall.do("keys", str(file), typed=f"{PASSWORD}\n", fails=2, at_hall=False)
    assert file.read_bytes() == before


def test_no_private_key_of_root_or_officers_lies_at_the_hall(hall: Hall) -> None:
    [online] = (hall.data / "releases" / "keys").iterdir()
    assert online.stem not in {json.loads(Path(public(name)).read_text())["keyid"] for name in KEYS}


def test_the_next_root_names_other_officers(hall: Hall) -> None:
    draft = hall.folder / "root2.draft"
    officers = [word for name in ("o2", "o3", "o4") for word in ("--officer", public(name))]
    hall.do("root", "--out", str(draft), *officers, "--new-online-key")
    hall.sign(draft, "r1", "r2", "o2", "o4")
    hall.do("publish", str(draft))
    assert Repository(hall.data / "releases", Releases()).releases() == []
    assert "root" in hall.do("status")["expires"]


def test_a_release_can_be_halted_resumed_and_withdrawn(hall: Hall) -> None:
    draft = hall.release({"settings.toml": "[limits]\nidle_s = 61.0\n"}, "--kiosk", "K3")
    hall.sign(draft, "o1", "o2")
    hall.do("publish", str(draft))
    for verb, state in (("halt", "halted"), ("resume", "rolling"), ("withdraw", "withdrawn")):
        assert hall.do(verb, "1")["state"] == state
    hall.do("withdraw", "1", fails=2)
    [release] = hall.do("status")["releases"]
    assert release["audience"] == ["K3"]


def test_a_file_that_no_release_may_hold_is_refused_when_it_is_drafted(hall: Hall) -> None:
    (hall.folder / "next").mkdir()
    (hall.folder / "next" / "kiosk.toml").write_text("")
    told = hall.do("draft", str(hall.folder / "next"), "--out", "x", "--note", "n", fails=2)
    assert "kiosk.toml" in told["error"]["problem"]


def test_the_technicians_of_the_hall_go_into_a_release(hall: Hall) -> None:
    out = hall.folder / "next" / "technicians.json"
    assert hall.do("technicians", "--out", str(out))["technicians"] == 0
    assert json.loads(out.read_text())["technicians"] == []


def test_a_release_is_looked_at_before_it_is_drafted(tmp_path: Path) -> None:
    import typer

    from kiosk.cli import release

    app = typer.Typer()
    release.register(app)
    (tmp_path / "settings.toml").write_text("[limits]\nidle_s = 61.0\n")
    good = CliRunner().invoke(app, ["release", "check", str(tmp_path)])
    assert good.exit_code == 0, good.output
    (tmp_path / "settings.toml").write_text("[limits]\nidel_s = 61.0\n")
    bad = CliRunner().invoke(app, ["release", "check", str(tmp_path)])
    assert bad.exit_code == 2
    assert "idel_s is no setting" in bad.stderr
