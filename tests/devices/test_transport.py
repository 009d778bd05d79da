"""One line, three sorts of it: every failure is "not connected" or "timed out", in time, and loses no byte."""

from __future__ import annotations

import contextlib
import os
import pty
import socket
import termios
import threading
import time
import tty
from collections.abc import Iterator

import pytest

from drivers.contract import NotConnected, TimedOut
from drivers.transport import BadUrl, Transport, open_transport

SOON = 5.0


class PtyPeer:
    """The device's side of a pseudo-terminal."""

    def __init__(self) -> None:
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        self.url = os.ttyname(slave)
        self._slave = slave

    def send(self, data: bytes) -> None:
        os.write(self.master, data)

    def receive(self) -> bytes:
        return os.read(self.master, 65536)

    def hang_up(self) -> None:
        for fd in (self._slave, self.master):
            with contextlib.suppress(OSError):
                os.close(fd)
        self._slave = self.master = -1


class TcpPeer:
    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        self._accepted: socket.socket | None = None

    @property
    def _peer(self) -> socket.socket:
        if self._accepted is None:
            self._accepted, _ = self._listener.accept()
        return self._accepted

    def send(self, data: bytes) -> None:
        self._peer.sendall(data)

    def receive(self) -> bytes:
        return self._peer.recv(65536)

    def hang_up(self) -> None:
        self._listener.close()
        self._peer.close()


Peer = PtyPeer | TcpPeer


def write_again_and_again(line: Transport) -> None:
    """TCP takes the first bytes after the other side has gone, and learns it only then."""
    for _ in range(20):
        line.write(b"x", SOON)
        time.sleep(0.05)


@pytest.fixture(params=[PtyPeer, TcpPeer])
def peer(request: pytest.FixtureRequest) -> Iterator[Peer]:
    peer: Peer = request.param()
    yield peer
    with contextlib.suppress(OSError):
        peer.hang_up()


@pytest.fixture
def line(peer: Peer) -> Iterator[Transport]:
    with open_transport(peer.url) as line:
        yield line


def test_bytes_go_both_ways(peer: Peer, line: Transport) -> None:
    line.write(bytes(range(256)), SOON)
    assert peer.receive() == bytes(range(256))
    peer.send(bytes(range(256)))
    assert line.read(256, SOON) == bytes(range(256))


def test_a_read_takes_exactly_what_it_asked_for_and_leaves_the_rest(peer: Peer, line: Transport) -> None:
    peer.send(b"abcdef")
    assert line.read(2, SOON) == b"ab"
    assert line.read(1, SOON) == b"c"
    assert line.read_some(SOON) == b"def"


def test_what_came_before_a_time_out_is_there_for_the_next_read(peer: Peer, line: Transport) -> None:
    peer.send(b"abc")
    with pytest.raises(TimedOut, match="3 of 5 bytes"):
        line.read(5, 0.2)
    peer.send(b"de")
    assert line.read(5, SOON) == b"abcde"


def test_silence_is_told_when_its_time_is_up_and_not_much_later(line: Transport) -> None:
    begin = time.monotonic()
    with pytest.raises(TimedOut):
        line.read_some(0.3)
    assert 0.29 <= time.monotonic() - begin < 2


def test_old_bytes_are_forgotten_also_those_read_ahead(peer: Peer, line: Transport) -> None:
    peer.send(b"old")
    assert line.read(1, SOON) == b"o"
    peer.send(b"older")
    time.sleep(0.05)
    line.discard_input()
    peer.send(b"new")
    assert line.read_some(SOON) == b"new"


def test_a_device_that_takes_nothing_times_out_without_burning_the_processor(line: Transport) -> None:
    begin, used = time.monotonic(), time.process_time()
    with pytest.raises(TimedOut, match="not taken"):
        line.write(bytes(20_000_000), 0.5)
    assert time.monotonic() - begin < 3
    assert time.process_time() - used < 0.25


def test_a_hangup_ends_a_waiting_read_at_once(peer: Peer, line: Transport) -> None:
    line.write(b"x", SOON)
    assert peer.receive() == b"x"
    begin = time.monotonic()
    threading.Timer(0.2, peer.hang_up).start()
    with pytest.raises(NotConnected):
        line.read(10, 30)
    assert time.monotonic() - begin < SOON


def test_after_a_hangup_everything_says_not_connected(peer: Peer, line: Transport) -> None:
    line.write(b"x", SOON)
    assert peer.receive() == b"x"
    peer.hang_up()
    with pytest.raises(NotConnected):
        line.read_some(SOON)
    with pytest.raises(NotConnected):
        line.discard_input()
    with pytest.raises(NotConnected):
        write_again_and_again(line)
    line.close()


def test_bytes_that_came_before_the_hangup_are_not_lost(peer: Peer, line: Transport) -> None:
    line.write(b"x", SOON)
    peer.send(b"last")
    assert line.read(1, SOON) == b"l"
    peer.hang_up()
    assert line.read_some(SOON) == b"ast"


def test_closing_from_another_thread_ends_a_waiting_read(line: Transport) -> None:
    threading.Timer(0.1, line.close).start()
    with pytest.raises(NotConnected):
        line.read(1, 30)
    line.close()
    with pytest.raises(NotConnected):
        line.write(b"x", 1)


def test_a_port_is_ours_alone() -> None:
    peer = PtyPeer()
    with open_transport(peer.url), pytest.raises(NotConnected, match="in use by another program"):
        open_transport(peer.url)
    open_transport(peer.url).close()
    peer.hang_up()


def test_a_change_of_speed_reaches_the_line_and_is_refused_after_a_hangup() -> None:
    peer = PtyPeer()
    with open_transport(peer.url, 9600) as line:
        assert termios.tcgetattr(peer.master)[5] == termios.B9600
        line.set_baudrate(57600)
        assert line.baudrate == 57600
        assert termios.tcgetattr(peer.master)[5] == termios.B57600
        peer.hang_up()
        with pytest.raises(NotConnected):
            line.set_baudrate(115200)


def test_a_tcp_line_has_no_speed() -> None:
    peer = TcpPeer()
    with open_transport(peer.url.replace("socket", "tcp")) as line:
        assert line.baudrate is None
        line.set_baudrate(9600)
        peer.send(b"ok")
        assert line.read(2, SOON) == b"ok"
    peer.hang_up()


@pytest.mark.parametrize(
    "url", ["", " ", "http://hall:80", "socket://hall", "socket://:9100", "tcp://hall:99999", "a\0b"]
)
def test_a_url_that_names_no_line_is_told_apart_from_a_device_that_is_away(url: str) -> None:
    with pytest.raises(BadUrl):
        open_transport(url)


@pytest.mark.parametrize("url", ["/dev/no-such-port", "/", "/etc/hostname", "socket://127.0.0.1:1"])
def test_a_device_that_is_away_is_not_connected(url: str) -> None:
    with pytest.raises(NotConnected) as caught:
        open_transport(url)
    assert not isinstance(caught.value, BadUrl)
