"""A window clerk who works with the hall's own pages and buttons, over HTTP."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import httpx2

from demo.processes import Failed


class Clerk:
    """Logged in at one window from the first moment on. Every refusal of the hall raises Failed."""

    def __init__(self, hall_url: str, name: str, password: str, window: str) -> None:
        self.window = window
        self._http = httpx2.Client(base_url=hall_url, timeout=20.0)
        answer = self._http.post("/window/v1/login", json={"name": name, "password": password, "window": window})
        if answer.status_code != 200:
            raise Failed(
                f"the hall did not let {name} log in at window {window}: {answer.status_code} {answer.text[:200]}"
            )
        self._csrf: str = answer.json()["csrf"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    @property
    def cookies(self) -> dict[str, str]:
        """What this clerk's browser would hold."""
        return dict(self._http.cookies)

    def call_next(self) -> str:
        """The number that is called to this window now."""
        number: str = self.act("call-next")["current"]["number"]
        return number

    def start(self, number: str) -> None:
        self.act("start", number=number)

    def finish(self, number: str) -> None:
        self.act("finish", number=number)

    def sees(self) -> dict[str, Any]:
        """Everything the window's page shows."""
        view: dict[str, Any] = self._http.get("/window/v1/view").raise_for_status().json()
        return view

    def act(self, action: str, **request: Any) -> dict[str, Any]:
        """Press a button; what the window shows then."""
        answer = self._http.post(f"/window/v1/{action}", json=request, headers={"X-CSRF-Token": self._csrf})
        if answer.status_code != 200:
            raise Failed(f"the hall refused {action} at window {self.window}: {answer.status_code} {answer.text[:200]}")
        view: dict[str, Any] = answer.json()
        return view
