"""A release on its way through real processes: hall, sync agent, window. This test is the service manager."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.hall_server import command, run
from demo.processes import wait_until
from demo.stage import KIOSK, Size, Stage
from hall.clock import SystemClock
from hall.fleet.releases import Repository
from hall.settings import read_settings
from tests.configuration.office import keyring, public, signed
from tests.configuration.test_release_commands import PASSWORD

pytestmark = pytest.mark.e2e

HEALTH_S = 6.0


class Hall(Stage):
    """A stage whose hall publishes releases."""

    def start_hall(self) -> None:
        data = self._hall.data
        repository = Repository(data / "releases", read_settings(None).releases)
        now = SystemClock().now()
        draft = repository.draft_beginning(public("r1", "r2", "r3"), public("o1", "o2", "o3"), 2, "chen", now)
        repository.publish(signed(draft, "r1", "r2", "o1", "o2"), now)
        super().start_hall()

    def _settings_text(self) -> str:
        return super()._settings_text().replace("[kiosk]\n", f"[kiosk]\nrelease_health_s = {HEALTH_S}\n")

    def publish(self, files: dict[str, str]) -> None:
        """As officers do, on the command line beside the running hall."""
        folder, draft = self.folder / "next", self.folder / "next.draft"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        data = ["--data", str(self._hall.data)]
        run(command("taxhall", "release", "draft", str(folder), "--out", str(draft), "--note", "a note", *data))
        for name in ("o1", "o2"):
            key = str(keyring() / f"{name}.pem")
            run(command("taxhall", "release", "sign", str(draft), "--key", key), typed=f"{PASSWORD}\n")
        run(command("taxhall", "release", "publish", str(draft), *data))

    def at_the_hall(self) -> Any:
        return json.loads(run(command("taxhall", "release", "status", "--json", "--data", str(self._hall.data))))

    def at_the_kiosk(self) -> Any:
        return json.loads(run(command("taxkiosk", "release", "status", "--settings", str(self.settings))))

    def begins_anew(self) -> None:
        """The front end ends by itself, and is started again."""
        wait_until(lambda: self.kiosk.exit_code is not None, 60, "the front end makes way for the release")
        assert self.kiosk.exit_code == 0, self.kiosk.last_lines()
        self._players.remove(self.kiosk)
        self.start_kiosk()


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    with Hall(tmp_path_factory.mktemp("release"), Size(540, 960)) as stage:
        yield stage


def test_a_release_begins_when_nobody_stands_there_and_is_healthy_after_its_trial(hall: Hall) -> None:
    hall.publish({"settings.toml": "[limits]\nidle_s = 61.0\n"})
    hall.begins_anew()
    assert hall.at_the_kiosk()["running"] == 1
    wait_until(lambda: hall.at_the_kiosk()["state"] == "healthy", 60, "the release is healthy", hall.kiosk)
    wait_until(lambda: hall.at_the_hall()["releases"][0]["state"] == "done", 60, "the hall hears of it", hall.sync)
    [kiosk] = hall.at_the_hall()["kiosks"]
    assert (kiosk["kiosk"], kiosk["running"], kiosk["state"]) == (KIOSK, 1, "healthy")


def test_a_release_that_ends_every_start_is_gone_back_from_and_halted(hall: Hall) -> None:
    hall.publish({"settings.toml": "[limits]\nidle_s = 62.0\n"})
    hall.begins_anew()
    for _ in range(2):
        assert hall.at_the_kiosk()["running"] == 2
        hall.kill_kiosk()
        hall.start_kiosk()
    hall.kill_kiosk()
    hall.start_kiosk()
    told = hall.at_the_kiosk()
    assert (told["running"], told["state"], told["problem"]) == (1, "rolled_back", "crashed")
    wait_until(lambda: hall.at_the_hall()["releases"][0]["state"] == "halted", 60, "the hall hears of it", hall.sync)
    assert hall.at_the_hall()["releases"][0]["halted_because"] == f"{KIOSK}: rolled_back crashed"


def test_the_page_says_who_runs_what_and_why_it_was_halted(hall: Hall, tmp_path: Path) -> None:
    import httpx2

    hall._hall.command("staff", "add", "周敏", "--role", "manager", typed="correct horse\n")
    with httpx2.Client(base_url=hall.hall_url, trust_env=False, follow_redirects=True) as browser:
        browser.post("/staff/login", data={"name": "周敏", "password": "correct horse"})
        page = browser.get("/staff/releases").text
    assert "第 2 版" in page
    assert "启动后反复退出" in page
    assert "已完成" in page
