"""A hall in its own process for the tests of its pages: clerks, a kiosk that takes numbers, and a way to stop it."""

from __future__ import annotations

import secrets
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import httpx2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from demo.hall_server import HallServer
from hall.clock import SystemClock
from kiosk.domain.messages import TicketRequest, TicketView
from kiosk.sync.hall_client import HallClient
from kiosk.sync.signing import Signer

PASSWORD = "eight-or-more"
SETTINGS = """
[hall]
id = "zz-test"
name_zh = "芗城办税服务厅"
name_en = "Xiangcheng Tax Hall"
windows = ["1", "2", "3"]
day_starts = 06:00:00

[order]
normal = 1.0
priority = 2.0
no_show_return = 3

[forecast]
runs = 10
prior_minutes = 6.0
prior_weight = 20.0
spread = 0.7
"""


class Clerk:
    """A clerk's browser as far as HTTP goes: cookies, the form of the login page, the JSON of the buttons."""

    def __init__(self, url: str) -> None:
        self.http = httpx2.Client(base_url=url, timeout=30.0, trust_env=False)
        self.csrf = ""

    def log_in(self, name: str, window: str, password: str = PASSWORD) -> httpx2.Response:
        answer = self.http.post(
            "/login", data={"name": name, "password": password, "window": window}, follow_redirects=True
        )
        self.csrf = answer.text.partition('data-csrf="')[2].partition('"')[0]
        return answer

    def page(self) -> str:
        return self.http.get("/window").raise_for_status().text

    def press(self, action: str, **request: str | bool) -> httpx2.Response:
        return self.http.post(f"/window/v1/{action}", json=request, headers={"X-CSRF-Token": self.csrf})

    def call_next(self) -> str:
        number: str = self.press("call-next").raise_for_status().json()["current"]["number"]
        return number

    @property
    def logged_in(self) -> bool:
        return self.http.get("/window").status_code == 200

    def view(self) -> dict[str, Any]:
        view: dict[str, Any] = self.http.get("/window/v1/view").raise_for_status().json()
        return view

    def log_out(self) -> None:
        self.http.post("/logout", data={"csrf": self.csrf})

    @property
    def cookies(self) -> dict[str, str]:
        return dict(self.http.cookies)


class Hall(HallServer):
    """With two clerks and a kiosk; serves until closed."""

    def __init__(self, folder: Path) -> None:
        settings = folder / "hall.toml"
        settings.write_text(SETTINGS, encoding="utf-8")
        super().__init__(folder / "hall", settings=settings)
        self._clerks: list[Clerk] = []
        self.start()
        for name in ("陈晓芳", "林国华"):
            self.command("staff", "add", name, typed=PASSWORD)
        key = Ed25519PrivateKey.generate()
        self._kiosk = HallClient(self.url, Signer("K1", key.private_bytes_raw()))
        self._kiosk.enrol(self.command("enrol", "K1")["code"], key.public_key().public_bytes_raw(), 30.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for clerk in self._clerks:
            clerk.http.close()
        self._kiosk.close()
        self.stop()

    def clerk(self, name: str = "陈晓芳", window: str = "1") -> Clerk:
        """Logged in at a window."""
        clerk = self.visitor()
        assert clerk.log_in(name, window).url.path == "/window"
        return clerk

    def visitor(self) -> Clerk:
        """Somebody with a browser who is not logged in."""
        clerk = Clerk(self.url)
        self._clerks.append(clerk)
        return clerk

    def clear(self) -> None:
        """Finish everybody at the windows and in the line, and send the clerks home."""
        for clerk in [*self._clerks, self.clerk(window="1")]:
            while clerk.logged_in:
                current = clerk.view()["current"]
                if current:
                    clerk.press("finish", number=current["number"]).raise_for_status()
                elif not clerk.press("call-next").is_success:
                    break
            clerk.log_out()
            clerk.http.close()
        self._clerks.clear()

    def take(
        self,
        service: str | None = None,
        holder: str = "",
        ticket_class: Literal["normal", "priority"] = "normal",
    ) -> TicketView:
        """A number from the kiosk."""
        asked = TicketRequest(
            key=secrets.token_hex(16),
            requested_at=SystemClock().now(),
            service=service,
            ticket_class=ticket_class,
            holder_masked=holder,
        )
        return self._kiosk.ask_ticket(asked, 30.0)
