"""A hall's release office with real keys, and kiosks that take from it over real HTTP.

The keys are made once a process: an encrypted key file costs a tenth of a second each.
"""

from __future__ import annotations

import functools
import http.server
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from securesystemslib.signer import Key

from hall.fleet import releases
from hall.fleet.releases import Draft, Repository
from hall.settings import Releases
from kiosk.configuration.client import ReleaseClient
from kiosk.configuration.taking import Taker
from kiosk.domain.day import HALL_ZONE
from kiosk.domain.fleet import Audience
from kiosk.runtime.enrolment import Enrolment
from kiosk.store.store import Store
from kiosk.sync.hall_client import HallClient

HALL = "zz-longwen"
BEGAN = datetime(2026, 11, 24, 9, 0, tzinfo=HALL_ZONE)
PASSWORD = "correct horse battery"
FILES = {"settings.toml": "[limits]\nidle_s = 61.0\n"}


@functools.cache
def keyring() -> Path:
    """Keys by name: r1..r4 of root, o1..o4 of officers."""
    folder = Path(tempfile.mkdtemp(prefix="keys-"))
    for name in (f"{kind}{number}" for kind in "ro" for number in range(1, 5)):
        releases.make_key(folder / f"{name}.pem", PASSWORD)
    return folder


def public(*names: str) -> list[Key]:
    return [releases.read_public(keyring() / f"{name}.pub") for name in names]


def signed(draft: Draft, *names: str) -> Draft:
    for name in names:
        releases.sign(draft, keyring() / f"{name}.pem", PASSWORD)
    return draft


class Office:
    """A repository with a root of three, officers of three, two of each needed; a clock that tests move."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = BEGAN
        self.lengths = Releases()
        self.repository = Repository(folder, self.lengths)
        draft = self.repository.draft_beginning(public("r1", "r2", "r3"), public("o1", "o2", "o3"), 2, "chen", self.now)
        self.repository.publish(signed(draft, "r1", "r2", "o1", "o2"), self.now)
        self.first_root = self.repository.root_text()

    @property
    def metadata(self) -> Path:
        return self.folder / "metadata"

    def move(self, **by: float) -> None:
        """Time passes, and the hall keeps its timestamp fresh."""
        self.now += timedelta(**by)
        self.repository.keep_fresh(self.now)

    def publish(
        self,
        files: Mapping[str, str] = FILES,
        kiosks: tuple[str, ...] = (),
        hall: str = HALL,
        by: tuple[str, ...] = ("o1", "o2"),
    ) -> int:
        draft = self.repository.draft_release(files, Audience(hall, list(kiosks)), "a release", "chen", self.now)
        self.repository.publish(signed(draft, *by), self.now)
        return draft.number

    def files(self) -> dict[str, bytes]:
        """Everything a mirror has, by its path."""
        return {
            f"{kind}/{file.name}": file.read_bytes()
            for kind in ("metadata", "targets")
            for file in (self.folder / kind).glob("[!.]*")
        }


class Mirror:
    """What stands between kiosk and hall, over HTTP: the office's files as they are, or as somebody would have them."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self.instead: dict[str, bytes] = {}
        """Path → other bytes."""
        self.frozen: dict[str, bytes] | None = None
        """Only these, whatever the office has."""
        self.answer: Callable[[str, http.server.BaseHTTPRequestHandler], bool] | None = None
        """Answers by itself where it returns True."""
        self.asked: list[str] = []
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = self.path.removeprefix("/kiosk/v1/releases/")
                mirror.asked.append(path)
                if mirror.answer is not None and mirror.answer(path, self):
                    return
                data = mirror.file(path)
                self.send_response(404 if data is None else 200)
                self.send_header("Content-Length", str(len(data or b"")))
                self.end_headers()
                self.wfile.write(data or b"")

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def file(self, path: str) -> bytes | None:
        if path in self.instead:
            return self.instead[path]
        if self.frozen is not None:
            return self.frozen.get(path)
        kind, _, name = path.partition("/")
        repository = self._office.repository
        return repository.metadata_file(name) if kind == "metadata" else repository.target_file(name)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Kiosk:
    """The taking side of one kiosk: its store, its slots, its client; a clock that tests move."""

    def __init__(self, folder: Path, office: Office, url: str, name: str = "K1", file_s: float = 5.0) -> None:
        self.folder, self.office, self.url, self.name, self.file_s = folder, office, url, name, file_s
        self.now: Callable[[], datetime] = lambda: office.now
        self.restarts = 0
        folder.mkdir(parents=True, exist_ok=True)
        self.store = Store(folder / "kiosk.sqlite", bytes(32))
        self.hall = HallClient(url)
        self.enrolment = Enrolment(name, "大厅", "Hall", bytes(32), bytes(32), HALL, "", office.first_root)
        self.taker = self._taker()

    def _taker(self) -> Taker:
        return Taker(
            self.folder / "configuration",
            None,
            self.store,
            self.enrolment,
            self.hall,
            lambda: self.now(),
            self._restart,
            file_s=self.file_s,
        )

    def _restart(self) -> None:
        self.restarts += 1

    def reborn(self) -> None:
        """The agent ends and is started again."""
        self.taker = self._taker()

    def begin(self) -> str | None:
        """A start of the front end: the slot that it reads from."""
        folder = self.taker.slots.begin()
        return folder.name if folder is not None else None

    def fetch(self, number: int) -> bytes:
        """What is signed as this release. Raises NotTaken, Unreachable."""
        client = ReleaseClient(
            self.folder / "configuration" / "tuf",
            self.office.first_root.encode(),
            self.store.release_floor,
            self.hall,
            lambda: self.now(),
            self.file_s,
        )
        return client.fetch(number, HALL, self.name)

    def lose_metadata(self) -> None:
        """As after a power cut that took what was never flushed."""
        import shutil

        shutil.rmtree(self.folder / "configuration" / "tuf")

    def close(self) -> None:
        self.hall.close()
        self.store.close()


@contextmanager
def stage(folder: Path) -> Iterator[tuple[Office, Mirror, Kiosk]]:
    office = Office(folder / "releases")
    mirror = Mirror(office)
    kiosk = Kiosk(folder / "kiosk", office, mirror.url)
    try:
        yield office, mirror, kiosk
    finally:
        kiosk.close()
        mirror.close()
