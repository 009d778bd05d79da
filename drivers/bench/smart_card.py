"""A technician's card without plastic: virtual readers of a pcscd of our own, and cards that are put into them.

The readers are those of Debian's vsmartcard-vpcd, and pcscd runs in a mount namespace of its own, so that neither
touches what the machine has. Needs root, and belongs on test machines only: vpcd listens on every address.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import xor
from pathlib import Path
from types import TracebackType

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from drivers.bench.device import Action, BadAction

AID = b"\xf0TAXKIOSK\x01"
PIN = "135790"
TRIES = 3

#: T=1, and a check byte at its end. The historical bytes tell nothing of anybody.
ATR_T1 = b"\x3b\x8a\x80\x01TAXKIOSK01"
ATR_T1 += bytes((reduce(xor, ATR_T1[1:]),))
ATR_T0 = b"\x3b\x6a\x00\x00TAXKIOSK01"

_VPCD = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
_RUN = Path("/run/pcscd")
_NAME = "Bench"
SOON_S = 10.0
#: pcscd looks at a slot every 0.4 s. A card that comes sooner after one that went over a command is never seen, and no
#: hand is that fast.
_HAND_S = 0.5


@dataclass
class TechnicianChip:
    """What is inside the card: bytes in, bytes out, and a PIN that is counted. It keeps its count without power."""

    name: str = "Technician 7"
    pin: str = PIN
    tries: int = TRIES
    ours: bool = True
    """False: a card of another kind, which knows no application of ours."""
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        self.certificate = _certificate(self.name, self.key)
        self.power_on()

    def power_on(self) -> None:
        self._selected = self._verified = False
        self._rest = b""

    def obey(self, command: bytes) -> bytes:
        """The whole answer, its status at the end."""
        if len(command) < 4:
            return b"\x67\x00"
        _, ins, p1, p2 = command[:4]
        data, wanted = _body(command[4:])
        match ins, p1, p2:
            case 0xA4, 0x04, 0x00:
                self._selected, self._verified = self.ours and data == AID, False
                return b"\x90\x00" if self._selected else b"\x6a\x82"
            case _ if not self._selected:
                return b"\x6d\x00"
            case 0xCA, 0x7F, 0x21:
                self._rest = self.certificate
                return self._part(256)
            case 0xC0, 0, 0:
                return self._part(wanted)
            case 0x84, 0, 0:
                return os.urandom(wanted) + b"\x90\x00"
            case 0x20, 0, 0x81:
                return self._verify(data)
            case 0x88, 0, 0:
                if not self._verified:
                    return b"\x69\x82"
                return self.key.sign(data, ec.ECDSA(hashes.SHA256())) + b"\x90\x00"
        return b"\x6d\x00"

    def _part(self, wanted: int) -> bytes:
        part, self._rest = self._rest[:wanted], self._rest[wanted:]
        return part + (bytes((0x61, min(len(self._rest), 255))) if self._rest else b"\x90\x00")

    def _verify(self, given: bytes) -> bytes:
        if self.tries == 0:
            return b"\x69\x83"
        if not given:
            return b"\x90\x00" if self._verified else bytes((0x63, 0xC0 | self.tries))
        self._verified = given == self.pin.encode().ljust(8, b"\xff")
        self.tries = TRIES if self._verified else self.tries - 1
        if self._verified:
            return b"\x90\x00"
        return bytes((0x63, 0xC0 | self.tries)) if self.tries else b"\x69\x83"


def _body(rest: bytes) -> tuple[bytes, int]:
    """Data and wanted length of the short form."""
    if len(rest) <= 1:
        return b"", (rest[0] or 256) if rest else 0
    data, wanted = rest[1 : 1 + rest[0]], rest[1 + rest[0] :]
    return data, (wanted[0] or 256) if wanted else 256


def _certificate(name: str, key: ec.EllipticCurvePrivateKey) -> bytes:
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(who, who, key.public_key(), 7, start, start + timedelta(days=3650))
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


_pulled_at: dict[int, float] = {}
"""By reader."""


class VirtualCard:
    """A card in a person's hand, or in the reader at ``port``. ``spoil``: what becomes of each answer on its way."""

    def __init__(self, port: int, chip: TechnicianChip | None = None, atr: bytes = ATR_T1) -> None:
        self.chip = chip or TechnicianChip()
        self._port = port
        self._atr = atr
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self.spoil: Callable[[bytes], bytes] = bytes
        self._pull_moment: str | int | None = None
        self.heard = 0
        """Commands that reached the chip."""
        self.resume(None)

    # ---- what a person does, and what befalls a card -----------------------------------------------------------------

    def actions(self) -> Mapping[str, Action]:
        return {
            "insert": self.insert,
            "pull": self.pull,
            "pull-at": self._pull_at,
            "mute": self._fall_silent,
            "slow": self._slow_down,
            "resume": self.resume,
            "other-card": lambda _: setattr(self.chip, "ours", False),
        }

    def do(self, action: str, argument: object = None) -> object:
        """Raises BadAction."""
        if action not in (known := self.actions()):
            raise BadAction(f"a card knows no {action!r}; it knows {', '.join(sorted(known))}")
        result: object = known[action](argument)
        return result

    def insert(self, _: object = None) -> None:
        if self._socket is not None:
            raise BadAction("the card is in the reader")
        time.sleep(max(0.0, _pulled_at.get(self._port, 0.0) + _HAND_S - time.monotonic()))
        self.chip.power_on()
        self._socket = socket.create_connection(("127.0.0.1", self._port), SOON_S)
        self._socket.settimeout(None)
        self._thread = threading.Thread(target=self._serve, args=(self._socket,), name="card", daemon=True)
        self._thread.start()

    def pull(self, _: object = None) -> None:
        taken, self._socket = self._socket, None
        if taken is not None:
            with contextlib.suppress(OSError):
                taken.shutdown(socket.SHUT_RDWR)
            taken.close()
            _pulled_at[self._port] = time.monotonic()

    @property
    def inside(self) -> bool:
        return self._socket is not None

    def _pull_at(self, moment: object) -> None:
        """Out at the next command: ``command`` before it is obeyed, ``answer`` after, with the answer unsaid; or after
        so many bytes of the answer."""
        if not isinstance(moment, int) and moment not in ("command", "answer"):
            raise BadAction(f"a card is pulled at 'command', 'answer' or a number of bytes, not {moment!r}")
        self._pull_moment = moment if isinstance(moment, int) else str(moment)

    def _fall_silent(self, _: object) -> None:
        self._mute = True

    def _slow_down(self, seconds: object) -> None:
        if not isinstance(seconds, int | float):
            raise BadAction(f"{seconds!r} is no number of seconds")
        self._slow_s = float(seconds)

    def resume(self, _: object = None) -> None:
        self._mute, self._slow_s = False, 0.0
        self._pull_moment = None
        self.spoil = bytes

    # ---- vpcd's frames: two bytes of length; one byte is a control, more is a command -----------------------------

    def _serve(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError):
            while True:
                message = _take(line, struct.unpack(">H", _take(line, 2))[0])
                match message:
                    case b"\x00" | b"\x01" | b"\x02":
                        self.chip.power_on()
                    case b"\x04":
                        line.sendall(struct.pack(">H", len(self._atr)) + self._atr)
                    case _ if self._obey(line, message):
                        return

    def _obey(self, line: socket.socket, command: bytes) -> bool:
        """True: it was pulled out over this."""
        moment = self._pull_moment
        if moment == "command":
            self.pull()
            return True
        self.heard += 1
        answer = self.spoil(self.chip.obey(command))
        if self._slow_s:
            time.sleep(self._slow_s)
        if self._mute:
            return False
        if moment is not None:
            if isinstance(moment, int):
                # A whole frame with part of the answer: half a frame is no bad contact, it kills pcscd.
                line.sendall(struct.pack(">H", moment) + answer[:moment])
            self.pull()
            return True
        line.sendall(struct.pack(">H", len(answer)) + answer)
        return False


