"""Commands to a running bench: JSON lines over a Unix socket in its folder, from the command line and from tests.

One request a line, ``{"device": …, "action": …, "argument": …}``; one answer a line, ``{"ok": true, "result": …}`` or
``{"ok": false, "problem": …}``.
"""

from __future__ import annotations

import contextlib
import errno
import json
import socket
import socketserver
import threading
from collections.abc import Callable
from pathlib import Path

from drivers.bench.device import BadAction

SOCKET_NAME = "control"

#: A simulated device acts at once; who waits longer has no bench before him.
_ANSWER_TIMEOUT_S = 10.0

Act = Callable[[str, str, object], object]
"""Device, action, argument → result. Raises BadAction."""


class NoBench(Exception):
    """No bench is running in this folder."""


def do(folder: Path, device: str, action: str, argument: object = None) -> object:
    """Have a running bench do something, and wait until it is done. Raises BadAction, NoBench."""
    request = json.dumps({"device": device, "action": action, "argument": argument}).encode() + b"\n"
    try:
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(_ANSWER_TIMEOUT_S)
            peer.connect(str(folder / SOCKET_NAME))
            peer.sendall(request)
            with peer.makefile("rb") as lines:
                line = lines.readline()
        answer = json.loads(line)
    except (OSError, ValueError) as error:
        raise NoBench(f"{folder}: no bench answers there ({error})") from error
    if not answer["ok"]:
        raise BadAction(answer["problem"])
    return answer.get("result")


class ControlServer:
    """Listens in ``folder`` from ``start`` to ``stop``. The folder is the guard: who may enter it may command."""

    def __init__(self, folder: Path, act: Act) -> None:
        self._path = folder / SOCKET_NAME
        self._act = act

    def start(self) -> None:
        """Raises OSError, also when another bench listens there: two would steal each other's device names."""
        if _somebody_listens(self._path):
            raise OSError(errno.EADDRINUSE, "a bench is running already", str(self._path))
        self._path.unlink(missing_ok=True)
        act = self._act

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):
                    for line in self.rfile:
                        self.wfile.write(json.dumps(_answer(act, line), ensure_ascii=False).encode() + b"\n")

        self._server = socketserver.ThreadingUnixStreamServer(str(self._path), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="bench-control", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._path.unlink(missing_ok=True)


def _somebody_listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as peer:
        return peer.connect_ex(str(path)) == 0


def _answer(act: Act, line: bytes) -> dict[str, object]:
    try:
        request = json.loads(line)
        result = act(request["device"], request["action"], request.get("argument"))
    except BadAction as error:
        return {"ok": False, "problem": str(error)}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return {"ok": False, "problem": f"not a command: {error!r}"}
    return {"ok": True, "result": result}
