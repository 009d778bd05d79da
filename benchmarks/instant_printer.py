"""A slip printer without mechanics, at a TCP port, that writes down when the first byte of each slip reached it.

A process of its own for ``confirm_to_print``. It prints its port, then the time of each slip by the machine's forward
clock (seconds), which all processes share.
"""

from __future__ import annotations

import socket
import sys
import time

from drivers.bench.printer_model import PrinterModel

#: Every slip begins by setting the printer back (ESC @); status queries before it do not.
SLIP_BEGINS = b"\x1b@"


def main() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            line, _ = server.accept()
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            model = PrinterModel()
            slip_seen = False
            while data := line.recv(65536):
                now = time.monotonic()
                if SLIP_BEGINS in data and not slip_seen:
                    slip_seen = True
                    print(now, flush=True)
                if answer := model.receive(data, now):
                    line.sendall(answer)
                    # An answer that comes in the order of the data: the slip is over.
                    slip_seen = slip_seen and model.holds_data
                while (due := model.due(now)) is not None and due <= now:
                    line.sendall(model.work(now))
            line.close()


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(0)
