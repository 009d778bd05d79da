"""The hall attacked by its own description: whatever is sent to it, it answers, and as it said it would."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from benchmarks.hall_load import PASSWORD, SigningKiosk
from demo.hall_server import HallServer
from hall.queue.staff import Role
from tests.hall.test_access import Actor, log_in

FULL = os.environ.get("TAXKIOSK_CAMPAIGN") == "full"
#: Questions for each operation and way of asking (as described, and not as described).
EXAMPLES = 400 if FULL else 8
SEED = int(os.environ.get("TAXKIOSK_SEED", "20261125"))

_CHECKS: Any = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HallServer]:
    made = HallServer(tmp_path_factory.mktemp("openapi"))
    made.start()
    for role in Role:
        made.command("staff", "add", role.value, "--role", role.value, typed=f"{PASSWORD}\n")
    yield made
    assert made.stop() == 0, "it is still there, and ends cleanly"


@pytest.fixture(scope="module")
def kiosks(hall: HallServer) -> list[SigningKiosk]:
    """Several: one alone is held to its share of requests."""
    made = [SigningKiosk(f"K{number}") for number in range(1, 9)]
    for kiosk in made:
        asyncio.run(kiosk.enrol(hall))
    return made


@pytest.fixture(scope="module")
def staff(hall: HallServer) -> dict[str, Actor]:
    """Who may do most: at a window, and at the desk."""
    return {"window": log_in(hall, Role.MANAGER, "1"), "desk": log_in(hall, Role.ADMINISTRATOR, None)}


class Hand:
    """Sends one made-up question as the one who may ask it."""

    def __init__(self, hall: HallServer, kiosks: list[SigningKiosk], staff: dict[str, Actor]) -> None:
        self.hall, self.kiosks, self.staff = hall, kiosks, staff
        self.http = requests.Session()
        self.http.trust_env = False
        self.sent = 0

    def send(self, case: Any, who: dict[str, Any]) -> requests.Response:
        made = requests.Request(**case.as_transport_kwargs(base_url=self.hall.url)).prepare()
        for name in ("signature", "signature-input", "content-digest", "cookie", "x-csrf-token"):
            made.headers.pop(name, None)
        self.sent += 1
        if "kiosk" in who:
            body = cast("bytes | str | None", made.body) or b""
            raw = body.encode() if isinstance(body, str) else body
            address = urlsplit(str(made.url))
            target = address.path + (f"?{address.query}" if address.query else "")
            kiosk = self.kiosks[self.sent % len(self.kiosks)]
            made.headers.update(kiosk.sign(str(made.method), target, raw))
        elif "session" in who:
            at = self.staff["window"] if self._for_window(case) else self.staff["desk"]
            made.headers.update({"cookie": at.cookie, "x-csrf-token": at.csrf})
        return self.http.send(made, timeout=20, allow_redirects=False)

    def _for_window(self, case: Any) -> bool:
        return "manager" in case.operation.definition.raw.get("description", "")


def _skipped(method: str, path: str) -> bool:
    """Streams have no end; a logout would end the test's own session, a login wait for a slow hash each time."""
    return path.endswith("/events") or path.endswith("/logout")


def _attack(hand: Hand, operation: Any, mode: GenerationMode, who: dict[str, Any], examples: int) -> None:
    """Made-up questions to one operation. Raises the first answer that is not as described."""

    @seed(SEED)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def attack(case: Any) -> None:
        case.validate_response(hand.send(case, who), checks=_CHECKS)

    attack()


def _said(problem: BaseException) -> str:
    inner = getattr(problem, "exceptions", ())
    return "\n".join([f"{type(problem).__name__}: {problem}", *map(_said, inner)])


@pytest.mark.timeout(3 * 3600 if FULL else 240)
def test_the_whole_description_attacked_without_a_defect(
    hall: HallServer, kiosks: list[SigningKiosk], staff: dict[str, Actor]
) -> None:
    schema = schemathesis.openapi.from_url(f"{hall.url}/openapi.json")
    hand = Hand(hall, kiosks, staff)
    tried, wrong = 0, []
    for found in schema.get_all_operations():
        operation: Any = cast(Any, found).ok()
        if _skipped(operation.method, operation.path):
            continue
        tried += 1
        security = operation.definition.raw.get("security", [{}])[0]
        logging_in = operation.path.endswith("/login") and operation.method == "post"
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                _attack(hand, operation, mode, security, 2 if logging_in and not FULL else EXAMPLES)
            except Exception as problem:
                if type(problem).__name__ in ("Unsatisfiable", "SkipTest", "Skipped"):
                    continue  # nothing can be sent to it that it does not describe
                wrong.append(f"{operation.method.upper()} {operation.path} ({mode.value}): {_said(problem)}")
    assert not wrong, "\n\n".join(wrong)
    assert tried > 30
    assert hand.sent > 300


def test_methods_that_a_route_does_not_know_are_refused_and_nothing_else(hall: HallServer) -> None:
    document = requests.get(f"{hall.url}/openapi.json", timeout=20).json()
    for path, operations in document["paths"].items():
        for method in ("TRACE", "PUT", "PATCH", "DELETE", "OPTIONS", "FROBNICATE"):
            if method.lower() not in operations:
                answer = requests.request(method, hall.url + path.replace("{", "0").replace("}", "0"), timeout=20)
                assert answer.status_code in (400, 405), (method, path, answer.status_code)