def _take(line: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        # Without it the reader's next two bytes wait for our acknowledgement: 44 ms a command.
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        part = line.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def socket_of_this_process() -> Path:
    """Where VirtualReaders' pcscd listens."""
    return Path(tempfile.gettempdir()) / f"taxkiosk-pcscd-{os.getpid()}" / "run" / "pcscd.comm"


class VirtualReaders:
    """A pcscd with SLOTS readers, from ``start`` to ``stop`` or within ``with``. One in the life of a process: the
    PC/SC library looks for pcscd where it found it first."""

    SLOTS = 2
    """vpcd has no more, however many readers it is told of."""

    def __init__(self) -> None:
        self.socket = socket_of_this_process()
        self._run = self.socket.parent
        self._folder = self._run.parent
        self._config = self._folder / "readers"
        first = _free_ports(self.SLOTS)
        self.ports = range(first, first + self.SLOTS)
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def missing() -> str:
        """Why there can be none on this machine; empty when there can."""
        if shutil.which("pcscd") is None or not _VPCD.exists():
            return "pcscd and vsmartcard-vpcd are not installed"
        return "" if os.geteuid() == 0 else "a pcscd of one's own needs root"

    def url(self, slot: int = 0) -> str:
        return f"pcsc://{_NAME} 00 {slot:02d}"

    def start(self) -> None:
        """Raises OSError."""
        for folder in (self._run, self._config):
            folder.mkdir(parents=True, exist_ok=True)
        _RUN.mkdir(exist_ok=True)
        # vpcd takes its first port in hexadecimal, behind a device that is never opened.
        port = f"0x{self.ports[0]:X}"
        (self._config / "bench").write_text(
            f'FRIENDLYNAME "{_NAME}"\nDEVICENAME /dev/null:{port}\nLIBPATH {_VPCD}\nCHANNELID {port}\n'
        )
        # Read when this process first looks for pcscd.
        os.environ["PCSCLITE_CSOCK_NAME"] = str(self.socket)
        script = 'mount --bind "$0" /run/pcscd && exec pcscd --foreground --config "$1"'
        words = ["unshare", "--mount", "sh", "-c", script, str(self._run), str(self._config)]
        with (self._folder / "pcscd.log").open("ab") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        give_up = time.monotonic() + SOON_S
        while not self.socket.exists():
            if self._process.poll() is not None or time.monotonic() > give_up:
                said = (self._folder / "pcscd.log").read_text(errors="replace")[-300:]
                self.stop()
                raise OSError(f"pcscd does not come up: {said}")
            time.sleep(0.01)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait()
        # As after a crash its files would stay: a new one refuses to start beside them.
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> VirtualReaders:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def _free_ports(count: int) -> int:
    """The first of so many in a row."""
    while True:
        with contextlib.ExitStack() as held, contextlib.suppress(OSError, OverflowError):
            probe = held.enter_context(socket.socket())
            probe.bind(("", 0))
            first = int(probe.getsockname()[1])
            for port in range(first + 1, first + count):
                held.enter_context(socket.socket()).bind(("", port))
            return first
