"""``GET /openapi.json``: every route of the hall, what it is sent and what it answers, made from the types it decodes.

One table, like that of ``hall.api.access``; a route without a row fails a test. Attackers' tools read it before we do:
the tests attack the hall by it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from hall.api import window
from hall.api.access import Rule, Who, rule_of
from hall.api.answers import answer
from hall.api.fleet import Noted
from hall.queue.views import ActionReply, ActionRequest, WindowAction, WindowView
from kiosk.domain import filing, fleet, messages

_JSON, _PAGE, _STREAM, _FORM = "application/json", "text/html", "text/event-stream", "application/x-www-form-urlencoded"

_KEY: Final = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
_HOLDER: Final = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_NAME: Final = {"type": "string", "minLength": 1, "maxLength": 64}

#: What stands between braces in a path.
_IN_PATH: Final[dict[str, dict[str, Any]]] = {
    "key": _KEY,
    "id": _KEY,
    "token": {"type": "string", "pattern": "^[0-9a-f]{22}$"},
    "taxpayer": _NAME,
    "number": {"type": "string", "pattern": "^[0-9A-Z]{15,20}$"},
    "kiosk": {"type": "string", "pattern": "^K[0-9]{1,3}$"},
    "action": {"type": "string", "enum": [action.value for action in WindowAction]},
    "name": _NAME,
}


@dataclass(frozen=True)
class About:
    """One route. ``says``: a line for people."""

    says: str
    body: Any = None
    """The type it decodes."""
    form: tuple[str, ...] = ()
    """Fields of a posted form, besides ``csrf``."""
    reply: Any = None
    media: str = _JSON
    query: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: tuple[int, ...] = ()
    """Refusals besides those that follow from who may ask and from a body: 400, 401, 403, 413, 422, 429."""
    leads_on: bool = False
    """Answers 303."""


class Health(msgspec.Struct, frozen=True):
    status: str


class BuyerName(msgspec.Struct, frozen=True):
    name: str


class TerminalDay(msgspec.Struct, frozen=True):
    day: str
    terminal: str
    entries: int


class LoggedOut(msgspec.Struct, frozen=True):
    window: str


_FOR_HOLDER: Final = {"holder_ref": _HOLDER}

ABOUT: Final[dict[tuple[str, str], About]] = {
    ("GET", "/"): About("How busy the hall is, for phones", media=_PAGE),
    ("GET", "/t/{token}"): About("A ticket's own page", media=_PAGE, problems=(404,)),
    ("GET", "/board"): About("The hall's board", media=_PAGE),
    ("GET", "/board/events"): About("What happens, for boards", media=_STREAM),
    ("GET", "/public/state"): About("The hall's waiting state; 304 by ETag", reply=messages.HallState),
    ("GET", "/public/tickets/{token}"): About("A ticket's state", reply=messages.TicketView, problems=(404,)),
    ("GET", "/healthz"): About("Whether the hall can commit", reply=Health),
    ("GET", "/openapi.json"): About("This description", reply=dict[str, Any]),
    ("GET", "/login"): About("Login to a window", media=_PAGE, leads_on=True),
    ("POST", "/login"): About(
        "Login to a window", form=("name", "password", "window"), media=_PAGE, leads_on=True, problems=(404, 409)
    ),
    ("POST", "/window/v1/login"): About(
        "Login to a window", body=window.LoginRequest, reply=window.LoginReply, problems=(404, 409)
    ),
    ("GET", "/staff/login"): About("Login without a window", media=_PAGE, leads_on=True),
    ("POST", "/staff/login"): About("Login without a window", form=("name", "password"), media=_PAGE, leads_on=True),
    ("POST", "/kiosk/v1/enrol"): About(
        "Make a kiosk known by its one-time code", body=messages.EnrolRequest, reply=messages.EnrolReply
    ),
    ("POST", "/kiosk/v1/tickets"): About(
        "Take a number", body=messages.TicketRequest, reply=messages.TicketView, problems=(409, 410)
    ),
    ("GET", "/kiosk/v1/tickets"): About("A holder's numbers", query=_FOR_HOLDER, reply=messages.HolderTickets),
    ("POST", "/kiosk/v1/journal"): About(
        "Take a kiosk's journal in", body=messages.JournalBatch, reply=messages.JournalReply, problems=(409,)
    ),
    ("GET", "/kiosk/v1/taxpayers"): About(
        "For whom a person may act", query=_FOR_HOLDER, reply=filing.TaxpayersOfPerson
    ),
    ("GET", "/kiosk/v1/taxpayers/{taxpayer}"): About(
        "Everything of one taxpayer", query=_FOR_HOLDER, reply=filing.TaxpayerFile, problems=(404, 409)
    ),
    ("GET", "/kiosk/v1/buyers/{number}"): About("A buyer's registered name", reply=BuyerName, problems=(404,)),
    ("POST", "/kiosk/v1/filings"): About(
        "File a return", body=filing.FilingRequest, reply=filing.FilingView, problems=(404, 409, 410)
    ),
    ("GET", "/kiosk/v1/filings/{key}"): About("How a return stands", reply=filing.FilingView, problems=(404,)),
    ("POST", "/kiosk/v1/payments"): About(
        "Hold returns for a payment", body=filing.PaymentRequest, reply=filing.PaymentView, problems=(404, 409, 410)
    ),
    ("GET", "/kiosk/v1/payments/{key}"): About("How a payment stands", reply=filing.PaymentView, problems=(404,)),
    ("POST", "/kiosk/v1/payments/{key}/result"): About(
        "The terminal's word", body=filing.PaymentResult, reply=filing.PaymentView, problems=(404, 409)
    ),
    ("POST", "/kiosk/v1/certificates"): About(
        "A certificate on a numbered blank",
        body=filing.CertificateRequest,
        reply=filing.CertificateView,
        problems=(404, 409, 410),
    ),
    ("POST", "/kiosk/v1/invoices"): About(
        "The invoice of a paid return", body=filing.InvoiceRequest, reply=filing.InvoiceView, problems=(404, 409, 410)
    ),
    ("POST", "/kiosk/v1/terminal-journal"): About(
        "A terminal's day", body=filing.TerminalJournal, reply=TerminalDay, problems=(409,)
    ),
    ("GET", "/kiosk/v1/releases/metadata/{name}"): About(
        "Signed metadata of releases", reply=dict[str, Any], problems=(404,)
    ),
    ("GET", "/kiosk/v1/releases/targets/{name}"): About("A signed release", reply=dict[str, Any], problems=(404,)),
    ("GET", "/window"): About("A clerk's window", media=_PAGE, leads_on=True),
    ("GET", "/window/events"): About("What happens, for windows", media=_STREAM),
    ("GET", "/window/v1/view"): About("A clerk's window", reply=WindowView, problems=(404,)),
    ("POST", "/window/v1/logout"): About("Leave the window", reply=LoggedOut),
    ("POST", "/window/v1/{action}"): About(
        "Call, start, finish, …", body=ActionRequest, reply=ActionReply, problems=(404, 409)
    ),
    ("POST", "/logout"): About("Leave", form=(), media=_PAGE, leads_on=True),
    ("GET", "/staff"): About("What this person may see", media=_PAGE, leads_on=True),
    ("GET", "/staff/filings"): About(
        "What the tax side cannot settle by itself", media=_PAGE, leads_on=True, query={"tried": {"type": "string"}}
    ),
    ("POST", "/staff/filings/try"): About("Try again at once", form=(), media=_PAGE, leads_on=True),
    ("POST", "/staff/filings/close"): About(
        "Close one matter with a note",
        form=("section", "subject", "how", "note"),
        media=_PAGE,
        leads_on=True,
        problems=(404, 409),
    ),
    ("GET", "/staff/reconciliation"): About(
        "Terminals, kiosks, hall and bureaus of a day", media=_PAGE, leads_on=True, query={"day": {"type": "string"}}
    ),
    ("GET", "/staff/quarantine"): About("Rows that kiosks reported and the hall refused", media=_PAGE, leads_on=True),
    ("POST", "/staff/quarantine"): About(
        "Accept or close one row", form=("id", "kiosk", "how", "note"), media=_PAGE, leads_on=True, problems=(404, 409)
    ),
    ("GET", "/staff/releases"): About("Releases, and who runs which", media=_PAGE, leads_on=True),
    ("POST", "/staff/releases"): About(
        "Halt, go on or withdraw", form=("release", "how", "note"), media=_PAGE, leads_on=True, problems=(404, 409)
    ),
}

ABOUT.update(
    {
        ("POST", "/kiosk/v1/report"): About("A kiosk's state", body=fleet.KioskReport, reply=fleet.ReportReply),
        ("GET", "/kiosk/v1/events"): About("Releases and orders, as they come", media=_STREAM),
        ("POST", "/kiosk/v1/orders/{id}/answer"): About(
            "What came of an order", body=fleet.OrderAnswer, reply=Noted, problems=(404,)
        ),
        ("GET", "/staff/fleet"): About("Every kiosk as a machine, and alarms", media=_PAGE, leads_on=True),
        ("GET", "/staff/fleet/events"): About("Something about the kiosks changed", media=_STREAM),
        ("POST", "/staff/fleet/alarms"): About(
            "Say that an alarm was seen", form=("id", "back"), media=_PAGE, leads_on=True, problems=(404,)
        ),
        ("GET", "/staff/fleet/{kiosk}"): About("One kiosk", media=_PAGE, leads_on=True, problems=(404,)),
        ("GET", "/staff/fleet/{kiosk}/logs/{id}"): About(
            "The lines that an order fetched", media=_PAGE, leads_on=True, problems=(404,)
        ),
        ("POST", "/staff/fleet/{kiosk}/orders"): About(
            "Lock, unlock, restart, fetch logs", form=("verb", "argument"), media=_PAGE, leads_on=True, problems=(404,)
        ),
        ("POST", "/staff/fleet/{kiosk}/group"): About(
            "Put a kiosk into a group", form=("group",), media=_PAGE, leads_on=True, problems=(404,)
        ),
    }
)

#: Fields that handlers take a closer look at than their types say.
_NARROWER: Final[dict[str, dict[str, Any]]] = {
    "version": {"const": messages.VERSION},
    "holder_masked": {"maxLength": 128},
    "public_key": {"pattern": "^[0-9a-f]{64}$"},
}

#: RFC 3339 with offset.
_TIME: Final = (
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)

_OPTIONAL_QUERY: Final = frozenset({"tried", "day"})


async def description(request: Request) -> Response:
    """Made once: the routes do not change while the hall runs."""
    state = request.app.state
    if not hasattr(state, "description"):
        state.description = describe(request.app.routes)
    return answer(state.description)


def describe(routes: Iterable[BaseRoute]) -> dict[str, Any]:
    """The OpenAPI document. What has no row is left out, and shows itself in a test."""
    known = {
        (method, route.path): (ABOUT[method, route.path], rule_of(route))
        for route in routes
        if isinstance(route, Route)
        for method in sorted((route.methods or set()) - {"HEAD"})
        if (method, route.path) in ABOUT
    }
    types = [each for about, _ in known.values() for each in (about.body, about.reply) if each is not None]
    schemas, components = msgspec.json.schema_components(
        [*types, messages.Problem], ref_template="#/components/schemas/{name}"
    )
    for schema in components.values():
        for name, said in schema.get("properties", {}).items():
            said.update(_NARROWER.get(name, {}))
    _say_times(components)
    schema_of = dict(zip(map(str, [*types, messages.Problem]), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for (method, path), (about, rule) in known.items():
        if rule is not None:
            paths.setdefault(path, {})[method.lower()] = _operation(path, about, rule, method, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tax hall", "version": str(messages.VERSION)},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "kiosk": {"type": "apiKey", "in": "header", "name": "signature", "description": "RFC 9421, Ed25519"},
                "session": {"type": "apiKey", "in": "cookie", "name": "hall_session"},
            },
        },
    }


def _say_times(said: Any) -> None:
    """``date-time`` alone leaves the offset open, and lets lower case through."""
    if isinstance(said, dict):
        if said.get("format") == "date-time":
            said["pattern"] = _TIME
        for inner in said.values():
            _say_times(inner)
    elif isinstance(said, list):
        for inner in said:
            _say_times(inner)


def undescribed(routes: Iterable[BaseRoute]) -> set[tuple[str, str]]:
    """Routes without a row. Mounts serve files as they are."""
    return {
        (method, route.path)
        for route in routes
        if not isinstance(route, Mount) and isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    } - ABOUT.keys()


def _operation(path: str, about: About, rule: Rule, method: str, schema_of: dict[str, Any]) -> dict[str, Any]:
    in_path = [part[1:-1].partition(":")[0] for part in path.split("/") if part.startswith("{")]
    parameters = [
        *({"name": name, "in": "path", "required": True, "schema": _IN_PATH[name]} for name in in_path),
        *(
            {"name": name, "in": "query", "required": name not in _OPTIONAL_QUERY, "schema": schema}
            for name, schema in about.query.items()
        ),
    ]
    problem = {"content": {_JSON: {"schema": schema_of[str(messages.Problem)]}}}
    said = {"description": about.says, "content": {about.media: _content(about, schema_of)}}
    responses: dict[str, Any] = {"200": said}
    refused = {*about.problems, 429}
    if rule.who is not Who.ANYBODY:
        refused |= {401}
    if rule.who is Who.STAFF or method == "POST":
        refused |= {403}
    if about.body is not None or about.query:
        refused |= {400, 413, 422}
    if about.form or (method == "POST" and about.media == _PAGE):
        refused |= {400, 401, 413, 422}
    if about.body is not None and path == "/window/v1/login":
        refused |= {401}
    for status in sorted(refused):
        responses[str(status)] = {"description": "Refused", **_or_page(problem, about)}
    if about.leads_on:
        responses["303"] = {"description": "See the page that it names"}
    if path == "/public/state" or about.media == _PAGE:
        responses["304"] = {"description": "As before"}
    operation: dict[str, Any] = {"summary": about.says, "parameters": parameters, "responses": responses}
    if about.body is not None:
        required = path != "/window/v1/{action}"
        operation["requestBody"] = {
            "required": required,
            "content": {_JSON: {"schema": schema_of[str(about.body)]}},
        }
    elif method == "POST" and about.media == _PAGE:
        fields = {name: {"type": "string"} for name in (*about.form, *(("csrf",) if rule.who is Who.STAFF else ()))}
        schema = {"type": "object", "properties": fields, "required": list(fields)}
        operation["requestBody"] = {"required": True, "content": {_FORM: {"schema": schema}}}
    if rule.who is Who.KIOSK:
        operation["security"] = [{"kiosk": []}]
    elif rule.who is Who.STAFF:
        operation["security"] = [{"session": []}]
        operation["description"] = f"For: {', '.join(sorted(rule.roles))}."
    return operation


def _content(about: About, schema_of: dict[str, Any]) -> dict[str, Any]:
    return {"schema": schema_of[str(about.reply)]} if about.reply is not None else {"schema": {"type": "string"}}


def _or_page(problem: dict[str, Any], about: About) -> dict[str, Any]:
    """A page that refuses is still a page."""
    content = dict(problem["content"])
    if about.media == _PAGE:
        content[_PAGE] = {"schema": {"type": "string"}}
    return {"content": content}


def routes() -> list[BaseRoute]:
    return [Route("/openapi.json", description, methods=["GET"])]
