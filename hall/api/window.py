"""What windows ask, as JSON; the pages of windows stand on the same desk and the same checks."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from hall.api import access, auth
from hall.api.answers import answer, decode, read_body
from hall.api.stream import stream
from hall.events import Channel
from hall.queue.desk import Desk
from hall.queue.refusal import Refused
from hall.queue.views import ActionRequest, WindowAction
from hall.server import HallServer


class LoginRequest(msgspec.Struct, frozen=True):
    name: str
    password: str
    window: str


class LoginReply(msgspec.Struct, frozen=True):
    window: str
    csrf: str
    """To be sent back as X-CSRF-Token with every action."""


_login_request = msgspec.json.Decoder(LoginRequest)
_action_request = msgspec.json.Decoder(ActionRequest)
_ACTIONS = {action.value: action for action in WindowAction}
_NOTHING = ActionRequest()


async def log_in(request: Request) -> Response:
    hall: HallServer = request.app.state.hall
    asked = decode(await read_body(request), _login_request)
    address, before = access.client_address(request), access.person_if_any(request)
    token, session = await hall.sessions.log_in(asked.name, asked.password, asked.window, address, before)
    response = answer(LoginReply(session.window, session.csrf))
    auth.set_cookie(request, response, token)
    return response


async def log_out(request: Request) -> Response:
    hall: HallServer = request.app.state.hall
    session = access.person(request)
    await hall.sessions.log_out(session)
    response = answer({"window": session.window})
    auth.clear_cookie(request, response)
    return response


async def act(request: Request) -> Response:
    desk: Desk = request.app.state.desk
    session = access.person(request)
    action = _ACTIONS.get(request.path_params["action"])
    if action is None:
        raise Refused("no_such_action", 404)
    body = await read_body(request)
    asked = decode(body, _action_request) if body else _NOTHING
    return answer(await desk.do(session, action, asked))


async def view(request: Request) -> Response:
    desk: Desk = request.app.state.desk
    session = access.person(request)
    return answer(desk.window(session.window), headers={"cache-control": "no-store"})


class WindowEvents:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hall: HallServer = scope["app"].state.hall
        await stream(hall.events, Channel.WINDOW, scope, receive, send)


class BoardEvents:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hall: HallServer = scope["app"].state.hall
        await stream(hall.events, Channel.BOARD, scope, receive, send)


def routes() -> list[BaseRoute]:
    return [
        Route("/board/events", BoardEvents(), methods=["GET"]),
        Route("/window/events", WindowEvents(), methods=["GET"]),
        Route("/window/v1/login", log_in, methods=["POST"]),
        Route("/window/v1/logout", log_out, methods=["POST"]),
        Route("/window/v1/view", view, methods=["GET"]),
        Route("/window/v1/{action}", act, methods=["POST"]),
    ]
