"""A wire between two processes that can be cut: a TCP relay which loses requests, or answers, on command.

A kiosk whose ``hall_url`` leads through it finds out what a network does: a request that never arrives, and, worse, one
that was carried out and whose answer never came.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Literal

Fault = Literal["none", "lose_requests", "lose_answers"]


class Wire:
    """Listens on a port of its own while open; ``fault`` may be changed at any time."""

    def __init__(self, host: str, port: int) -> None:
        """``host``, ``port``: the far end; it need not be there yet."""
        self._far = (host, port)
        self.fault: Fault = "none"
        self.lost = 0
        """How often something was lost."""
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._thread = threading.Thread(target=self._accept, name="wire", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(near,), name="wire-line", daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        with near, contextlib.suppress(OSError):
            if self._loses("lose_requests"):
                self._lose(near)
                return
            with socket.create_connection(self._far, timeout=5) as far:
                far.settimeout(None)
                back = threading.Thread(target=self._carry_back, args=(far, near), name="wire-back", daemon=True)
                back.start()
                while piece := near.recv(65536):
                    if self._loses("lose_requests"):
                        self._lose(near)
                        return
                    far.sendall(piece)
                far.shutdown(socket.SHUT_WR)
                back.join()

    def _carry_back(self, far: socket.socket, near: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := far.recv(65536):
                if self._loses("lose_requests", "lose_answers"):
                    self._lose(near)
                    return
                near.sendall(piece)
            near.shutdown(socket.SHUT_WR)

    def _loses(self, *faults: Fault) -> bool:
        """Looked at anew for every piece: the fault changes while lines are open."""
        return self.fault in faults

    def _lose(self, near: socket.socket) -> None:
        """The line is dead: the near end is told nothing more than that."""
        self.lost += 1
        near.shutdown(socket.SHUT_RDWR)
