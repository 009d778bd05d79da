"""Commands to a running simulated bureau, from the command line, a stage or a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import httpx2
import msgspec

from hall.bureaus.contract import Declaration, Entry, Receipt, Refusal
from hall.bureaus.faults import Action, Fault, On
from hall.bureaus.folder import read_token, token_file, url_file
from kiosk.domain.filing import Bureau

T = TypeVar("T")

#: A simulated bureau obeys at once.
_ANSWER_S = 10.0


class NoBureau(Exception):
    """No bureau answers there."""


class BadCommand(Exception):
    """The bureau does not know it. The text says what it knows."""


class BureauBench:
    """One bureau's bad days and its window. Every method raises NoBureau, BadCommand."""

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx2.Client(
            base_url=url,
            trust_env=False,
            timeout=_ANSWER_S,
            limits=httpx2.Limits(max_keepalive_connections=0),
            headers={"authorization": f"Bearer {token}"},
        )

    @classmethod
    def at(cls, bureau: Bureau, data: Path, url: str | None = None, token: Path | None = None) -> BureauBench:
        """The one that runs on this data folder; ``url`` and ``token`` (a file) where they are not what it wrote there.
        Raises NoBureau."""
        try:
            found = url or url_file(data, bureau).read_text(encoding="ascii").strip()
            return cls(found, read_token(token or token_file(data)))
        except (OSError, ValueError) as error:
            raise NoBureau(f"{data}: no {bureau.value} bureau was started there ({error})") from None

    def close(self) -> None:
        self._http.close()

    def arm(
        self, action: Action, argument: str | float | None = None, on: On = On.BOTH, times: int | None = None
    ) -> Any:
        """From now on; what is armed then."""
        fault = Fault(action, argument, on, times)
        problem = fault.problem()
        if problem is not None:
            raise BadCommand(problem)
        return msgspec.json.decode(self._post("/bench/fault", fault).content)

    def heal(self) -> None:
        self._post("/bench/heal", None)

    def turn_away(self, taxpayer: str, problem: str | None) -> None:
        """``unknown_taxpayer``, ``not_registered``; None: welcome again. Outlives the process."""
        self._post("/bench/taxpayer", {"taxpayer": taxpayer, "problem": problem})

    def file_at_window(self, declaration: Declaration) -> Receipt | Refusal:
        return _decided(self._post("/bench/window/return", declaration, refusals=True))

    def enter_at_window(self, entry: Entry) -> Receipt | Refusal:
        return _decided(self._post("/bench/window/entry", entry, refusals=True))

    def _post(self, path: str, message: object, refusals: bool = False) -> httpx2.Response:
        try:
            response = self._http.post(path, content=msgspec.json.encode(message))
        except httpx2.RequestError as error:
            raise NoBureau(f"{self._http.base_url}: no bureau answers there ({type(error).__name__})") from None
        if response.is_success or (refusals and response.status_code in (409, 422)):
            return response
        raise BadCommand(f"status {response.status_code}: {response.text}")


#: What can be commanded besides the faults of ``Action``, each with its argument.
OTHERS = {
    "heal": "",
    "known": "TAXPAYER",
    "unknown_taxpayer": "TAXPAYER",
    "not_registered": "TAXPAYER",
    "window_return": "a Declaration as JSON",
    "window_entry": "an Entry as JSON",
}

ACTIONS = (*(action.value for action in Action), *OTHERS)


def do(
    bench: BureauBench, action: str, argument: str | None = None, on: On = On.BOTH, times: int | None = None
) -> object:
    """One command as it is typed; what comes of it, to be shown as JSON. Raises NoBureau, BadCommand."""
    match action:
        case "heal":
            bench.heal()
            return {}
        case "known" | "unknown_taxpayer" | "not_registered":
            bench.turn_away(_wanted(action, argument), None if action == "known" else action)
            return {}
        case "window_return":
            return bench.file_at_window(_message(_wanted(action, argument), Declaration))
        case "window_entry":
            return bench.enter_at_window(_message(_wanted(action, argument), Entry))
        case _ if action in list(Action):
            return bench.arm(Action(action), argument, on, times)
    raise BadCommand(f"there are {', '.join(ACTIONS)}")


def _wanted(action: str, argument: str | None) -> str:
    if not argument:
        raise BadCommand(f"{action} wants {OTHERS[action]}")
    return argument


def _message(text: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError as error:
        raise BadCommand(str(error)) from None


def _decided(response: httpx2.Response) -> Receipt | Refusal:
    if response.is_success:
        return msgspec.json.decode(response.content, type=Receipt)
    return msgspec.json.decode(response.content, type=Refusal)
