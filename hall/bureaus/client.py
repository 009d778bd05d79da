"""The hall's side of the contract. What may happen is a value, not an exception: a bureau that does not answer is an
everyday matter, and whoever settles must decide what to do about it.

``Silent`` means *unknown*: it may have been done or not. Whatever is not a well-formed yes, no or not-here is silent,
for a filing must not end by a proxy's error page.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import httpx2
import msgspec

from hall.bureaus.contract import NOT_FOUND, REFUSALS, Declaration, Entry, Ledger, Receipt, Refusal
from kiosk.domain.filing import Bureau

T = TypeVar("T")


@dataclass(frozen=True)
class Received:
    """It is in the bureau's books, now or since an earlier time."""

    receipt: Receipt


@dataclass(frozen=True)
class RefusedBy:
    """A final no. ``problem``: a word of REFUSALS; ``key``: of what stands in the way, where it is another's."""

    problem: str
    key: str | None = None


@dataclass(frozen=True)
class Absent:
    """The bureau has nothing under this key, so far: what was sent may still be on its way."""


@dataclass(frozen=True)
class Silent:
    """Unknown. ``reason`` is for logs and staff, and holds nothing of the taxpayer."""

    reason: str


class BureauSilent(Exception):
    """No ledger could be had. The text says why."""


class BureauClient:
    """To one bureau, for one event loop. Timeouts are in seconds and for the whole exchange, however it dribbles."""

    def __init__(self, bureau: Bureau, url: str, token: str) -> None:
        self.bureau = bureau
        # No connection is used twice: after two answers to one request, the next request would get the second of them.
        self._http = httpx2.AsyncClient(
            base_url=url,
            trust_env=False,
            timeout=None,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
            headers={"authorization": f"Bearer {token}", "connection": "close", "accept-encoding": "identity"},
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def declare(self, declaration: Declaration, timeout_s: float) -> Received | RefusedBy | Silent:
        return await self._hand_in("/bureau/v1/returns", declaration, timeout_s)

    async def enter(self, entry: Entry, timeout_s: float) -> Received | RefusedBy | Silent:
        return await self._hand_in("/bureau/v1/entries", entry, timeout_s)

    async def ask_return(self, key: str, timeout_s: float) -> Received | Absent | Silent:
        return await self._ask(f"/bureau/v1/returns/{key}", key, timeout_s)

    async def ask_entry(self, key: str, timeout_s: float) -> Received | Absent | Silent:
        return await self._ask(f"/bureau/v1/entries/{key}", key, timeout_s)

    async def ledger(self, day: date | None, timeout_s: float) -> Ledger:
        """What the bureau took in on ``day`` (None: altogether). Raises BureauSilent."""
        path = "/bureau/v1/ledger" + (f"?day={day.isoformat()}" if day is not None else "")
        response = await self._exchange("GET", path, None, timeout_s)
        if isinstance(response, Silent):
            raise BureauSilent(response.reason)
        ledger = _decode(response, Ledger) if response.status_code == httpx2.codes.OK else None
        if ledger is None:
            raise BureauSilent(f"status {response.status_code}, no ledger")
        if (ledger.bureau, ledger.day) != (self.bureau, day):
            raise BureauSilent("another bureau's or another day's ledger")
        return ledger

    async def _hand_in(
        self, path: str, message: Declaration | Entry, timeout_s: float
    ) -> Received | RefusedBy | Silent:
        response = await self._exchange("POST", path, msgspec.json.encode(message), timeout_s)
        if isinstance(response, Silent):
            return response
        match response.status_code:
            case httpx2.codes.OK:
                return _received(response, message.key)
            case httpx2.codes.CONFLICT | httpx2.codes.UNPROCESSABLE_CONTENT:
                refusal = _decode(response, Refusal)
                # A word that nobody has agreed upon ends nothing.
                if refusal is not None and refusal.problem in REFUSALS:
                    return RefusedBy(refusal.problem, refusal.key)
        return Silent(f"status {response.status_code}, no answer of the contract")

    async def _ask(self, path: str, key: str, timeout_s: float) -> Received | Absent | Silent:
        response = await self._exchange("GET", path, None, timeout_s)
        if isinstance(response, Silent):
            return response
        match response.status_code:
            case httpx2.codes.OK:
                return _received(response, key)
            case httpx2.codes.NOT_FOUND if _decode(response, Refusal) == Refusal(NOT_FOUND, key):
                return Absent()
        return Silent(f"status {response.status_code}, no answer of the contract")

    async def _exchange(
        self, method: str, path: str, content: bytes | None, timeout_s: float
    ) -> httpx2.Response | Silent:
        headers = {"content-type": "application/json"} if content is not None else None
        try:
            async with asyncio.timeout(timeout_s):
                return await self._http.request(method, path, content=content, headers=headers)
        except TimeoutError:
            return Silent(f"no answer within {timeout_s:g} s")
        except httpx2.RequestError as error:
            return Silent(type(error).__name__)


def _received(response: httpx2.Response, key: str) -> Received | Silent:
    receipt = _decode(response, Receipt)
    if receipt is None:
        return Silent("a receipt that cannot be read")
    # Nobody is told that theirs is filed by the receipt of somebody else's.
    return Received(receipt) if receipt.key == key else Silent("a receipt for another key")


def _decode(response: httpx2.Response, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(response.content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
