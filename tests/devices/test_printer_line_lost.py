"""Lines that break off at the worst moment: what was proven stays proven, what had not begun is not half failed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from drivers.bench.printer_model import PrinterModel
from drivers.contract import PaperState
from drivers.printer.document import BigNumber, Document
from drivers.printer.driver import Outcome, SlipPrinter, Waits
from drivers.printer.status import Reason

SLIP = Document("slip", (BigNumber("A057"),))
BRIEF = Waits(proof=1.0)


@contextmanager
def hangs_up_when(over: Callable[[bytes], bool]) -> Iterator[SlipPrinter]:
    """A network printer that answers as it should until ``over`` says of what it received: hang up instead."""
    printer = PrinterModel()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener:
            peer, _ = listener.accept()
            with peer:
                while data := peer.recv(4096):
                    answer = printer.receive(data, now=0.0)
                    if over(data):
                        return
                    peer.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    driver = SlipPrinter(f"socket://127.0.0.1:{listener.getsockname()[1]}", waits=BRIEF)
    yield driver
    driver.close()
    thread.join(5)


def test_a_slip_that_the_printer_echoed_is_done_although_the_line_broke_right_after() -> None:
    echoed = threading.Event()

    def after_the_slip(received: bytes) -> bool:
        if b"\x1dV" in received:
            echoed.set()
            return False
        return echoed.is_set()

    with hangs_up_when(after_the_slip) as driver:
        assert driver.print(SLIP).outcome is Outcome.DONE


def test_a_slip_whose_line_broke_before_its_first_byte_is_failed() -> None:
    with hangs_up_when(lambda received: b"\x1dr" in received) as driver:
        result = driver.print(SLIP)
    assert (result.outcome, result.reason) == (Outcome.FAILED, Reason.NOT_CONNECTED)
    assert result.paper is PaperState.UNKNOWN


def test_a_slip_whose_line_broke_before_its_proof_is_uncertain() -> None:
    with hangs_up_when(lambda received: b"\x1dV" in received) as driver:
        result = driver.print(SLIP)
    assert (result.outcome, result.reason) == (Outcome.UNCERTAIN, Reason.CONNECTION_LOST)
